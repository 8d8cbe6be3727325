"""Predictions of many files, spread over the workers of an executor: each loads the ensemble and predicts some."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch

from lrensemble.errors import ConfigError, WorkerError
from lrensemble.executors import EXECUTORS, Crashed
from lrensemble.export.networks import Networks
from lrensemble.export.outside import Outside
from lrensemble.export.piped import STANDARD_INPUT
from lrensemble.export.predicting import PLAIN, Asked, Piece, checked_files, predict_files, tabulated, together
from lrensemble.export.predictions import Predictions
from lrensemble.export.predictor import predictor_of
from lrensemble.export.raw_inputs import PREDICT_BATCH_ROWS
from lrensemble.export.readers import count_rows
from lrensemble.registry import import_plugins
from lrensemble.spec import SpecLike
from lrensemble.train.execution.devices import to_device

PARTS = 4
"""Parts for each place, so that none waits for long while others have files left."""

Part = tuple[int, tuple[Piece, ...]]
"""Position of some files or pieces of one, and these."""


def predict_spread(
    ensemble: Path,
    files: Sequence[Path],
    asked: Asked = PLAIN,
    *,
    executor: SpecLike,
    trust_code: bool = False,
    plugins: Sequence[str] = (),
) -> Predictions:
    """Predictions of all rows of files, in their order, as by `predict_files`, up to the rounding of other threads.

    Args:
        ensemble: folder or ONNX file that `lrensemble export` made, which all workers see, as they see the files.
        files: as in `predict_files`, without standard input.
        asked: as in `predict_files`.
        executor: who predicts.
        trust_code: whether code that the ensemble names may be imported.
        plugins: modules that register what it names.

    Raises:
        ConfigError: standard input, which one process reads.
        LREnsembleError: an executor that cannot be used, or as `predictor_of` and `predict_files`.
        WorkerError: a worker died twice with the same files.
    """
    chosen = EXECUTORS.call(executor)
    here = predictor_of(ensemble, trust_code=trust_code)
    asked.check(here.description.target)
    if not (places := chosen.places(["cpu"], plugins)):
        return predict_files(here, files, asked)
    paths = checked_files(files)
    if STANDARD_INPUT in paths:
        raise ConfigError("standard input is read by one process; give files, or leave the executor out")
    parts = parts_of(paths, PARTS * len(places), named=here.description.inputs.features is not None)
    found = dict[int, tuple[Predictions, Outside]]()
    prepare = partial(prepare_predicting, ensemble.absolute(), Path.cwd(), asked, trust_code, tuple(plugins))
    for message in chosen.map(prepare, list(enumerate(parts)), devices=places):
        if isinstance(message, Crashed):
            raise WorkerError(f"the worker that predicts {parts[message.item][0].path} died twice, last with {message}")
        position, table = message
        found[position] = table
    return together([found[position] for position in range(len(parts))], asked)


def parts_of(paths: Sequence[Path], most: int, *, named: bool = False) -> list[tuple[Piece, ...]]:
    """Files in their order, some in each part; one with more rows than a part has on average is cut by its rows.

    Cuts are where batches end, so that each row is predicted in the batch of `predict_files`.

    Args:
        paths: of all files.
        most: parts to be aimed at.
        named: as `count_rows` takes it.

    Raises:
        StorageError: a file cannot be read.
    """
    counts = [count_rows(path, named=named) or 1 for path in paths]
    rows = PREDICT_BATCH_ROWS * math.ceil(sum(counts) / most / PREDICT_BATCH_ROWS)
    files, parts, waiting = math.ceil(len(paths) / most), list[tuple[Piece, ...]](), list[Piece]()
    for path, count in zip(paths, counts, strict=True):
        if count > rows or len(waiting) == files:
            parts += [tuple(waiting)] if waiting else []
            waiting = []
        if count > rows:
            parts += [(Piece(path, range(start, min(start + rows, count))),) for start in range(0, count, rows)]
        else:
            waiting.append(Piece(path))
    return [*parts, *([tuple(waiting)] if waiting else [])]


def prepare_predicting(
    folder: Path, here: Path, asked: Asked, trust_code: bool, plugins: tuple[str, ...], device: str
) -> Callable[[Part], Iterator[tuple[int, tuple[Predictions, Outside]]]]:
    """What a worker does with some files; the ensemble is loaded once, and paths are those of the program's folder."""
    torch.set_num_threads(1)
    import_plugins(plugins)
    os.chdir(here)
    ensemble = predictor_of(folder, trust_code=trust_code)
    if isinstance(ensemble, Networks):
        ensemble.ensemble.to(to_device(device))

    def work(part: Part) -> Iterator[tuple[int, tuple[Predictions, Outside]]]:
        position, pieces = part
        yield position, tabulated(ensemble, pieces, asked)

    return work
