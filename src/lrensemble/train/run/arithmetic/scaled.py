"""How an optimizer updates one network: rate and momentum of a step, clipping, and the scale of losses in float16."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from lrensemble.config import TrainSettings
from lrensemble.policies.torch_adapter import set_momentum
from lrensemble.train.run.arithmetic.groups import rate_factors
from lrensemble.train.run.arithmetic.numerics import check_precision
from lrensemble.train.run.arithmetic.optimizers import build_optimizer
from lrensemble.train.run.loop import Momenta


class ScaledOptimizer:
    """The optimizer of what is trained in one network, clipping, and the scale of the losses in float16."""

    def __init__(self, trained: Mapping[str, nn.Parameter], settings: TrainSettings, device: torch.device) -> None:
        """Make the optimizer of a recipe.

        Args:
            trained: parameters by name.
            settings: `optimizer` and what it takes, `clip_norm` (Pascanu et al. 2013, algorithm 1), groups, precision.
            device: where the network computes.

        Raises:
            UnknownNameError, TrainingError: as `build_optimizer` and `check_precision`.
        """
        check_precision(device, settings.precision)
        self._parameters, self._clip_norm = list(trained.values()), settings.clip_norm
        self._optimizer = build_optimizer(settings, self._parameters, rate_factors(trained, settings.group))
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")

    def begin(self, rates: Sequence[float], momenta: Momenta = None) -> None:
        """Take over rate and momentum, [1] each, of a step, and forget the gradients of the one before."""
        (rate,), (momentum,) = rates, momenta or (None,)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)
            set_momentum(group, momentum)
        for parameter in self._parameters:
            parameter.grad = None

    @property
    def gradients(self) -> list[Tensor]:
        """Gradients that `backward` has left with the parameters."""
        return [each.grad for each in self._parameters if each.grad is not None]

    def update(self, rate: float) -> Tensor:
        """Update the parameters by their gradients, unless the rate is not finite; the norm before clipping."""
        if self.scaler.is_enabled():
            self.scaler.unscale_(self._optimizer)
        norm = get_total_norm(self.gradients)
        if self._clip_norm is not None:
            clip_grads_with_norm_(self._parameters, self._clip_norm, norm)
        if math.isfinite(rate) and self.scaler.is_enabled():
            self.scaler.step(self._optimizer)
            self.scaler.update()
        elif math.isfinite(rate):
            self._optimizer.step()
        return norm

    def state(self) -> dict[str, Tensor]:
        """Every tensor that it takes to go on, as `optimizer/<index>/<key>` and `scaler/<key>`; none of the optimizer's
        before the first step.
        """
        tensors = {f"scaler/{key}": torch.tensor(value) for key, value in self.scaler.state_dict().items()}
        for index, entries in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{key}": tensor for key, tensor in entries.items()}
        return tensors

    def load(
        self, optimizer: Mapping[str, Tensor], scaler: Mapping[str, Tensor], *, channels_last: bool = False
    ) -> None:
        """Take over what `state` gave, by `<index>/<key>` and by key.

        With `channels_last` it is laid out as weights of convolutions are then: a fused optimizer goes through both in
        the order of their memory.
        """
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in optimizer.items():
            index, _, key = name.partition("/")
            placed = tensor.to(memory_format=torch.channels_last) if channels_last and tensor.ndim == 4 else tensor
            states.setdefault(int(index), {})[key] = placed
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": states, "param_groups": groups})
        if scaler:
            self.scaler.load_state_dict({key: tensor.item() for key, tensor in scaler.items()})
