"""Front door of what is written: `report` a page, `export` an ensemble; and `predict`, what an ensemble says."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lrensemble.data.frames import is_frame
from lrensemble.errors import DataError, ExportError, ReportError
from lrensemble.evaluate import evaluate as measured
from lrensemble.evaluate import load, stored_result
from lrensemble.export import FORMATS, VARIANTS, Description, Ensemble, chosen_team, place_of, write_ensemble
from lrensemble.export.exporting import Served
from lrensemble.export.language import LanguageEnsemble, is_language_bundle
from lrensemble.export.language.pools.team import AdapterTeam
from lrensemble.export.language.questions.answers import answer_files
from lrensemble.export.networks import Networks
from lrensemble.export.predicting import Asked, predict_array, predict_files
from lrensemble.export.predictions import Predictions
from lrensemble.export.predictor import Predictor, predictor_of
from lrensemble.front.compared import NO_PICTURES, PAGE, check_of_one, compares, write_compared
from lrensemble.front.numbers import as_array
from lrensemble.front.paths import PathLike
from lrensemble.front.samples import sample_texts
from lrensemble.front.teams import opened
from lrensemble.notebook import Shown
from lrensemble.pool import Pool
from lrensemble.report import check_format, write_figures, write_report
from lrensemble.report.study_file import keep_beside
from lrensemble.spec import SpecLike
from lrensemble.text.counted import counted


@dataclass(frozen=True, repr=False)
class Written(Shown, os.PathLike[str]):
    """A file or a folder that was written; it can be given wherever a path can."""

    path: Path
    files: tuple[Path, ...] = ()
    """Further files: those of figures."""

    def __fspath__(self) -> str:
        return str(self.path)

    def _headline(self) -> str:
        return f"{self.path}{f' and {len(self.files)} figures' if self.files else ''}"

    def _table(self) -> list[dict[str, Any]]:
        """One row for each file."""
        return [{"file": str(path)} for path in (self.path, *self.files)]


@dataclass(frozen=True, repr=False)
class Exported(Shown, os.PathLike[str]):
    """An ensemble that was written; it can be given wherever a path can."""

    path: Path
    format: str
    made: Served
    """What was written; of adapters, what `load()` puts on their base."""
    figures: Mapping[str, Any]
    """What is known of a cheaper variant: its accuracy beside the team's, its cost; of an adapter what is lost."""

    @property
    def ensemble(self) -> Ensemble:
        """The ensemble itself, to predict with.

        Raises:
            ExportError: it is one of language models: `LanguageEnsemble.load` reads it.
        """
        if not isinstance(self.made, Ensemble):
            raise ExportError(f"{self.path} is of language models; load a team with LanguageEnsemble.load")
        return self.made

    def __fspath__(self) -> str:
        return str(self.path)

    def _headline(self) -> str:
        description = self.made.description
        return f"{description.method}, {counted(len(description.weights), 'member')} as {self.format} in {self.path}"

    def _table(self) -> list[dict[str, Any]]:
        """One row for each member."""
        description = self.made.description
        if not isinstance(description, Description):
            weighed = zip(description.names, description.weights, strict=True)
            return [{"name": name, "weight": weight} for name, weight in weighed]
        parts = zip(description.parts, description.weights, strict=True)
        return [{"member": part.id, "name": part.name, "weight": weight} for part, weight in parts]


def report(
    pool: Pool | PathLike | Sequence[Pool | PathLike],
    out: PathLike | None = None,
    *,
    data: PathLike | None = None,
    figures: PathLike | None = None,
    format: str = "svg",  # noqa: A002 – as the verb's
    samples: int | None = None,
    trust_code: bool = False,
) -> Written:
    """Write one self-contained page of tables and figures, as `lrensemble report` does.

    ```python
    page = lrensemble.report("pool", "page.html")
    page.path
    ```

    Args:
        pool: a pool, or its folder, with teams chosen by `select`; or several of them, or folders of studies, which the
            page compares.
        out: file of the page; `POOL/report.html` unless given, and `comparison.html` of several.
        data: folder of the data set's files, for pictures of one pool's rows.
        figures: folder for files of the figures.
        format: format of those files, `svg`, `png` or `pdf`.
        samples: of language models, held-out prompts after which base, best single member and team write a text; they
            need `data`, and are kept beside the page.
        trust_code: whether code that the pool names may be imported.

    Raises:
        PoolError: there is no pool, no team in it, or it is damaged.
        ReportError: nothing to compare, or a folder of data where several pools are.
        MissingExtraError: plotly is not installed.
        ReportError, DataError, SpecError: samples that cannot be written.
        StorageError: a file cannot be written.
    """
    check_format(format)
    if compares(pool):
        check_of_one(samples)
        if data is not None:
            raise ReportError(NO_PICTURES)
        several = [pool] if isinstance(pool, str | os.PathLike) else list(cast("Sequence[Pool | PathLike]", pool))
        path = Path(PAGE if out is None else out)
        sections = write_compared(several, path, trust_code=trust_code)
        return Written(path, tuple([] if figures is None else write_figures(sections, Path(figures), format)))
    found = opened(cast("Pool | PathLike", pool), trust_code)
    teams = load(found)
    result = stored_result(found, teams) or measured(found, teams)
    path = found.folder / "report.html" if out is None else Path(out)
    if samples is not None:
        sample_texts(found, result, path, samples, data=None if data is None else Path(data))
    sections = write_report(found, result, path, None if data is None else Path(data))
    if out is None:  # a folder of one's own is no place for what was not asked for
        keep_beside(found, path)
    files = [] if figures is None else write_figures(sections, Path(figures), format)
    return Written(path, tuple(files))


