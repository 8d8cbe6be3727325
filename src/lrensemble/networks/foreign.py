"""A network that another library runs, as a module of torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lrensemble.config import Gives
from lrensemble.errors import DataError
from lrensemble.networks.base import NETWORKS
from lrensemble.registry import reason_of
from lrensemble.spec import Spec, SpecLike
from lrensemble.targets import LOG_ZERO


class Foreign(nn.Module):
    """A network of another library, from inputs to what it gives; it has no parameters that torch knows."""

    def __init__(self, kind: SpecLike, content: bytes) -> None:
        """Read it.

        Args:
            kind: its kind, with arguments.
            content: content of its file.

        Raises:
            SpecError: an unknown kind or argument.
            MissingExtraError: the library that runs it is not installed.
            DataError: the content cannot be read.
        """
        super().__init__()
        self.kind: Spec = NETWORKS.check(kind)
        self.facts = NETWORKS.facts(self.kind)
        self.content = content
        self._run = NETWORKS.call(self.kind, content)

    def forward(self, inputs: Tensor) -> Tensor:
        """What it gives [sample, column] for inputs [sample, …], on their device.

        Raises:
            DataError: it does not take them.
        """
        try:
            found = np.asarray(self._run(self.given(inputs).detach().cpu().numpy()))
        except Exception as error:  # whatever another library raises
            shape = tuple(inputs.shape[1:])
            raise DataError(f"network {self.kind} does not take inputs of shape {shape}: {reason_of(error)}") from error
        if len(found) != len(inputs):
            raise DataError(f"network {self.kind} gave {found.shape} for {len(inputs)} rows; give one row for each")
        return torch.from_numpy(np.ascontiguousarray(found.reshape(len(found), -1))).to(inputs.device)

    def given(self, inputs: Tensor) -> Tensor:
        """Inputs as the kind takes them: laid flat, in float32, where it says so."""
        given = inputs.flatten(1) if self.facts.flat else inputs
        return given if self.facts.raw else given.float()

    def train(self, mode: bool = True) -> Foreign:  # noqa: ARG002
        """Stay as it is: it only predicts."""
        return super().train(False)


def as_outputs(given: Tensor, gives: Gives, width: int) -> Tensor:
    """Outputs that a head takes, of what a network gives [sample, column].

    Args:
        given: what it gives.
        gives: what that is.
        width: columns of the target.
    """
    of_second = given.ndim == 2 and given.shape[1] == 1 and width == 2  # of two classes, that of the second alone
    if gives == "logits" and of_second:
        return torch.cat([torch.zeros_like(given), given], dim=1)
    if gives != "probs":
        return given
    if of_second:
        given = torch.cat([1 - given, given], dim=1)
    return given.clamp(min=0).log().clamp(min=LOG_ZERO)
