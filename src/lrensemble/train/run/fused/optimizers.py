"""SGD, Adam and AdamW over stacked parameters: one update for all members, each with its own rate and settings.

The updates are those of `torch.optim`, term by term; what may differ from member to member is a vector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lrensemble.config import TrainSettings
from lrensemble.train.run.arithmetic.groups import rate_factors
from lrensemble.train.run.arithmetic.optimizers import check_optimizer
from lrensemble.train.run.fused.weights import StackedWeights, Tensors
from lrensemble.train.run.loop import Momenta

FUSED = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)

OWN = ("lr", "momentum", "weight_decay")
"""Settings of an optimizer that each member may have of its own."""


def shared_settings(settings: TrainSettings) -> str | None:
    """What must be the same for members to be updated together, as text; None for an optimizer whose update is not
    written here.
    """
    optimizer = check_optimizer(settings)
    values = optimizer.defaults
    if not isinstance(optimizer, FUSED) or values.get("maximize") or values.get("amsgrad") or values.get("dampening"):
        return None
    shared = {key: str(value) for key, value in values.items() if key not in OWN}
    return repr(sorted({"kind": type(optimizer).__name__, **shared}.items()))


class StackedOptimizer:
    """The optimizers of several members, with the same shared settings."""

    def __init__(self, settings: Sequence[TrainSettings], weights: StackedWeights) -> None:
        if shared_settings(settings[0]) is None:
            raise ValueError(f"{settings[0].optimizer} does not update several members at once; train them one by one")
        optimizers = [check_optimizer(each) for each in settings]
        values: list[dict[str, Any]] = [optimizer.defaults for optimizer in optimizers]
        self._weights, self._kind, self._shared = weights.flat, type(optimizers[0]).__name__, values[0]
        self._clip_norm = settings[0].clip_norm
        betas = values[0].get("betas", (0.0, 0.0))
        self._momenta: list[float] = [value.get("momentum", betas[0]) for value in values]
        self._momentum = self._column(self._momenta) if any(self._momenta) else None
        decays = [value["weight_decay"] for value in values]
        self._decays, self._decay = any(decays), self._column(decays)
        if not settings[0].decay_norms:  # but those of matrices and kernels
            self._decay = self._decay * _by_weight(weights, [float(each.ndim > 2) for each in weights.trained.values()])
        factors = rate_factors(weights.trained, settings[0].group)
        self._factors = _by_weight(weights, factors) if set(factors) != {1.0} else None
        """[weight] factor on the rate; None where all have the policy's, which has fewer operations."""
        names = ("momentum_buffer",) if self._kind == "SGD" else ("exp_avg", "exp_avg_sq")
        self.state: Tensors = {name: torch.zeros_like(self._weights) for name in names}
        """[member, weight] by name."""

    def _column(self, values: Sequence[float]) -> Tensor:
        """[member, 1] in the type of the weights; a GPU is not waited for."""
        exact = torch.tensor(values, dtype=torch.float64)
        return exact.to(self._weights.device, non_blocking=True).to(self._weights.dtype)[:, None]

    @torch.no_grad()
    def update(self, gradient: Tensor, rates: Sequence[float], steps_done: int, momenta: Momenta = None) -> Tensor:
        """One update of all members, each clipped by its own norm; the norms [member] before that.

        Args:
            gradient: [member, weight]; what is clipped is changed in place.
            rates: [member] of this step; a member whose rate is not finite is filled with NaN.
            steps_done: before this one.
            momenta: [member] where policies give any.
        """
        norms: Tensor = torch.linalg.vector_norm(gradient, dim=1)
        if self._clip_norm is not None:
            gradient *= (self._clip_norm / (norms + 1e-6)).clamp(max=1.0)[:, None]
        self.step(gradient, self._column([r if math.isfinite(r) else math.nan for r in rates]), steps_done, momenta)
        return norms

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: Tensor, steps_done: int, momenta: Momenta = None) -> None:
        """One update by the gradient [member, weight] as it is, with rates [member, 1] on the device."""
        if self._factors is not None:
            rate = rate * self._factors
        given = None
        if momenta is not None:
            given = [own if m is None else m for m, own in zip(momenta, self._momenta, strict=True)]
        if self._kind == "SGD":
            self._sgd(gradient, rate, given)
        else:
            self._adam(gradient, rate, steps_done + 1, given)

    def _sgd(self, gradient: Tensor, rate: Tensor, momenta: Sequence[float] | None) -> None:
        """Sutskever et al. 2013 as torch writes it: the buffer begins as the first gradient."""
        if self._decays:
            gradient = torch.addcmul(gradient, self._decay, self._weights)
        momentum = self._column(momenta) if momenta else self._momentum
        if momentum is not None:
            buffer = self.state["momentum_buffer"].mul_(momentum).add_(gradient)
            gradient = torch.addcmul(gradient, momentum, buffer) if self._shared["nesterov"] else buffer
        self._weights.addcmul_(rate, gradient, value=-1)

    def _adam(self, gradient: Tensor, rate: Tensor, done: int, momenta: Sequence[float] | None) -> None:
        """Kingma & Ba 2015; weight decay decoupled for AdamW (Loshchilov & Hutter 2019).

        Args:
            gradient: [member, weight]
            rate: [member, 1] or [member, weight]
            done: steps with this one.
            momenta: [member] first of the betas where policies give it, whose corrections are as torch has them.
        """
        beta1, beta2 = self._shared["betas"]
        forgotten: float | Tensor = 1 - beta1
        corrected: float | Tensor = 1 - beta1**done
        if momenta:
            forgotten = self._column([1 - beta for beta in momenta])
            corrected = self._column([1 - beta**done for beta in momenta])
        if self._kind == "AdamW":
            self._weights.mul_(1 - rate * self._decay)
        elif self._decays:
            gradient = torch.addcmul(gradient, self._decay, self._weights)
        mean = self.state["exp_avg"].lerp_(gradient, forgotten)
        square = self.state["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        scale = (square.sqrt() / (1 - beta2**done) ** 0.5).add_(self._shared["eps"])
        self._weights.sub_(rate / corrected * mean / scale)


def _by_weight(weights: StackedWeights, values: Sequence[float]) -> Tensor:
    """[weight] a value for each trained parameter, as often as it has weights."""
    sizes = [tensor[0].numel() for tensor in weights.trained.values()]
    dtype = weights.flat.dtype
    parts = [torch.full((size,), value, dtype=dtype) for size, value in zip(sizes, values, strict=True)]
    return torch.cat(parts).to(weights.flat)
