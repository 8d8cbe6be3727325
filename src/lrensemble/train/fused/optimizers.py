"""SGD, Adam and AdamW over stacked parameters: one update for all members, each with its own rate and settings.

The updates are those of `torch.optim`, term by term; what may differ from member to member is a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lrensemble.config import TrainSettings
from lrensemble.train.fused.stacked import Tensors
from lrensemble.train.optimizers import build_optimizer

FUSED = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)

OWN = ("lr", "momentum", "weight_decay")
"""Settings of an optimizer that each member may have of its own."""


def settings_of(settings: TrainSettings) -> dict[str, object] | None:
    """The optimizer's settings as torch has them; None for one whose update is not written here."""
    optimizer = build_optimizer(settings, [nn.Parameter(torch.zeros(1))])
    values = dict(optimizer.defaults)
    if type(optimizer) not in FUSED or values.get("maximize") or values.get("amsgrad") or values.get("dampening"):
        return None
    return {"kind": type(optimizer).__name__, **values}


def shared_settings(settings: TrainSettings) -> str | None:
    """What must be the same for members to be updated together, as text; None where they cannot be."""
    values = settings_of(settings)
    return None if values is None else repr(sorted((k, str(v)) for k, v in values.items() if k not in OWN))


class StackedOptimizer:
    """The optimizers of several members, with the same shared settings."""

    def __init__(self, settings: Sequence[TrainSettings], parameters: Tensors) -> None:
        values = [settings_of(each) or {} for each in settings]
        self._parameters = {name: tensor for name, tensor in parameters.items() if tensor.requires_grad}
        self._shared = values[0]
        like = next(iter(parameters.values()))
        self._momentum = self._vector([value.get("momentum", 0.0) for value in values], like)
        self._decay = self._vector([value.get("weight_decay", 0.0) for value in values], like)
        self._kind = str(values[0]["kind"])
        betas: Any = values[0].get("betas", (0.0, 0.0))
        self._betas: tuple[float, float] = betas
        names = ("momentum_buffer",) if self._kind == "SGD" else ("exp_avg", "exp_avg_sq")
        self.state: Tensors = {
            f"{name}/{key}": torch.zeros_like(tensor) for name, tensor in self._parameters.items() for key in names
        }
        """`<parameter>/<key>`: [member, …]."""

    @staticmethod
    def _vector(values: Sequence[object], like: Tensor) -> Tensor:
        return torch.tensor(values, dtype=torch.float64).to(like.device)

    @torch.no_grad()
    def step(self, gradients: Tensors, rates: Tensor, steps_done: int) -> None:
        """One update; `rates` [member] are those of this step, in float64."""
        update = self._sgd if self._kind == "SGD" else self._adam
        for name, parameter in self._parameters.items():
            update(name, parameter, gradients[name], rates, steps_done)

    def _sgd(self, name: str, parameter: Tensor, gradient: Tensor, rates: Tensor, _: int) -> None:
        """Sutskever et al. 2013 as torch writes it: the buffer begins as the first gradient."""
        rate, momentum, decay = (_along(v, parameter) for v in (rates, self._momentum, self._decay))
        if self._decay.any():
            gradient = gradient + decay * parameter
        if self._momentum.any():
            buffer = self.state[f"{name}/momentum_buffer"]
            buffer.mul_(momentum).add_(gradient)
            gradient = gradient + momentum * buffer if self._shared["nesterov"] else buffer
        parameter.sub_(rate * gradient)

    def _adam(self, name: str, parameter: Tensor, gradient: Tensor, rates: Tensor, steps_done: int) -> None:
        """Kingma & Ba 2015; weight decay decoupled for AdamW (Loshchilov & Hutter 2019)."""
        rate, decay = (_along(v, parameter) for v in (rates, self._decay))
        beta1, beta2 = self._betas
        if self._kind == "AdamW":
            parameter.mul_(1 - rate * decay)
        elif self._decay.any():
            gradient = gradient + decay * parameter
        mean, square = self.state[f"{name}/exp_avg"], self.state[f"{name}/exp_avg_sq"]
        mean.lerp_(gradient, 1 - beta1)
        square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        done = steps_done + 1
        scale = (square.sqrt() / (1 - beta2**done) ** 0.5).add_(self._shared["eps"])
        parameter.sub_(rate / (1 - beta1**done) * mean / scale)


def _along(vector: Tensor, like: Tensor) -> Tensor:
    """[member] as [member, 1, …], in the type of a parameter."""
    return vector.to(like.dtype).view(-1, *[1] * (like.ndim - 1))
