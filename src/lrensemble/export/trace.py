"""The module that torch's exporters trace: the ensemble as a program of tensors alone, with any number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lrensemble.errors import ExportError
from lrensemble.export.description import Description
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.programs import as_tokens
from lrensemble.numerics import likeliest

_LARGEST_BYTE = 255


class Traceable(nn.Module):
    """Raw inputs to probabilities [sample, class] float32 and the likeliest class [sample] int64.

    Of values, to values [sample, output] float32, and to their standard deviations where members give them.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        super().__init__()
        self.ensemble = ensemble

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Outputs, by `output_names`, of inputs [sample, *shape]."""
        return answers(self.ensemble(inputs), self.ensemble.description)


def answers(said: Tensor, description: Description) -> tuple[Tensor, ...]:
    """Outputs, by `output_names`, of what the ensemble says [sample, column]."""
    if not description.of_values:
        return said.float(), likeliest(said)
    width = description.target.width
    if said.shape[1] == 2 * width:
        return said[:, :width].float(), said[:, width:].sqrt().float()
    return (said.float(),)


def traceable(ensemble: Ensemble) -> Traceable:
    """The ensemble with its members one after another: a runtime arranges its own work.

    Raises:
        ExportError: a cascade, whose path depends on its inputs.
    """
    if ensemble.description.stages is not None:
        raise ExportError("a cascade stops where it is sure, which no traced program can; write it as a bundle")
    description = ensemble.description.model_copy(update={"batched": False})
    return Traceable(Ensemble(list(ensemble.members), description)).eval()


def output_names(ensemble: Ensemble) -> list[str]:
    """Names of the outputs of the traceable program."""
    description = ensemble.description
    if not description.of_values:
        return list(description.target.outputs(description.target.width))
    with torch.no_grad():
        columns = ensemble(example_inputs(ensemble, 2)).shape[1]
    return list(description.target.outputs(columns))


def largest_difference(found: Sequence[Tensor], expected: Sequence[Tensor], *, of_values: bool) -> float:
    """Largest |difference| of a probability; of values, relative to the largest of them, or to one."""
    if len(found) != len(expected):
        return float("inf")
    pairs = list(zip(found, expected, strict=True)) if of_values else [(found[0], expected[0])]
    worst = 0.0
    for one, two in pairs:
        if one.shape != two.shape or not bool(torch.isfinite(one).all()):
            return float("inf")
        unit = max(1.0, float(two.abs().max())) if of_values else 1.0
        worst = max(worst, float((one.double() - two.double()).abs().max()) / unit)
    return worst


def example_inputs(ensemble: Ensemble, rows: int) -> Tensor:
    """Random raw inputs [rows, *shape] of the data's type and spread, the same at every call."""
    inputs = ensemble.description.inputs
    mean, std = _spread(ensemble.description)
    generator = torch.Generator().manual_seed(rows)
    drawn = as_tokens(list(ensemble.members), torch.randn(rows, *inputs.shape, generator=generator))
    axes = (1, -1, *[1] * (len(inputs.shape) - 1))
    raw = drawn * torch.tensor(std).view(axes) + torch.tensor(mean).view(axes)
    return raw.round().clamp(0, _LARGEST_BYTE).to(torch.uint8) if inputs.dtype == "uint8" else raw


def _spread(description: Description) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and deviation of each channel, of the members that say any where the ensemble takes inputs as they are."""
    given = [each for each in (description.inputs, *(part.inputs for part in description.parts)) if each is not None]
    found = next((each for each in given if set(each.std) != {1.0}), given[0])
    if found.dtype == "uint8" and set(found.std) == {1.0}:  # nobody says: all bytes
        return [_LARGEST_BYTE / 2] * found.shape[0], [_LARGEST_BYTE / 4] * found.shape[0]
    return found.mean, found.std


def rows_dimension() -> Any:
    """Dynamic axis of the rows; torch traces from two rows on, and the exporters check one row."""
    return torch.export.Dim("rows", min=2)
