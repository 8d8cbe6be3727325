"""Moving average of weights that are trained, beside them: of an adapter, without the base that is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average: the weights after the first step, then decay · average + (1 - decay) · weights.

    As `torch.optim.swa_utils` has it (`get_ema_multi_avg_fn`).
    """

    def __init__(self, trained: Mapping[str, nn.Parameter], decay: float) -> None:
        self._trained, self._decay = trained, decay
        self.tensors: dict[str, Tensor] = {}
        """Average by name; none before the first step."""

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights in, as they are after a step."""
        if not self.tensors:
            self.tensors = {name: each.detach().clone() for name, each in self._trained.items()}
        else:
            torch._foreach_lerp_(list(self.tensors.values()), list(self._trained.values()), 1 - self._decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """In this block the average stands in the place of the weights."""
        own = {name: self._trained[name].data for name in self.tensors}
        for name, average in self.tensors.items():
            self._trained[name].data = average
        try:
            yield
        finally:
            for name, weights in own.items():
                self._trained[name].data = weights

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over the average of a state; none where it was saved before the first step."""
        self.tensors = {name: tensors[name].to(each.device).clone() for name, each in self._trained.items() if tensors}
