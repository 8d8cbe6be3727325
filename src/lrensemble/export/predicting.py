"""An ensemble predicts arrays and files: rows are made inputs as in training, looked at, and predicted in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lrensemble.errors import ExportError
from lrensemble.export.outside import Outside, joined, warn_or_refuse
from lrensemble.export.piped import NAME, STANDARD_INPUT, piped
from lrensemble.export.predictions import Predictions, require_classes
from lrensemble.export.predictor import Predictor
from lrensemble.export.raw_inputs import PREDICT_BATCH_ROWS, Rows, rows_given
from lrensemble.export.readers import check_suffix, files_of, read
from lrensemble.metrics.base import Floats
from lrensemble.targets import Target


@dataclass(frozen=True)
class Asked:
    """What is asked of predictions, beside labels and probabilities, or values."""

    strict: bool = False
    """Whether to refuse rows that are far outside of what was trained on, rather than to warn of them."""
    disagreement: bool = False
    """Whether columns say how unsure the ensemble is, and how much its members disagree (`Disagreement`)."""
    abstain: float | None = None
    """Highest probability below which a row has no label."""

    def check(self, target: Target) -> None:
        """Refuse what cannot be.

        Raises:
            ExportError: probabilities are asked for where values are predicted, or a threshold that is none.
        """
        if self.disagreement:
            require_classes(target, "disagreement")
        if self.abstain is not None:
            require_classes(target, "abstain")
            if not 0 < self.abstain <= 1:
                raise ExportError(f"abstain = {self.abstain:g} is refused; give a probability above 0, at most 1")


PLAIN = Asked()


def predict_array(ensemble: Predictor, inputs: Any, asked: Asked = PLAIN) -> Predictions:
    """Predictions of inputs [sample, …], an array or a frame.

    Raises:
        DataError: inputs of another shape; or far outside of what was trained on, where `strict`.
        ExportError: what is asked of these predictions cannot be.
    """
    asked.check(ensemble.description.target)
    given = rows_given(inputs, ensemble.description.inputs)
    warn_or_refuse(ensemble.outside(given), strict=asked.strict)
    return _table(ensemble, asked, [given], ("",) * len(given), range(len(given)))


def predict_files(ensemble: Predictor, files: Sequence[Path], asked: Asked = PLAIN) -> Predictions:
    """Predictions of all rows of files, in their order.

    Args:
        ensemble: ensemble to predict with.
        files: files that `readers` can read, folders of such, patterns of their names, and `-` for standard input.
        asked: what else is asked.

    Raises:
        DataError: a file that cannot be used, or rows refused; suffixes are checked before anything is predicted.
        ExportError: what is asked of these predictions cannot be.
        MissingExtraError: pillow or pyarrow is needed and not installed.
        StorageError: a file cannot be read.
    """
    asked.check(ensemble.description.target)
    return together([tabulated(ensemble, [Piece(path) for path in checked_files(files)], asked)], asked)


def checked_files(given: Sequence[Path]) -> list[Path]:
    """Files that can be read, as `predict_files` takes them.

    Raises:
        DataError: one that cannot be used, or a folder or pattern without such.
        MissingExtraError: pillow or pyarrow is needed and not installed.
    """
    files = files_of(given)
    for path in files:
        if path != STANDARD_INPUT:
            check_suffix(path)
    return files


class Piece(NamedTuple):
    """File, or some rows of one."""

    path: Path
    rows: range | None = None
    """Rows that are predicted, one after the other; all unless given."""


def tabulated(ensemble: Predictor, pieces: Sequence[Piece], asked: Asked) -> tuple[Predictions, Outside]:
    """The table of some files or parts of them, and which rows are far outside of what was trained on."""
    names, rows, outside = list[str](), list[int](), list[Outside]()

    def blocks() -> Iterator[Rows]:
        for path, part in pieces:
            name = NAME if path == STANDARD_INPUT else path
            first = len(rows) - (0 if part is None else part.start)
            with piped() if path == STANDARD_INPUT else nullcontext(path) as place:
                for block in read(place, ensemble.description.inputs, part):
                    given = np.require(block, requirements=("C", "W"))
                    outside.append(ensemble.outside(given).in_file(name))
                    if asked.strict:
                        warn_or_refuse(outside[-1], strict=True)
                    names.extend([str(name)] * len(block))
                    rows.extend(range(len(rows) - first, len(rows) - first + len(block)))
                    yield given

    return _table(ensemble, asked, _batches(blocks()), names, rows), joined(outside)


def together(parts: Sequence[tuple[Predictions, Outside]], asked: Asked) -> Predictions:
    """One table of several, in their order.

    Raises:
        DataError: rows far outside of what was trained on, where `strict`; they are warned of otherwise.
    """
    warn_or_refuse(joined([outside for _, outside in parts]), strict=asked.strict)
    tables = [table for table, _ in parts]
    return replace(
        tables[0],
        files=tuple(name for table in tables for name in table.files),
        rows=tuple(row for table in tables for row in table.rows),
        said=np.concatenate([table.said for table in tables]),
        further={key: [cell for table in tables for cell in table.further[key]] for key in tables[0].further},
    )


def _batches(blocks: Iterable[Rows]) -> Iterator[Rows]:
    """Blocks [sample, …] joined, so that images of one row each are predicted many at once."""
    waiting, count = list[Rows](), 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count >= PREDICT_BATCH_ROWS:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)


def _table(
    ensemble: Predictor, asked: Asked, batches: Iterable[Rows], names: Sequence[str], rows: Sequence[int]
) -> Predictions:
    """The table of all batches; names and places of rows may be found while they are read."""
    target = ensemble.description.target
    said, further = [np.empty((0, target.width))], dict[str, list[float]]()
    for batch in batches:
        if asked.disagreement:
            probs, unsure = ensemble.with_disagreement(batch)
            for heading, column in unsure.columns().items():
                further.setdefault(heading, []).extend(column)
        else:
            probs = _said(ensemble, batch)
        said = [probs] if len(said[0]) == 0 else [*said, probs]
    return Predictions(target, tuple(names), tuple(rows), np.concatenate(said), further, asked.abstain)


def _said(ensemble: Predictor, block: Rows) -> Floats:
    """Probabilities, or values and then their standard deviations."""
    said, width = ensemble.in_blocks(block), ensemble.description.target.width
    if said.shape[1] == 2 * width:
        said[:, width:] = np.sqrt(said[:, width:])
    return said
