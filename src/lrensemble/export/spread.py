"""Predictions of many files, spread over the workers of an executor: each loads the ensemble and predicts some."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from lrensemble.errors import WorkerError
from lrensemble.executors import EXECUTORS, Crashed
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.predictions import OfFile, Predictions, checked_files, of_file, predict_files, together
from lrensemble.registry import import_plugins
from lrensemble.spec import SpecLike
from lrensemble.train.execution.devices import to_device

PARTS = 4
"""Parts for each place, so that none waits for long while others have files left."""

Part = tuple[int, tuple[Path, ...]]
"""Position of the first of some files, and these."""


def predict_spread(
    ensemble: Path,
    files: Sequence[Path],
    executor: SpecLike,
    *,
    strict: bool = False,
    trust_code: bool = False,
    plugins: Sequence[str] = (),
) -> Predictions:
    """Predictions of all rows of files, in their order, as by `predict_files`, up to the rounding of other threads.

    Args:
        ensemble: folder that `lrensemble export` made, which all workers see, as they see the files.
        files: as in `predict_files`.
        executor: who predicts.
        strict: whether to refuse rows that are far outside of what was trained on, rather than to warn of them.
        trust_code: whether code that the ensemble names may be imported.
        plugins: modules that register what it names.

    Raises:
        LREnsembleError: an executor that cannot be used, or as `Ensemble.load` and `predict_files`.
        WorkerError: a worker died twice with the same files.
    """
    chosen = EXECUTORS.call(executor)
    here = Ensemble.load(ensemble, trust_code=trust_code)
    if not (places := chosen.places(["cpu"], plugins)):
        return predict_files(here, files, strict=strict)
    paths = checked_files(files)
    size = max(1, math.ceil(len(paths) / (PARTS * len(places))))
    parts: list[Part] = [
        (start, tuple(each.absolute() for each in paths[start : start + size])) for start in range(0, len(paths), size)
    ]
    found = dict[int, OfFile]()
    prepare = partial(prepare_predicting, ensemble.absolute(), strict, trust_code, tuple(plugins))
    for message in chosen.map(prepare, parts, devices=places):
        if isinstance(message, Crashed):
            raise WorkerError(f"the worker that predicts {parts[message.item][1][0]} died twice, last with {message}")
        position, of_one = message
        found[position] = replace(of_one, path=paths[position])
    return together(here.description.target, [found[position] for position in range(len(paths))], strict=strict)


def prepare_predicting(
    folder: Path, strict: bool, trust_code: bool, plugins: tuple[str, ...], device: str
) -> Callable[[Part], Iterator[tuple[int, OfFile]]]:
    """What a worker does with some files; the ensemble is loaded once."""
    torch.set_num_threads(1)
    import_plugins(plugins)
    ensemble = Ensemble.load(folder, trust_code=trust_code).to(to_device(device))

    def work(part: Part) -> Iterator[tuple[int, OfFile]]:
        for position, path in enumerate(part[1], start=part[0]):
            yield position, of_file(ensemble, path, strict=strict)

    return work
