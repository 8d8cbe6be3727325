"""Folders that the Trainer of Hugging Face and `save_pretrained` write: which weights in them are whose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
from torch import Tensor

from lrensemble.adopt.paths import content_of, is_of_ray
from lrensemble.adopt.weights import load_file, state_in
from lrensemble.errors import AdoptError

CONFIG, STATE, PREPROCESSOR, ADAPTER = (
    "config.json",
    "trainer_state.json",
    "preprocessor_config.json",
    "adapter_config.json",
)
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Files of weights, as they are preferred; large ones are in parts that `NAME.index.json` lists."""

Which = Literal["best", "last", "all"]
"""Which checkpoints of a run are taken."""

DEEPEST = 3
"""Folders within one another that are looked into: sweep, run, checkpoint."""


@dataclass(frozen=True)
class Run:
    """Weights of one training, and what its Trainer says of it."""

    name: str
    folder: Path
    """Folder with the weights."""
    taken: str
    """Which weights these are, in words."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """Content of trainer_state.json, of the whole training where there is one."""
    step: int | None = None
    """Step of the weights; None where that is not known."""


def is_of_trainer(folder: Path, depth: int = DEEPEST) -> bool:
    """Whether a folder, or one in it, holds a model of transformers or a checkpoint of its Trainer."""
    if not folder.is_dir() or is_of_ray(folder):
        return False
    if _has_model(folder) or any(map(_has_model, _checkpoints(folder))):
        return True
    return depth > 1 and any(is_of_trainer(each, depth - 1) for each in _inside(folder))


def runs_in(folder: Path, which: Which, depth: int = DEEPEST, name: str = "") -> Iterator[Run]:
    """All runs in a folder, those of a sweep in the order of their names.

    Args:
        folder: of a saved model, a checkpoint, a run with checkpoints, or a sweep of such.
        which: which checkpoints of a run.
        depth: how deep it is looked for them.
        name: what a run in it is called; its own unless given.
    """
    named = name or folder.resolve().name
    if _has_model(folder):
        state = _state(folder) or max((_state(each) for each in _checkpoints(folder)), key=_step, default={})
        taken = folder.name if folder.name.startswith("checkpoint-") else "the model saved in the folder"
        yield Run(named, folder, taken, state, _step(state) if taken == folder.name else None)
    elif checkpoints := list(filter(_has_model, _checkpoints(folder))):
        yield from _of_checkpoints(named, checkpoints, which)
    elif depth > 1:
        for each in _inside(folder):
            yield from runs_in(each, which, depth - 1, f"{name}/{each.name}" if name else each.name)


def weights_in(folder: Path) -> dict[str, Tensor]:
    """Weights by name, of whichever files hold them.

    Raises:
        AdoptError: there are none, they are an adapter's, or a file is damaged or would run code.
        StorageError: a file cannot be read.
    """
    for name in WEIGHTS:
        if (folder / name).is_file():
            return _read(folder / name)
        if (index := folder / f"{name}.index.json").is_file():
            listed = json_in(index).get("weight_map")
            parts = sorted(set(map(str, listed.values()))) if isinstance(listed, dict) else []
            if not parts or any(Path(part).name != part for part in parts):
                raise AdoptError(f"{index} lists no files beside it; save the model again")
            return {key: each for part in parts for key, each in _read(folder / part).items()}
    if (folder / ADAPTER).is_file():
        raise AdoptError(
            f"{folder} holds an adapter alone, and no network; merge it into its base model (merge_and_unload) and "
            "save that"
        )
    raise AdoptError(f"{folder} holds no weights; it should have one of {', '.join(WEIGHTS)}")


def json_in(path: Path) -> dict[str, Any]:
    """Content of a file of JSON.

    Raises:
        AdoptError: there is no such file, or it holds no table.
        StorageError: it cannot be read.
    """
    try:
        content = json.loads(content_of(path))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise AdoptError(f"{path} holds no table in JSON; it is damaged, or of another tool")
    return content


def _of_checkpoints(name: str, checkpoints: list[Path], which: Which) -> Iterator[Run]:
    last = checkpoints[-1]
    state = _state(last)
    if which == "all":
        for each in checkpoints:
            yield Run(f"{name}/{each.name}", each, each.name, state, _step_of(each))
        return
    best = Path(str(state.get("best_model_checkpoint") or "")).name  # it was written on another machine, perhaps
    found = next((each for each in checkpoints if each.name == best), None) if which == "best" else None
    if found is not None:
        yield Run(name, found, f"{found.name}, the best by the Trainer's metric", state, _step_of(found))
    else:
        why = "the last" if which == "last" else "the last, since the Trainer noted no best one"
        yield Run(name, last, f"{last.name}, {why}", state, _step_of(last))


def _has_model(folder: Path) -> bool:
    files = [*WEIGHTS, *(f"{name}.index.json" for name in WEIGHTS)]
    has_weights = any((folder / name).is_file() for name in files)
    if (folder / CONFIG).is_file():
        return (has_weights or (folder / ADAPTER).is_file()) and "model_type" in _lenient(folder / CONFIG)
    return (has_weights or (folder / ADAPTER).is_file()) and (folder / STATE).is_file()


def _checkpoints(folder: Path) -> list[Path]:
    """Checkpoints of a run, in the order of their steps."""
    found = [each for each in _inside(folder) if re.fullmatch(r"checkpoint-\d+", each.name)]
    return sorted(found, key=_step_of)


def _inside(folder: Path) -> list[Path]:
    """Folders in a folder; 9 comes before 10."""
    try:
        found = [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    except OSError:  # not readable
        return []
    return sorted(found, key=lambda each: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", each.name)])


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("checkpoint-"))


def _state(folder: Path) -> dict[str, Any]:
    return _lenient(folder / STATE)


def _step(state: Mapping[str, Any]) -> int:
    step = state.get("global_step")
    return step if isinstance(step, int) else -1


def _lenient(path: Path) -> dict[str, Any]:
    """Content of a file of JSON, or nothing."""
    try:
        return json_in(path)
    except AdoptError:
        return {}


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix != ".safetensors":
        return state_in(load_file(path), path)
    try:
        return safetensors.torch.load(content_of(path))
    except safetensors.SafetensorError as error:
        raise AdoptError(f"{path} is damaged, or no file of safetensors: {error}") from None
