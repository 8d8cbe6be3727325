"""Networks that ask for more memory than there is."""

import weakref

import torch
from torch import Tensor, nn


class Marker:
    """Lives as long as the stack that has it."""


built = 0
"""Networks that were built since the last training step."""
failed: list[weakref.ref[Marker]] = []
"""Of each step that failed, something in its stack."""
held: list[int] = []
"""At each building of a network, how many stacks that failed are still held."""


class Huge(nn.Module):
    """An ordinary network whose training step asks for an exabyte."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            torch.empty(2**60, dtype=torch.uint8)
        logits: Tensor = self.layer(inputs.flatten(1))
        return logits


class Crowded(nn.Module):
    """A network that finds no room beside more than one other."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        global built
        many, built = built, 0 if self.training else built
        if self.training and many > 2:
            marker = Marker()
            failed.append(weakref.ref(marker))
            torch.empty(2**60, dtype=torch.uint8)
        logits: Tensor = self.layer(inputs.flatten(1))
        return logits


def huge(shape: tuple[int, ...], classes: int) -> nn.Module:
    return Huge(torch.Size(shape).numel(), classes)


def crowded(shape: tuple[int, ...], classes: int) -> nn.Module:
    global built
    built += 1
    held.append(sum(stack() is not None for stack in failed))
    return Crowded(torch.Size(shape).numel(), classes)
