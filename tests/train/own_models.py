"""Models as users write them, in a module of their own; each has one oddity, which its docstring names."""

import math
import random

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 12


class Plain(nn.Module):
    """None."""

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.body = nn.Linear(math.prod(shape), WIDTH)
        self.head: nn.Module = nn.Linear(WIDTH, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(functional.relu(self.body(inputs.flatten(1))))
        return outputs


class Tied(Plain):
    """Two layers with one weight."""

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(shape, outputs)
        self.up, self.down = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.down.weight = self.up.weight
        self.head = nn.Sequential(self.up, nn.Tanh(), self.down, self.head)


class Batched(Plain):
    """Statistics of a batch, which one row has not."""

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(shape, outputs)
        self.head = nn.Sequential(nn.BatchNorm1d(WIDTH), self.head)


class Counting(Plain):
    """What it has seen is an attribute, and no buffer."""

    steps = 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.steps += self.training
        return super().forward(inputs) * (1 + self.steps)


class Growing(Plain):
    """A buffer that becomes longer."""

    seen: Tensor

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(shape, outputs)
        self.register_buffer("seen", torch.zeros(0))

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self.seen = torch.cat([self.seen, inputs.new_zeros(1)])
        return super().forward(inputs)


class Complex(Plain):
    """A buffer of a type that safetensors has not."""

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(shape, outputs)
        self.register_buffer("phases", torch.zeros(3, dtype=torch.complex128))


class Further(Plain):
    """A state that is no tensor."""

    def get_extra_state(self) -> dict[str, int]:
        return {"version": 1}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Nothing is needed."""


class Frozen(Plain):
    """Nothing that is trained."""

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(shape, outputs)
        self.requires_grad_(False)


class Detached(Plain):
    """Outputs without a gradient."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs).detach()


class Ending(Plain):
    """What it meets in training, it ends the program for."""

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            raise SystemExit(3)
        return super().forward(inputs)


class Drawing(Plain):
    """Dropout in predictions too."""

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.dropout(super().forward(inputs), 0.5)


class DrawingElsewhere(Plain):
    """Noise in predictions, from a generator that is none of torch."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs) + random.gauss(0, 1)


class Remembering(Plain):
    """A state that goes on from batch to batch, in predictions too."""

    state: Tensor

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(shape, outputs)
        self.register_buffer("state", torch.zeros(outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = super().forward(inputs) + self.state
        self.state = outputs.detach().mean(0)
        return outputs
