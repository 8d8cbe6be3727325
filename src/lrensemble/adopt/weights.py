"""Weights in files of torch and of safetensors, read without running any code."""

from __future__ import annotations

import io
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from lrensemble.adopt.paths import content_of
from lrensemble.errors import AdoptError

KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "weights")
"""Keys under which training scripts save weights beside other things."""

PREFIXES = ("module.", "_orig_mod.", "_fsdp_wrapped_module.")
"""Prefixes that wrappers of torch give the names of weights: data parallel, compiled, sharded."""

CLASSES = ("classes", "class_names", "class_to_idx", "idx_to_class", "id2label", "label2id", "labels", "categories")
"""Keys under which training scripts save the names of classes."""

COUNTS = ("n_averaged",)
"""Numbers that a wrapper of torch puts beside the weights: of how many networks they are the mean."""

OTHERS = {
    b"": "empty",
    b"version https://git-lfs": "a pointer of Git LFS and not the file itself; git lfs pull brings it",
    b"<!": "a page of the web, as a download that failed leaves it; download it again",
    b"<html": "a page of the web, as a download that failed leaves it; download it again",
    b"\x89HDF": "a file of HDF5 and not of torch",
}
"""What files are that no reader of torch takes, by their first bytes."""

OBJECTS = {
    "numpy.": "numbers or arrays of numpy ({})",
    "torch.nn.": "a whole network ({})",
    "torch.optim.": "an optimizer ({})",
    "pathlib.": "paths ({})",
}
"""What objects of classes are, by the beginning of the class's path."""


def load_file(path: Path) -> Any:
    """What `torch.save` wrote, of tensors and plain values alone.

    Raises:
        AdoptError: it holds objects of a class, which no reading without code can give; or it is damaged.
    """
    content = content_of(path)
    _require_saved(content, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about files that are refused in a line
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)|Unsupported (?:global|class|operand) ([\w.]+)|type ([\w.]+)", str(error))
        what = next((each for each in named.groups() if each), "") if named else ""
        if not what or what.isdigit():  # the number of an instruction
            raise AdoptError(f"{path} is damaged, or no file of torch.save; save model.state_dict() anew") from None
        raise AdoptError(
            f"{path} holds {_object(what)} beside the weights, and reading that would run code of the file; where you "
            "trust it, load it with weights_only=False and save model.state_dict() alone"
        ) from None
    except Exception as error:  # torch raises many kinds on damaged files
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise AdoptError(f"{path} is damaged, or no file of torch.save: {reason}") from None


def load_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors of a file of safetensors by name, and the texts that were saved with them.

    Raises:
        AdoptError: it is damaged, or another file.
    """
    content = content_of(path)
    try:
        tensors = safetensors.torch.load(content)
        with safetensors.safe_open(path, framework="pt") as opened:
            return tensors, dict(opened.metadata() or {})
    except Exception as error:  # of safetensors, which has no common kind
        reason = _other(content) or f"damaged, or no file of safetensors: {' '.join(str(error).split())[:160]}"
        raise AdoptError(f"{path} is {reason}") from None


def state_in(content: Any, path: Path, key: str | None = None) -> dict[str, Tensor]:
    """Weights by name among what a file holds.

    Args:
        content: what it holds.
        path: path of the file, for messages.
        key: where the weights are, where that is not clear.

    Raises:
        AdoptError: there are none.
    """
    if key is not None:
        if not isinstance(content, Mapping) or key not in content:
            raise AdoptError(f"{path} has no {key!r}; {_held(content)}")
        content = content[key]
    elif not is_state(content) and isinstance(content, Mapping):
        content = _inner(content)
    if not is_state(content):
        raise AdoptError(f"{path} holds no weights by name; {_held(content)}; say where they are: key=NAME")
    return without_prefix(content)


def _inner(content: Mapping[str, Any]) -> Any:
    """Weights under one of the usual keys, or the only ones; of a table under such a key, those in it."""
    named = next((content[name] for name in KEYS if is_state(content.get(name))), None)
    if named is not None:
        return named
    states = [each for each in content.values() if is_state(each)]
    tables = [content[name] for name in KEYS if isinstance(content.get(name), Mapping)]
    if len(states) == 1:
        return states[0]
    return _inner(tables[0]) if not states and len(tables) == 1 and not is_state(tables[0]) else content


def without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names of the bare network, where a wrapper has put a prefix before all of them."""
    if any(name.startswith(PREFIXES) for name in state):
        state = {name: each for name, each in state.items() if name not in COUNTS}
    for prefix in PREFIXES:
        if state and all(name.startswith(prefix) for name in state):
            return without_prefix({name.removeprefix(prefix): each for name, each in state.items()})
    return dict(state)


def _require_saved(content: bytes, path: Path) -> None:
    """Refuse by its first bytes, or by its table of contents, what is no file of `torch.save`.

    Raises:
        AdoptError: with what it is instead.
    """
    what = _other(content)
    if not what and content.startswith(b"PK"):
        try:
            names = zipfile.ZipFile(io.BytesIO(content)).namelist()
        except zipfile.BadZipFile:
            return  # torch says of what is missing
        if any("/code/" in name for name in names):
            what = "a TorchScript program, which is code; load it with torch.jit.load and save its state_dict()"
        elif not any(name.endswith("data.pkl") for name in names):
            held = ", ".join(names[:3])
            what = f"an archive of something else than torch.save ({held}, …); save model.state_dict()"
    if what:
        raise AdoptError(f"{path} is {what}")


def _other(content: bytes) -> str:
    """What a file is by its first bytes, where it is none of torch for sure."""
    return next((each for begin, each in OTHERS.items() if content.startswith(begin) and (begin or not content)), "")


def _object(path: str) -> str:
    """What an object of a class is, in words."""
    words = next((each for begin, each in OBJECTS.items() if path.startswith(begin)), "{}")
    return words.format(path)


def is_state(content: Any) -> bool:
    """Whether something is weights by name and nothing else."""
    return (
        isinstance(content, Mapping)
        and bool(content)
        and all(isinstance(name, str) and isinstance(each, Tensor) for name, each in content.items())
    )


def _held(content: Any) -> str:
    """What there is instead."""
    if isinstance(content, Mapping):
        return f"it holds {', '.join(map(str, list(content)[:10])) or 'nothing'}"
    return f"it holds {type(content).__name__}"


def classes_in(content: Any, names: Sequence[str]) -> list[str] | None:
    """Names of classes in the order of a network's outputs, where a file says them of the classes that are asked for.

    Args:
        content: what the file holds beside the weights: `classes`, or `class_to_idx` as data sets of folders have it.
        names: of the classes that are asked for; a file that names others counts its own.
    """
    if not isinstance(content, Mapping):
        return None
    for key in CLASSES:
        said = content.get(key)
        if isinstance(said, Mapping):
            by_name = all(isinstance(place, int) for place in said.values())
            pairs = [(place, name) for name, place in said.items()] if by_name else list(said.items())
            said = [name for _, name in sorted(pairs, key=lambda each: _place(each[0]))]
        if isinstance(said, list | tuple) and sorted(map(str, said)) == sorted(names):
            return list(map(str, said))
    return None


def _place(key: Any) -> int:
    return int(key) if str(key).isdigit() else -1
