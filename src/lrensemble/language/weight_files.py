"""Weights of a folder as `transformers` writes them: which files hold them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lrensemble.errors import SpecError
from lrensemble.files import read_json, storage_errors

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
