"""Front door of what is written: `report` a page, `export` an ensemble; and `predict`, what an ensemble says."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrensemble.errors import DataError
from lrensemble.evaluate import evaluate as measured
from lrensemble.evaluate import load, stored_result
from lrensemble.export import FORMATS, VARIANTS, Ensemble, chosen_team, ensemble_of
from lrensemble.export.formats import check_place
from lrensemble.export.predictions import Predictions, predict_array, predict_files
from lrensemble.front.arrays import as_array
from lrensemble.front.paths import PathLike
from lrensemble.front.teams import opened
from lrensemble.notebook import Shown
from lrensemble.pool import Pool
from lrensemble.report import check_format, write_figures, write_report
from lrensemble.spec import Spec, SpecLike, to_spec


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
    ensemble: Ensemble
    """The ensemble itself, to predict with."""
    figures: Mapping[str, Any]
    """What is known of a cheaper variant: its accuracy beside the team's, its cost."""

    def __fspath__(self) -> str:
        return str(self.path)

    def _headline(self) -> str:
        description = self.ensemble.description
        return f"{description.method}, {len(description.parts)} members as {self.format} in {self.path}"

    def _table(self) -> list[dict[str, Any]]:
        """One row for each member."""
        description = self.ensemble.description
        weighed = zip(description.parts, description.weights, strict=True)
        return [{"member": part.id, "name": part.name, "weight": weight} for part, weight in weighed]


def report(
    pool: Pool | PathLike,
    out: PathLike | None = None,
    *,
    data: PathLike | None = None,
    figures: PathLike | None = None,
    format: str = "svg",  # noqa: A002 – as the verb's
    trust_code: bool = False,
) -> Written:
    """Write one self-contained page of tables and figures, as `lrensemble report` does.

    ```python
    page = lrensemble.report("pool", "page.html")
    page.path
    ```

    Args:
        pool: a pool, or its folder, with teams chosen by `select`.
        out: file of the page; `POOL/report.html` unless given.
        data: folder of the data set's files, for pictures.
        figures: folder for files of the figures.
        format: format of those files, `svg`, `png` or `pdf`.
        trust_code: whether code that the pool names may be imported.

    Raises:
        PoolError: there is no pool, no team in it, or it is damaged.
        MissingExtraError: plotly is not installed.
        StorageError: a file cannot be written.
    """
    check_format(format)
    found = opened(pool, trust_code)
    teams = load(found)
    result = stored_result(found, teams) or measured(found, teams)
    path = found.folder / "report.html" if out is None else Path(out)
    sections = write_report(found, result, path, None if data is None else Path(data))
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
        format: `bundle`, a folder, or `onnx` or `torch`, one file.
        method: method that chose the team; the judged team unless given.
        variant: the whole `team`, or a cheaper one: `cascade(cost=0.5)`, `greedy_soup`, …
        data: folder of the data set's files, for variants that need them.
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
    check_place(place)
    made = VARIANTS.call(made_as, ensemble_of(found, team), found, None if data is None else Path(data))
    FORMATS.call(written_as, made.ensemble, place)
    return Exported(place, str(written_as), made.ensemble, made.figures)


def place_of(pool: Pool, written_as: Spec, made_as: Spec) -> Path:
    """Where an ensemble lies by default: beside its pool."""
    name = "ensemble" if made_as.name == "team" else made_as.name
    return pool.folder.resolve().parent / f"{name}{FORMATS.facts(to_spec(written_as)).suffix}"


def predict(
    ensemble: Ensemble | Exported | PathLike,
    data: Any,
    out: PathLike | None = None,
    *,
    strict: bool = False,
    trust_code: bool = False,
) -> Predictions:
    """Predict rows with an exported ensemble, as `lrensemble predict` does.

    ```python
    predictions = lrensemble.predict("ensemble", inputs)
    predictions.labels
    ```

    Args:
        ensemble: an ensemble, or the folder of a bundle.
        data: inputs [sample, …] as an array, a tensor or a frame; or a file, a folder, a pattern of names, or
            a list of such.
        out: a `.csv` or `.parquet` file to write the table to.
        strict: whether to refuse rows far outside of what was trained on, rather than to warn of them.
        trust_code: whether code that the ensemble names may be imported.

    Raises:
        DataError: inputs of another shape, a file that cannot be used, or rows that are refused.
        ExportError: no bundle, or one that is damaged.
        UntrustedError: it names code that is not trusted.
    """
    found = _loaded(ensemble, trust_code)
    files = _files(data)
    if files is None:
        predictions = predict_array(found, as_array(data), strict=strict)
    else:
        predictions = predict_files(found, files, strict=strict)
    if out is not None:
        predictions.save(Path(out))
    return predictions


def _loaded(ensemble: Ensemble | Exported | PathLike, trust_code: bool) -> Ensemble:
    if isinstance(ensemble, Exported):
        return ensemble.ensemble
    return ensemble if isinstance(ensemble, Ensemble) else Ensemble.load(Path(ensemble), trust_code=trust_code)


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
