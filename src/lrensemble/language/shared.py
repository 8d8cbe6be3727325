"""The model that the members of this process share; or its outline, of which memory is counted before it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

import torch
from torch import nn

from lrensemble.config import Base
from lrensemble.language.base import empty_model, load_base, outline_of
from lrensemble.language.fewer_bits import Quantize, require_library
from lrensemble.language.step_memory import with_blocks

Type = Literal["float32", "bfloat16", "float16"]

_BLOCKS: ContextVar[int | None] = ContextVar("blocks", default=None)
"""Blocks of an outline, 0 for all of them; None where the model itself is wanted."""


@contextmanager
def outlined(blocks: int = 0) -> Iterator[None]:
    """In this block, models are built on a base whose weights have shapes and no content, which is there at once.

    Args:
        blocks: how many of its blocks it has, the first ones; all of them unless given.
    """
    token = _BLOCKS.set(blocks)
    try:
        with torch.device("meta"):
            yield
    finally:
        _BLOCKS.reset(token)


def shared_base(base: Base, dtype: Type, quantize: Quantize | None = None) -> Any:
    """The frozen model of a reference, one for all who ask, in the type that its weights are to have.

    An outline is not rounded to fewer bits.

    Raises:
        SpecError, UntrustedError, StorageError, MissingExtraError: as `load_base`.
    """
    if quantize is not None:
        require_library(quantize)
    blocks = _BLOCKS.get()
    if blocks is None:
        return _loaded(base, dtype, quantize)
    whole = _outline(base, dtype)
    if not blocks:
        return whole
    return empty_model(with_blocks(whole.config, blocks), base.path, getattr(torch, dtype)).requires_grad_(False)


def linear_layers(model: Any) -> dict[str, Any]:
    """Linear layers of a model by their names, but for the one that gives the next token."""
    last = model.get_output_embeddings()
    return {name: part for name, part in model.named_modules() if _is_linear(part) and part is not last}


def is_transposed(layer: nn.Module) -> bool:
    """Whether the weights of a linear layer lie as [input, output]: those of GPT-2 do, the `Conv1D` of transformers."""
    return isinstance(layer, import_module("transformers.pytorch_utils").Conv1D)


def _is_linear(part: nn.Module) -> bool:
    return isinstance(part, nn.Linear) or is_transposed(part)


def forget() -> None:
    """Let go of the model that was loaded; whoever has it keeps it."""
    _loaded.cache_clear()


@lru_cache(maxsize=1)
def _loaded(base: Base, dtype: Type, quantize: Quantize | None) -> Any:
    return load_base(base, dtype=getattr(torch, dtype), quantize=quantize).model.requires_grad_(False)


@lru_cache(maxsize=1)
def _outline(base: Base, dtype: Type) -> Any:
    return outline_of(base, dtype=getattr(torch, dtype)).model.requires_grad_(False)
