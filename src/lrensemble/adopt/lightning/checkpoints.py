"""Checkpoints of Lightning and the folders around them: weights, hyper-parameters and logged metrics."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from lrensemble.adopt.paths import content_of, is_of_ray
from lrensemble.adopt.weights import load_file
from lrensemble.errors import AdoptError, MissingExtraError
from lrensemble.files import storage_errors

Which = Literal["best", "last", "all"]
"""Which checkpoints of a run are taken."""

MARK = b"pytorch-lightning_version"
"""Key that every checkpoint of Lightning has."""

DEEPEST = 3
"""Folders within one another that are looked into: sweep, run, version."""

HYPER_PARAMETERS, METRICS = "hparams.yaml", "metrics.csv"
LAST = re.compile(r"last(-v\d+)?\.ckpt")


@dataclass(frozen=True)
class Checkpoint:
    """Content of a checkpoint, and what lies beside it."""

    name: str
    path: Path
    taken: str
    """Which of its run it is, in words."""
    weights: Mapping[str, Tensor]
    hyper_parameters: Mapping[str, Any]
    epoch: int | None = None
    step: int | None = None
    logged: Mapping[str, float] = field(default_factory=dict)
    """Metrics at its step, where they were logged."""
    history: tuple[dict[str, object], ...] = ()
    """One line for each step at which metrics were logged once an epoch."""


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of Lightning; of a file of torch only the list of its keys is read."""
    if path.suffix != ".ckpt" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            keys = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
            return keys is not None and MARK in archive.read(keys)
    except (OSError, zipfile.BadZipFile):
        return False


def is_of_lightning(folder: Path, depth: int = DEEPEST) -> bool:
    """Whether a folder, or one in it, holds checkpoints of Lightning."""
    if is_of_ray(folder):
        return False
    if any(map(is_checkpoint, _files(folder))):
        return True
    return depth > 1 and any(is_of_lightning(each, depth - 1) for each in _inside(folder))


def checkpoints_in(folder: Path, which: Which, depth: int = DEEPEST, name: str = "") -> Iterator[Checkpoint]:
    """Checkpoints of all runs in a folder, those of a sweep in the order of their names.

    Args:
        folder: of checkpoints, of a run (`version_0`), or of a sweep (`lightning_logs`).
        which: which checkpoints of a run.
        depth: how deep it is looked for them.
        name: what a run in it is called; its own unless given.

    Raises:
        AdoptError: a checkpoint that is damaged or would run code.
    """
    if files := list(filter(is_checkpoint, _files(folder))):
        yield from _of_run(name or _run_name(folder), files, which)
    elif depth > 1:
        for each in _inside(folder):
            own = "" if each.name == "checkpoints" else each.name
            yield from checkpoints_in(each, which, depth - 1, "/".join(filter(None, (name, own))))


def read(path: Path, name: str, taken: str) -> Checkpoint:
    """A checkpoint and what lies beside it.

    Raises:
        AdoptError: it is none, it is damaged, or reading it would run code.
    """
    content = load_file(path)
    weights = content.get("state_dict") if isinstance(content, Mapping) else None
    if not isinstance(weights, Mapping) or not weights:
        raise AdoptError(f"{path} is no checkpoint of Lightning: it has no state_dict")
    run = path.parent.parent if path.parent.name == "checkpoints" else path.parent
    lines = _metrics(run / METRICS)
    step = _whole(content.get("global_step"))
    said = content.get("hyper_parameters")
    hyper_parameters = dict(said) if isinstance(said, Mapping) else _yaml(run / HYPER_PARAMETERS)
    return Checkpoint(
        name=name,
        path=path,
        taken=taken,
        weights=weights,
        hyper_parameters=hyper_parameters,
        epoch=_whole(content.get("epoch")),
        step=step,
        logged=_watched(content, path) or _at(lines, step),
        history=tuple(_by_epoch(lines)),
    )


def _of_run(name: str, files: list[Path], which: Which) -> Iterator[Checkpoint]:
    if len(files) == 1:
        yield read(files[0], name, f"{files[0].name}, the only one")
        return
    if which == "all":
        for path in files:
            yield read(path, f"{name}/{path.stem}", path.name)
        return
    found = [(path, read(path, name, path.name)) for path in files]
    last = max(found, key=lambda each: (each[1].step or 0, bool(LAST.fullmatch(each[0].name))))[1]
    best = _best(files) if which == "best" else None
    chosen = next((each for path, each in found if path.name == best), None)
    why = "the best by the watched metric" if chosen else "the last" + (", no best one is noted" * (which == "best"))
    yield Checkpoint(**{**vars(chosen or last), "taken": f"{(chosen or last).path.name}, {why}"})


