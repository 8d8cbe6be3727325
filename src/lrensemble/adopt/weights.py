"""Weights in files of `torch.save`, read without running any code."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lrensemble.adopt.paths import content_of
from lrensemble.errors import AdoptError

KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "weights")
"""Keys under which training scripts save weights beside other things."""

PREFIXES = ("module.", "_orig_mod.")
"""Prefixes that wrappers of torch give the names of weights: data parallel, compiled."""


def load_file(path: Path) -> Any:
    """What `torch.save` wrote, of tensors and plain values alone.

    Raises:
        AdoptError: it holds objects of a class, which no reading without code can give; or it is damaged.
    """
    content = io.BytesIO(content_of(path))
    try:
        return torch.load(content, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)|Unsupported (?:global|class|operand) ([\w.]+)|type ([\w.]+)", str(error))
        what = next((each for each in named.groups() if each), "") if named else ""
        raise AdoptError(
            f"{path} holds {what or 'objects'} beside the weights, and reading those would run code of the file; save "
            "model.state_dict() alone"
        ) from None
    except Exception as error:  # torch raises many kinds on damaged files
        reason = " ".join(str(error).split())[:160]
        raise AdoptError(f"{path} is damaged, or no file of torch.save: {reason}") from None


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
    elif not _is_state(content) and isinstance(content, Mapping):
        content = next((content[name] for name in KEYS if _is_state(content.get(name))), content)
    if not _is_state(content):
        raise AdoptError(f"{path} holds no weights by name; {_held(content)}; say where they are: key=NAME")
    return without_prefix(content)


def without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names of the bare network, where a wrapper has put a prefix before all of them."""
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in state):
            return without_prefix({name.removeprefix(prefix): each for name, each in state.items()})
    return dict(state)


def _is_state(content: Any) -> bool:
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
