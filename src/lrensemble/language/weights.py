"""Weights of a folder as `transformers` writes them: what identifies them."""

from __future__ import annotations

import functools
import hashlib
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from lrensemble.errors import SpecError
from lrensemble.files import storage_errors, tensor_errors
from lrensemble.language.weight_files import weight_files


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