def export(
    pool: Pool | PathLike,
    out: PathLike | None = None,
    *,
    format: SpecLike = "bundle",  # noqa: A002 – as the verb's
    method: str | None = None,
    variant: SpecLike = "team",
    data: PathLike | None = None,
    base: PathLike | None = None,
    consensus: str | None = None,
    trust_code: bool = False,
) -> Exported:
    """Make one deployable ensemble of a pool's team, as `lrensemble export` does.

    ```python
    exported = lrensemble.export("pool", "ensemble")
    exported.ensemble.predict(inputs)
    ```

    Args:
        pool: a pool, or its folder, with teams chosen by `select`.
        out: file or folder of the ensemble; beside the pool unless given.
        format: `bundle`, a folder, or `onnx` or `torch`, one file; of language models also `adapter` and `merged`.
        method: method that chose the team; the judged team unless given.
        variant: the whole `team`, or a cheaper one: `cascade(cost=0.5)`, `greedy_soup`, …
        data: folder of the data set's files, for variants that need them.
        base: of language models, folder of their base, where it lies elsewhere now.
        consensus: of language models, how they speak as one; as it was scored unless given.
        trust_code: whether code that the pool names may be imported.

    Raises:
        ExportError: no team, members without their networks, or something in the way of `out`.
        SpecError: a name or an argument that is not known.
        StorageError: it cannot be written.
    """
    written_as, made_as = FORMATS.check(format), VARIANTS.check(variant)
    found = opened(pool, trust_code)
    team = chosen_team(found, method)
    place = place_of(found, written_as, made_as) if out is None else Path(out)
    made = write_ensemble(
        found,
        team,
        written_as,
        made_as,
        place,
        data=None if data is None else Path(data),
        base=None if base is None else Path(base),
        consensus=consensus,
    )
    return Exported(place, str(written_as), made.ensemble, made.figures)


def predict(
    ensemble: Ensemble | LanguageEnsemble | Exported | PathLike,
    data: Any,
    out: PathLike | None = None,
    *,
    strict: bool = False,
    disagreement: bool = False,
    abstain: float | None = None,
    trust_code: bool = False,
) -> Predictions:
    """Predict rows with an exported ensemble, as `lrensemble predict` does.

    ```python
    predictions = lrensemble.predict("ensemble", inputs)
    predictions.labels
    ```

    Args:
        ensemble: an ensemble, the folder of a bundle, also of language models, or an ONNX file.
        data: inputs [sample, …] as an array or a tensor, or a frame, whose columns are found by the names of features
            as those of a file are; or a file, a folder, a pattern of names, or a list of
            such; `-` is standard input. For language models files of questions with their choices.
        out: a `.csv` or `.parquet` file to write the table to.
        strict: whether to refuse rows far outside of what was trained on, rather than to warn of them.
        disagreement: whether columns give the predictive entropy of each row and the mutual information of class and
            member, in nats: how unsure the ensemble is, and how much its members disagree.
        abstain: highest probability below which a row has no label.
        trust_code: whether code that the ensemble names may be imported.

    Raises:
        DataError: inputs of another shape, a file that cannot be used, or rows that are refused.
        ExportError: no ensemble, or a damaged one; or what is asked goes by probabilities, and it predicts values.
        UntrustedError: it names code that is not trusted.
    """
    found = _loaded(ensemble, trust_code)
    files, asked = _files(data), Asked(strict, disagreement, abstain)
    if isinstance(found, LanguageEnsemble):
        if files is None:
            raise DataError("a team of language models answers questions; give a .jsonl file of them, or several")
        predictions = answer_files(found, files, asked=asked).predictions
        if out is not None:
            predictions.save(Path(out))
        return predictions
    if files is not None:
        predictions = predict_files(found, files, asked)
    else:  # a frame stays one: its columns have names
        predictions = predict_array(found, data if is_frame(data) else as_array(data), asked)
    if out is not None:
        predictions.save(Path(out))
    return predictions


def _loaded(
    ensemble: Ensemble | LanguageEnsemble | Exported | PathLike, trust_code: bool
) -> Predictor | LanguageEnsemble:
    if isinstance(ensemble, LanguageEnsemble):
        return ensemble
    if isinstance(ensemble, Ensemble):
        return Networks(ensemble)
    if isinstance(ensemble, Exported):
        return ensemble.made.load() if isinstance(ensemble.made, AdapterTeam) else Networks(ensemble.ensemble)
    place = Path(ensemble)
    read = LanguageEnsemble.load if is_language_bundle(place) else predictor_of
    return read(place, trust_code=trust_code)


def _files(data: Any) -> list[Path] | None:
    """Paths, where files are given; None for inputs themselves.

    Raises:
        DataError: an empty list.
    """
    if isinstance(data, str | os.PathLike):
        return [Path(data)]
    if isinstance(data, Sequence) and all(isinstance(each, str | os.PathLike) for each in data):
        if not len(data):
            raise DataError("there is nothing to predict: give inputs, or files")
        return [Path(each) for each in data]
    return None
