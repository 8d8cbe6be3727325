"""Weights of a folder as `transformers` writes them: which files hold them, and what identifies them."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from lrensemble.errors import SpecError
from lrensemble.files import read_json, storage_errors, tensor_errors

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
OTHERS = (".bin", ".pt", ".pth", ".ckpt", ".msgpack", ".h5")
"""Ends of the names of weights that are not read: pickles, and what other frameworks write."""


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights, by name.

    Raises:
        SpecError: there are none in safetensors, or one of several is missing.
        StorageError: the folder cannot be read.
    """
    with storage_errors("read", folder):
        names = sorted(os.listdir(folder))
    if INDEX in names:
        files = [folder / name for name in _shards(folder / INDEX)]
    elif SINGLE in names:
        files = [folder / SINGLE]
    else:
        others = [name for name in names if name.endswith(OTHERS)]
        hint = f"; {others[0]} is not read: save the model again in safetensors" if others else ""
        raise SpecError(f"{folder} holds no {SINGLE}{hint}")
    missing = next((path for path in files if not path.is_file()), None)
    if missing is not None:
        raise SpecError(f"{missing} is missing; it holds a part of the weights")
    return files


def weights_sha256(folder: Path) -> str:
    """SHA-256 over names, types, shapes and values of all tensors, in the order of their names.

    How they are spread over files, and what else the files say, does not matter.

    Raises:
        SpecError: as `weight_files` does; or the weights are damaged.
        StorageError: a file cannot be read.
    """
    states = []
    for path in weight_files(folder):
        with storage_errors("read", path):
            state = path.stat()
        states.append((path, state.st_size, state.st_mtime_ns))
    return _sha256(tuple(states))


@functools.lru_cache(maxsize=64)
def _sha256(states: tuple[tuple[Path, int, int], ...]) -> str:
    """The hash of files as they are now: those of 7 billion parameters are read once in a process's life."""
    from safetensors import SafetensorError, safe_open

    digest = hashlib.sha256()
    with ExitStack() as opened:
        places: dict[str, Any] = {}
        try:
            for path, *_ in states:
                with tensor_errors(path):
                    file = opened.enter_context(safe_open(path, framework="pt"))
                places |= dict.fromkeys(file.keys(), file)
            for name in sorted(places):
                tensor: torch.Tensor = places[name].get_tensor(name).contiguous()
                digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
                digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
        except SafetensorError as error:
            raise SpecError(
                f"the weights in {states[0][0].parent} are damaged: {' '.join(str(error).split())}"
            ) from None
    return digest.hexdigest()


def _shards(index: Path) -> list[str]:
    """Names of the files that an index names, all of them beside it."""
    content = read_json(index)
    places = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(places, Mapping) or not places or not all(isinstance(name, str) for name in places.values()):
        raise SpecError(f"{index} is damaged: it must name the file of each tensor in weight_map")
    names = sorted(set(places.values()))
    strange = next((name for name in names if name != Path(name).name or not name.endswith(".safetensors")), None)
    if strange is not None:
        raise SpecError(f"{index} names {strange!r}; it may name files of .safetensors beside it")
    return names
