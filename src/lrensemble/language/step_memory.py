"""Memory that one training step of a language model takes: a step is played through with tensors that have shapes and
no content, of the model cut down to one block and to two; each further block adds what the second did.
"""

from __future__ import annotations

import copy
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class BatchSize:
    """Size of what is computed at once."""

    sequences: int
    length: int
    """Tokens of each, padding among them."""
    answers: int
    """Tokens of all of them that are learnt."""


def activation_bytes(
    build: Callable[[int], nn.Module], blocks: int, batch: BatchSize, autocast: torch.dtype | None = None
) -> int:
    """Bytes of what forward and backward pass hold at once, at most, beside weights and gradients.

    Args:
        build: makes the model with so many of its blocks, ready to train, of weights without content.
        blocks: that the whole model has.
        batch: what is computed at once.
        autocast: type that it is computed in; that of the weights unless given.
    """
    one = _peak(build(1), batch, autocast)
    if blocks == 1:
        return one
    return one + (blocks - 1) * max(0, _peak(build(2), batch, autocast) - one)


def with_blocks(config: Any, blocks: int) -> Any:
    """Settings of a model with so many blocks, the first ones."""
    config = copy.deepcopy(config)
    text = config.get_text_config()
    kinds = getattr(text, "layer_types", None)
    if kinds:
        text.layer_types = kinds[:blocks]
    text.num_hidden_layers = blocks
    return config


class _Peak(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of the tensors that were made in its block and are still there; at most, over time."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now, self.most = 0, 0
        self._there = set[int]()

    def know(self, tensor: Tensor) -> None:
        """Take a tensor for one that was there before, which costs nothing."""
        self._there.add(tensor.untyped_storage()._cdata)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._count(tensor)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._there:
            self._there.add(key)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._there.discard(key)
        self.now -= size


def _peak(model: nn.Module, batch: BatchSize, autocast: torch.dtype | None) -> int:
    peak = _Peak()
    with FakeTensorMode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _without_content(model)
        model.train()
        for tensor in (*model.parameters(), *model.buffers()):
            peak.know(tensor)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.grad = torch.empty_like(parameter)
                peak.know(parameter.grad)
        ids = torch.empty(batch.sequences, batch.length, dtype=torch.int64)
        answers = torch.empty(min(batch.answers, batch.sequences * (batch.length - 1)), dtype=torch.int64)
        with peak:
            with torch.autocast("cpu", autocast or torch.bfloat16, enabled=autocast is not None):
                logits = model(ids, use_cache=False).logits
            chosen = logits[:, :-1].flatten(0, 1)[answers]
            del logits
            loss = cross_entropy(chosen.float(), answers, reduction="sum")
            del chosen
            loss.backward()  # type: ignore[no-untyped-call]
    return peak.most


def _without_content(model: nn.Module) -> None:
    """Put tensors of the CPU that have shapes alone in the place of those of no device; shared ones stay shared."""
    made: dict[int, Tensor] = {}
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is None:
                    continue
                if id(tensor) not in made:
                    empty = torch.empty(tensor.shape, dtype=tensor.dtype)
                    is_weight = isinstance(tensor, nn.Parameter)
                    made[id(tensor)] = nn.Parameter(empty, tensor.requires_grad) if is_weight else empty
                tensors[name] = made[id(tensor)]  # type: ignore[assignment]
