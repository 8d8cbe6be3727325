"""Inputs of a network, as its member records them: enough to predict without the data set."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lrensemble.config.records import PositiveInt, Record

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Inputs(Record):
    """Shape and type of one raw input, and how it is normalised: (input - mean) / std for each channel or feature."""

    shape: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)]
    """(channel, height, width) or (feature,)."""
    dtype: Literal["uint8", "float32"]
    """Type of the data set that was trained on; inputs come on its scale, images of bytes from 0 to 255."""
    mean: Annotated[tuple[Finite, ...], Field(strict=False)]
    std: Annotated[tuple[Annotated[Finite, Field(gt=0)], ...], Field(strict=False)]

    @model_validator(mode="after")
    def _one_for_each_channel(self) -> Self:
        if not len(self.mean) == len(self.std) == self.shape[0]:
            raise ValueError(f"{len(self.mean)} means and {len(self.std)} deviations for {self.shape[0]} channels")
        return self
