"""A data set ready to train on: rows divided, normalisation measured on the training rows, fingerprint taken."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.config import DataSettings, Inputs, Recipe, Scale, Seen, SplitSettings
from lrensemble.data.augment import Augmenter, Draws, Mixing, move
from lrensemble.data.seen import seen_of
from lrensemble.data.source import SOURCES, Samples
from lrensemble.data.stratified import divide
from lrensemble.data.transfer import queued
from lrensemble.errors import DataError, UntrustedError
from lrensemble.here import PREFIX
from lrensemble.registry import known_paths_only, require_known_paths
from lrensemble.spec import Spec
from lrensemble.targets import Form, Target
from lrensemble.targets.heads import Head

_BLOCK = 4096
"""Rows that statistics are summed over at once, so that no second copy of the data is made in float64."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs, truth and splits of one data set, on one device; inputs that do not fit it stay on the host."""

    name: str
    inputs: Tensor
    """Inputs [sample, channel, height, width] or [sample, feature], uint8 or float32, not normalised."""
    truth: Tensor
    """Class indices [sample], int64, or values [sample, output] in their own units, float64."""
    target: Target
    """What the truth is."""
    rows: dict[str, Tensor]
    """`train`, `val`, `test`: int64 indices of samples, sorted; where the inputs are."""
    mean: Tensor
    """Mean [channel] or [feature] of the training rows, float32."""
    std: Tensor
    """Standard deviation [channel] or [feature] of the training rows, float32; 1 where all values are equal."""
    fingerprint: str
    """SHA-256 of inputs, truth, names and splits, in hexadecimal."""
    truth_mean: Tensor
    """Mean [output] of the training rows, float64; none, [0], for classes."""
    truth_std: Tensor
    """Standard deviation [output] of the training rows, float64; 1 where all values are equal."""
    weights: NDArray[np.float64] | None = None
    """Weights [sample] for the sampler `weighted`, on the host; None where there are none."""
    soft: Tensor | None = None
    """Class probabilities [sample, class] float32 for the loss `soft_targets`; None where there are none."""
    seen: Seen | None = None
    """Range and statistics of the training rows' inputs; None where nobody measured them."""
    image_size: int | None = None
    """Height and width that images were scaled and cut to; None where they came in one size."""
    features: tuple[str, ...] | None = None
    """Names of the columns of a table [feature]; None where they have none."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input: (channel, height, width) or (feature,)."""
        return tuple(self.inputs.shape[1:])

    @property
    def device(self) -> torch.device:
        """Device that batches are on."""
        return self.truth.device

    def to(self, device: torch.device) -> Dataset:
        """Data set on another device; inputs that would take more than half of its free memory stay here.

        Batches of inputs that stay are gathered here and queued for a GPU while it computes on those before them.
        """
        there = device if self.inputs.nbytes <= _room(device) else self.inputs.device
        numbers = {name: getattr(self, name) for name in ("truth", "mean", "std", "truth_mean", "truth_std")}
        if device.type == "mps":  # it has no float64
            numbers = {name: each.float() if each.is_floating_point() else each for name, each in numbers.items()}
        moved = {name: each.to(device) for name, each in numbers.items()}
        rows = {split: rows.to(there) for split, rows in self.rows.items()}
        soft = None if self.soft is None else self.soft.to(device)
        return replace(self, inputs=self.inputs.to(there), rows=rows, soft=soft, **moved)

    def raw(self, rows: Tensor) -> Tensor:
        """Inputs [batch, …] of the samples in `rows` [batch] as they are, on the device."""
        return queued(self.inputs[rows.to(self.inputs.device)], self.device)

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised inputs [batch, …] float32 and what is to be learned of the samples in `rows` [batch]: classes
        [batch], or standardised values [batch, output] float32.
        """
        axes = (1, -1, *[1] * (self.inputs.ndim - 2))
        inputs = (self.raw(rows).float() - self.mean.view(axes)) / self.std.view(axes)
        truth = self.truth[queued(rows, self.device)]
        return inputs, ((truth - self.truth_mean) / self.truth_std).float() if self.truth_mean.numel() else truth

    def head(self, form: Form | None) -> Head:
        """Loss and link of networks that learn this set.

        Raises:
            ConfigError: they do not speak in this form.
        """
        return self.target.head(form, self.scale)

    @property
    def scale(self) -> Scale:
        """Units of the outputs; none for classes."""
        return Scale(mean=tuple(self.truth_mean.tolist()), std=tuple(self.truth_std.tolist()))

    def truth_of(self, split: str) -> NDArray[Any]:
        """Truth of a split, on the host: class indices [sample], or values [sample, output]."""
        return self.truth[self.rows[split]].cpu().numpy()

    def groups_of(self, split: str) -> None:
        """None: rows are independent."""

    @property
    def base(self) -> None:
        """None: members start from random weights."""

    @property
    def inputs_of_members(self) -> Inputs:
        """Shape, type, normalisation and range of the inputs, and what is known of images and tables before."""
        dtype: Literal["uint8", "float32"] = "uint8" if self.inputs.dtype == torch.uint8 else "float32"
        mean, std = tuple(self.mean.tolist()), tuple(self.std.tolist())
        return Inputs(
            shape=self.shape,
            dtype=dtype,
            mean=mean,
            std=std,
            seen=self.seen,
            image_size=self.image_size,
            features=self.features,
        )

    def augmented(self, rows: Tensor, augmenter: Augmenter, draws: Draws) -> tuple[Tensor, Tensor, Mixing | None]:
        """Normalised and augmented inputs [batch, …] float32, what is to be learned and, where they are mixed, how.

        One tensor program without a wait for the device, which `torch.compile` makes into few kernels.

        Args:
            rows: [batch] samples, where the inputs are.
            augmenter: of a recipe.
            draws: what it drew for these rows, on the CPU or on the device of the data.
        """
        inputs, truth = self.batch(rows)
        inputs, mixing = augmenter.apply(inputs, move(draws, inputs.device))
        return inputs, truth, mixing


def _room(device: torch.device) -> float:
    """Bytes that inputs may take of a device."""
    return torch.cuda.mem_get_info(device)[0] / 2 if device.type == "cuda" else math.inf


def load(settings: DataSettings, split: SplitSettings) -> Dataset:
    """Read a data set by name and divide its rows.

    Raises:
        SpecError: an unknown name or argument.
        DataError: a file is missing, damaged or does not fit to another, or there are too few rows.
    """
    samples = SOURCES.call(settings.source, settings.folder)
    rows = divide(samples.target, samples.truth, samples.test_rows, split)
    mean, std = _statistics(samples.inputs, rows["train"])
    truth_mean, truth_std = _scale_of(samples.truth[rows["train"]])
    return Dataset(
        name=settings.source.name.removeprefix(PREFIX),
        inputs=torch.from_numpy(np.ascontiguousarray(samples.inputs)),
        truth=torch.from_numpy(samples.truth),
        target=samples.target,
        rows={name: torch.from_numpy(indices) for name, indices in rows.items()},
        mean=torch.from_numpy(mean),
        std=torch.from_numpy(std),
        fingerprint=_fingerprint(samples, rows),
        truth_mean=torch.from_numpy(truth_mean),
        truth_std=torch.from_numpy(truth_std),
        weights=samples.weights,
        soft=None if samples.soft is None else torch.from_numpy(samples.soft),
        seen=seen_of(samples.inputs, rows["train"], mean, std),
        image_size=samples.image_size,
        features=samples.features,
    )


def of_recipe(recipe: Recipe, folder: Path | None, *, trust_code: bool = False) -> Dataset:
    """The data set that a member was trained on, read again and recognised.

    Args:
        recipe: of the member.
        folder: where the files lie, for sources that need one.
        trust_code: whether code of the data set that the recipe names may be imported, and a hub be asked for it.

    Raises:
        DataError: the files cannot be read, or are not those that the member was trained on.
        UntrustedError: the recipe names code, or a set of a hub, that was not asked for.
    """
    source = f"the recipe of a member on {recipe.data.name}"
    require_known_paths(source, recipe.data.name, recipe.policy, *recipe.train.names, trust_code=trust_code)
    if not trust_code:
        require_inside(source, recipe.data)
    with known_paths_only(source, trust_code=trust_code):
        dataset = load(DataSettings(source=recipe.data, folder=folder), recipe.split)
    if dataset.fingerprint != recipe.fingerprint:
        raise DataError(f"{recipe.data}: these are not the rows that the member was trained on; give its own files")
    return dataset


def require_inside(source: str, data: Spec) -> None:
    """Refuse a file elsewhere in the place of one in the folder of the data: on another machine, it may be."""
    for key, value in data.arguments.items():
        if not isinstance(value, str):
            continue
        paths = (PurePosixPath(value), PureWindowsPath(value))
        if any(path.anchor or ".." in path.parts for path in paths):
            raise UntrustedError(
                f"{source} names {key} = {value!r}, outside of the folder of its data; if you trust it, add "
                "--trust-code (in Python, trust_code=True)"
            )


def _statistics(inputs: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population standard deviation of each channel over the given rows, in float64 and two passes."""
    axes = tuple(axis for axis in range(inputs.ndim) if axis != 1)
    blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
    values = len(rows) * inputs[0, 0].size
    mean = sum(inputs[block].sum(axis=axes, dtype=np.float64) for block in blocks) / values
    centre = mean.reshape(-1, *[1] * (inputs.ndim - 2))
    variance = sum(((inputs[block] - centre) ** 2).sum(axis=axes) for block in blocks) / values
    std = np.sqrt(variance)
    return mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32)


def _scale_of(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population standard deviation of each output of [sample, output]; nothing of classes."""
    if truth.dtype.kind != "f":
        return np.empty(0), np.empty(0)
    std = truth.std(axis=0)
    return truth.mean(axis=0), np.where(std > 0, std, 1)


def _fingerprint(samples: Samples, rows: dict[str, np.ndarray]) -> str:
    arrays = {"inputs": samples.inputs, "labels": samples.truth, **rows}  # as members of earlier versions have it
    arrays |= {name: each for name in ("weights", "soft") if (each := getattr(samples, name)) is not None}
    header = {name: [str(array.dtype.newbyteorder("<")), list(array.shape)] for name, array in arrays.items()}
    digest = hashlib.sha256(json.dumps([header, samples.target.names]).encode())
    for array in arrays.values():
        digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()
