"""Layers of a stack that treat every channel on its own: the members lie side by side, as more channels of one layer.

`torch.func.vmap` puts the members of such a layer elsewhere: it copies the maps, pools them in a layout that is ten
times slower on a CPU, and multiplies by the scales of norms in steps of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Function = Callable[..., Any]


class MembersAsChannels(TorchFunctionMode):
    """A block in which `vmap` runs the layers of this file by their own rules."""

    def __torch_function__(
        self, function: Function, types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Take the call of a layer that has a rule; let all others be."""
        kwargs = kwargs or {}
        if function is functional.batch_norm:
            return _batch_norm(*args, **kwargs)
        images = function in _POOLING and args[0].ndim == 4 and not kwargs.get("return_indices")
        return _applied(_Pooling, function, *args, kwargs) if images else function(*args, **kwargs)


_POOLING = (
    functional.max_pool2d,
    functional.avg_pool2d,
    functional.adaptive_avg_pool2d,
    functional.adaptive_max_pool2d,
)


def _batch_norm(
    maps: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """The arguments in torch's order and by torch's names, so that they can be given in both ways."""
    return _applied(_BatchNorm, maps, running_mean, running_var, weight, bias, training, momentum, eps)


def _applied(kind: type[torch.autograd.Function], *args: Any) -> Any:
    return kind.apply(*args)  # type: ignore[no-untyped-call]


class _Pooling(torch.autograd.Function):
    """A function of maps with a rule for `vmap`. Autograd sees what the rule does, so there is no backward here."""

    @staticmethod
    def forward(function: Function, maps: Tensor, *rest: Any) -> Any:
        return function(maps, *rest[:-1], **rest[-1])

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep nothing."""

    @staticmethod
    def vmap(
        info: Any, in_dims: Sequence[int | None], function: Function, maps: Tensor, *rest: Any
    ) -> tuple[Tensor, int]:
        """[batch, member, channel, …] as [batch, member x channel, …]."""
        side_by_side = _as_channels(maps, in_dims[1], info.batch_size)
        return _as_members(function(side_by_side, *rest[:-1], **rest[-1]), info.batch_size), 1


class _BatchNorm(torch.autograd.Function):
    """Batch norm with a rule for `vmap`, as above; the running statistics are updated where they lie."""

    @staticmethod
    def forward(maps: Tensor, *rest: Any) -> Tensor:
        return functional.batch_norm(maps, *rest)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep nothing."""

    @staticmethod
    def vmap(info: Any, in_dims: Sequence[int | None], maps: Tensor, *rest: Any) -> tuple[Tensor, int]:
        """Statistics, scales and shifts [member, channel] as [member x channel]."""
        members = info.batch_size
        vectors = tuple(_end_to_end(each, dim, members) for each, dim in zip(rest[:4], in_dims[1:5], strict=True))
        for statistics, joined in zip(rest[:2], vectors[:2], strict=True):
            if joined is not None and joined.data_ptr() != statistics.data_ptr():
                raise RuntimeError("running statistics that are not each member's own cannot be updated")
        arguments: tuple[Any, ...] = (*vectors, *rest[4:])
        normed = functional.batch_norm(_as_channels(maps, in_dims[0], members), *arguments)
        return _as_members(normed, members), 1


def _as_channels(maps: Tensor, dim: int | None, members: int) -> Tensor:
    """[batch, member x channel, …] of maps with the members in a dimension of their own, or the same for all."""
    separate = maps.unsqueeze(1).expand(-1, members, *maps.shape[1:]) if dim is None else maps.movedim(dim, 1)
    return separate.flatten(1, 2)


def _as_members(maps: Tensor, members: int) -> Tensor:
    """[batch, member, channel, …]"""
    return maps.view(len(maps), members, -1, *maps.shape[2:])


def _end_to_end(vector: Tensor | None, dim: int | None, members: int) -> Tensor | None:
    """[member x channel] of a vector of each member, in its own memory where they lie so, or of one that all share."""
    if vector is None:
        return None
    return vector.repeat(members) if dim is None else vector.movedim(dim, 0).flatten()
