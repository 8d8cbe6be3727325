"""The module that torch's exporters trace: the ensemble as a program of tensors alone, with any number of rows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lrensemble.errors import ExportError
from lrensemble.export.ensemble import Ensemble
from lrensemble.numerics import likeliest

_LARGEST_BYTE = 255


class Traceable(nn.Module):
    """Raw inputs to probabilities [sample, class] float32 and the likeliest class [sample] int64."""

    def __init__(self, ensemble: Ensemble) -> None:
        super().__init__()
        self.ensemble = ensemble

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities and classes of inputs [sample, *shape]."""
        probs = self.ensemble(inputs)
        return probs.float(), likeliest(probs)


def traceable(ensemble: Ensemble) -> Traceable:
    """The ensemble with its members one after another: a runtime arranges its own work.

    Raises:
        ExportError: a cascade, whose path depends on its inputs.
    """
    if ensemble.description.stages is not None:
        raise ExportError("a cascade stops where it is sure, which no traced program can; write it as a bundle")
    description = ensemble.description.model_copy(update={"batched": False})
    return Traceable(Ensemble(list(ensemble.members), description)).eval()


def example_inputs(ensemble: Ensemble, rows: int) -> Tensor:
    """Random raw inputs [rows, *shape] of the data's type and spread, the same at every call."""
    inputs = ensemble.description.inputs
    generator = torch.Generator().manual_seed(rows)
    drawn = torch.randn(rows, *inputs.shape, generator=generator)
    axes = (1, -1, *[1] * (len(inputs.shape) - 1))
    raw = drawn * torch.tensor(inputs.std).view(axes) + torch.tensor(inputs.mean).view(axes)
    return raw.round().clamp(0, _LARGEST_BYTE).to(torch.uint8) if inputs.dtype == "uint8" else raw


def rows_dimension() -> Any:
    """Dynamic axis of the rows; torch traces from two rows on, and the exporters check one row."""
    return torch.export.Dim("rows", min=2)