def _best(files: list[Path]) -> str:
    """Name of the file that was noted as the best one, by the latest checkpoint."""
    noted: list[tuple[int, str]] = []
    for path in files:
        content = load_file(path)
        noted += [
            (_whole(content.get("global_step")) or 0, Path(str(state["best_model_path"])).name)
            for state in _watchers(content)
            if state.get("monitor") and state.get("best_model_path")
        ]
    return max(noted, default=(0, ""))[1]


def _watched(content: Mapping[str, Any], path: Path) -> dict[str, float]:
    """Metric that was watched, where this file is the one that was best by it."""
    return {
        str(state["monitor"]): float(state["best_model_score"])
        for state in _watchers(content)
        if state.get("monitor") and Path(str(state.get("best_model_path"))).name == path.name
        if state.get("best_model_score") is not None
    }


def _watchers(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """States of the callbacks that write checkpoints."""
    callbacks = content.get("callbacks")
    states = callbacks.values() if isinstance(callbacks, Mapping) else ()
    return [state for state in states if isinstance(state, Mapping) and "best_model_path" in state]


def _metrics(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    return list(csv.DictReader(io.StringIO(content_of(path).decode("utf-8", "replace"))))


def _by_epoch(lines: list[dict[str, str]]) -> Iterator[dict[str, object]]:
    """One line for each epoch with the last number of each metric."""
    found: dict[int, dict[str, object]] = {}
    rates: dict[str, float] = {}
    for line in lines:
        numbers = {key: value for key, text in line.items() if key and (value := _number(text)) is not None}
        if "epoch" not in numbers:  # of the monitor of rates
            rate = next((value for key, value in numbers.items() if key.startswith("lr")), None)
            rates = rates if rate is None else {"rate": rate}
            continue
        epoch = int(numbers["epoch"])
        found[epoch] = {**found.get(epoch, {}), **rates, **numbers, "epoch": epoch + 1}
    yield from (found[epoch] for epoch in sorted(found))


def _at(lines: list[dict[str, str]], step: int | None) -> dict[str, float]:
    """Validation metrics of the last step before that of a checkpoint: one is written after `step` steps."""
    found: dict[str, float] = {}
    for line in lines:
        if (_number(line.get("step")) or -1.0) == (step or 0) - 1:
            found |= {key: v for key, text in line.items() if key and (v := _number(text)) is not None}
    return {key: value for key, value in found.items() if key.startswith("val")}


def _yaml(path: Path) -> dict[str, Any]:
    """Hyper-parameters in a file of YAML; objects of classes are read as what stands there, and never made.

    Raises:
        AdoptError: it is damaged.
        MissingExtraError: PyYAML is not installed.
    """
    if not path.is_file():
        return {}
    try:
        yaml = import_module("yaml")
    except ImportError:
        raise MissingExtraError(f"reading {path} needs PyYAML: pip install 'lrensemble[lightning]'") from None

    class Plain(yaml.SafeLoader):  # type: ignore[misc,name-defined]
        """Plain values, and the text of everything else."""

    def as_text(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return node.value or suffix

    Plain.add_multi_constructor("", as_text)
    try:
        content = yaml.load(content_of(path), Plain)  # a SafeLoader
    except yaml.YAMLError as error:
        raise AdoptError(f"{path} is damaged: {' '.join(str(error).split())[:160]}") from None
    return content if isinstance(content, dict) else {}


def _run_name(folder: Path) -> str:
    """`version_0` of `version_0/checkpoints`."""
    folder = folder.resolve()
    return folder.parent.name if folder.name == "checkpoints" else folder.name


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.ckpt"))


def _inside(folder: Path) -> list[Path]:
    """Folders in a folder; 9 comes before 10."""
    with storage_errors("read", folder):
        found = [each for each in folder.iterdir() if each.is_dir()] if folder.is_dir() else []
    return sorted(found, key=lambda each: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", each.name)])


def _whole(given: Any) -> int | None:
    return int(given) if isinstance(given, int) else None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
