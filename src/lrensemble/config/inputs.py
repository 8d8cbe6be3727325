"""Inputs, outputs and origin of a network, as its member records them: enough to predict without the data set."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lrensemble.config.records import PositiveInt, Record, SpecField

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Seen(Record):
    """Range and statistics of the raw inputs that a member was trained on, or of those it was validated on when it was
    adopted: what lies far outside is nothing that it has learned from.
    """

    low: Annotated[tuple[Finite, ...], Field(strict=False)]
    """Lowest value of each channel or feature."""
    high: Annotated[tuple[Finite, ...], Field(strict=False)]
    """Highest value of each channel or feature."""
    mean: Annotated[tuple[Finite, ...], Field(strict=False)]
    std: Annotated[tuple[Annotated[Finite, Field(ge=0)], ...], Field(strict=False)]
    """Standard deviation of each channel or feature; 0 where all values are equal."""
    contrast: Annotated[tuple[Finite, Finite], Field(strict=False)] | None = None
    """1 % and 99 % quantile of an input's own standard deviation, over its channels and places; inputs of one value are
    left out. None for features, which have units of their own."""


class Inputs(Record):
    """Shape and type of one raw input, and how it is normalised: (input - mean) / std for each channel or feature."""

    shape: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)]
    """(channel, height, width) or (feature,)."""
    dtype: Literal["uint8", "float32", "float64"]
    """Type of the data set that was trained on; inputs come on its scale, images of bytes from 0 to 255."""
    mean: Annotated[tuple[Finite, ...], Field(strict=False)]
    std: Annotated[tuple[Annotated[Finite, Field(gt=0)], ...], Field(strict=False)]
    seen: Seen | None = None
    """Range and statistics of raw inputs in training; None in files of earlier versions."""
    image_size: PositiveInt | None = None
    """Images of files: height and width that they are made, the shorter side scaled (bicubic) and the middle cut out;
    None where they come in one size."""
    features: Annotated[tuple[str, ...] | None, Field(strict=False)] = None
    """Names of the columns of a table [feature], in the order of training; None where they have none."""

    @model_validator(mode="after")
    def _one_for_each_channel(self) -> Self:
        if not len(self.mean) == len(self.std) == self.shape[0]:
            raise ValueError(f"{len(self.mean)} means and {len(self.std)} deviations for {self.shape[0]} channels")
        if self.seen and {len(getattr(self.seen, name)) for name in ("low", "high", "mean", "std")} != {self.shape[0]}:
            raise ValueError(f"statistics of the inputs are not of {self.shape[0]} channels")
        if self.features is not None and (len(self.features),) != self.shape:
            raise ValueError(f"{len(self.features)} names of features for inputs of shape {self.shape}")
        return self

    @property
    def alone(self) -> Inputs:
        """These inputs without statistics and what comes before: what decides how a network is run."""
        return self.model_copy(update={"seen": None, "image_size": None, "features": None})


class Scale(Record):
    """Units of the outputs: a network learns (value - mean) / std of each output, so a value is std * output + mean."""

    mean: Annotated[tuple[Finite, ...], Field(strict=False)] = ()
    """Mean of each output over the training rows; none for classes, which have no units."""
    std: Annotated[tuple[Annotated[Finite, Field(gt=0)], ...], Field(strict=False)] = ()
    """Standard deviation of each output over the training rows."""

    @model_validator(mode="after")
    def _one_for_each_output(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ValueError(f"{len(self.mean)} means and {len(self.std)} deviations of outputs")
        return self


Gives = Literal["logits", "log_probs", "probs", "values", "gaussian"]
"""What a network gives for each row: [class] logits, log-probabilities or probabilities (of two classes perhaps the
logit or probability of the second alone), [output] values, or [2 · output] means and then logarithms of variances."""


class Network(Record):
    """How a member that was trained elsewhere is run again."""

    model: SpecField
    """What builds it: a model, whose parameters are the member's weights; or, where there is a file, the kind of
    network that reads it: `onnx(input='X', output='probabilities')`."""
    file: Annotated[str, Field(pattern=r"^network\.[a-z0-9]{1,16}$")] | None = None
    """Name of its file beside `member.json`."""
    gives: Gives = "logits"
