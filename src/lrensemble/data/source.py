"""Samples that a source of data returns, and the checks that hold for every source."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.class_names import fault_of
from lrensemble.errors import DataError, PredictionsError
from lrensemble.registry import Call, Registry
from lrensemble.targets import Classes, Target, check_probabilities
from lrensemble.targets.forms.of_values import LARGEST


@dataclass(frozen=True, init=False)
class Samples:
    """All rows of a data set, not yet divided. Where a source brings its own test rows, they come last."""

    inputs: NDArray[Any]
    """Inputs [sample, channel, height, width] or [sample, feature], uint8 or float32."""
    truth: NDArray[Any]
    """Class indices [sample], int64, or values [sample, output], float64."""
    target: Target
    """What the truth is."""
    test_rows: int
    """Number of the last rows that are the source's own test rows; 0 where it has none."""
    weights: NDArray[np.float64] | None
    """Weight [sample] of each row for the sampler `weighted`; None where there are none."""
    soft: NDArray[np.float32] | None
    """Class probabilities [sample, class] for the loss `soft_targets`; None where there are none."""
    image_size: int | None
    """Height and width that images were scaled and cut to (`decode`); None where they came in one size."""
    features: tuple[str, ...] | None
    """Names of the columns of a table [feature]; None where they have none."""

    def __init__(
        self,
        inputs: NDArray[Any],
        truth: NDArray[Any],
        target: Target | Sequence[str],
        test_rows: int = 0,
        *,
        weights: NDArray[np.float64] | None = None,
        soft: NDArray[np.float32] | None = None,
        image_size: int | None = None,
        features: Sequence[str] | None = None,
    ) -> None:
        """Samples of a target; names stand for classes."""
        known = target if isinstance(target, Target) else classes_of(target)
        given = {"inputs": inputs, "truth": truth, "target": known, "test_rows": test_rows}
        before = {"image_size": image_size, "features": None if features is None else tuple(features)}
        for name, value in {**given, "weights": weights, "soft": soft, **before}.items():
            object.__setattr__(self, name, value)


def classes_of(names: Iterable[str]) -> Classes:
    """Classes by their names, not checked yet: `check_samples` knows where they are from."""
    return Classes.model_construct(names=tuple(names))


@dataclass(frozen=True)
class SourceFacts:
    """A data set says what of it is not on this machine."""

    outside: tuple[str, ...] = ()
    """Arguments that name what is asked of a hub."""


SOURCES: Registry[Samples, SourceFacts] = Registry("data set", SourceFacts, plural="data", call=Call(("folder",)))
"""Functions of the folder that holds the files (`Path | None`) that return `Samples`."""


def check_samples(samples: Samples, source: str) -> None:
    """Refuse rows that cannot be trained on.

    Raises:
        DataError: no row, values that are not finite, labels outside the classes, a class without a row, an output
            that is the same in every row, weights below 0, or soft targets that are no probabilities.
    """
    inputs, truth, target = samples.inputs, samples.truth, samples.target
    if inputs.ndim not in (2, 4) or 0 in inputs.shape:
        raise DataError(
            f"{source}: inputs have shape {inputs.shape}; give [sample, feature] or images, and at least one"
        )
    if len(inputs) != len(truth):
        raise DataError(f"{source}: {len(inputs)} inputs but {len(truth)} labels")
    if inputs.dtype != np.uint8 and not np.isfinite(inputs).all():
        row = int(np.flatnonzero(~np.isfinite(inputs.reshape(len(inputs), -1)).all(axis=1))[0])
        raise DataError(f"{source}: row {row} holds a value that is not finite; remove the row or fill it in")
    if truth.dtype.kind == "f":
        _check_values(truth, source)
    else:
        _check_labels(truth, target.names, source)
        if fault := fault_of(target.names):
            raise DataError(f"{source}: {fault}")
    if samples.weights is not None:
        _check_weights(samples.weights, len(truth), source)
    if samples.soft is not None:
        _check_soft(samples.soft, target, len(truth), source)


def _check_weights(weights: NDArray[np.float64], rows: int, source: str) -> None:
    if weights.shape != (rows,):
        raise DataError(f"{source}: weights have shape {weights.shape}; give one for each of {rows} rows")
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise DataError(f"{source}: row {bad[0]} has weight {weights[bad[0]]:g}; give finite numbers from 0")


def _check_soft(soft: NDArray[np.float32], target: Target, rows: int, source: str) -> None:
    if target.kind != "classes" or soft.shape != (rows, target.width):
        wanted = f"[sample, class] = ({rows}, {target.width})" if target.kind == "classes" else "none with values"
        raise DataError(f"{source}: soft targets have shape {soft.shape}; give {wanted}")
    try:
        check_probabilities(soft, f"{source}: soft targets")
    except PredictionsError as error:
        raise DataError(str(error)) from None


def numbered_classes(highest: int, rows: int, source: str) -> tuple[str, ...]:
    """Names of classes that are numbers, from 0 up to the highest label.

    Raises:
        DataError: more classes than there are rows, before there is room made for as many names.
    """
    if highest >= rows:
        raise DataError(
            f"{source}: labels go up to {highest} in {rows} rows; labels run from 0 to classes - 1, each with rows"
        )
    return tuple(str(label) for label in range(highest + 1))


def _check_labels(labels: NDArray[np.int64], classes: tuple[str, ...], source: str) -> None:
    outside = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if len(outside):
        row = int(outside[0])
        raise DataError(
            f"{source}: label {labels[row]} in row {row} is outside the classes; "
            f"with {len(classes)} classes, 0 to {len(classes) - 1} are allowed"
        )
    counts = np.bincount(labels, minlength=len(classes))
    if len(classes) < 2 or not counts.all():
        empty = int(np.argmin(counts))
        reason = f"no row has label {empty}" if not counts.all() else "there is only one class"
        raise DataError(f"{source}: {reason}; labels run from 0 to classes - 1, at least two, each with rows")


def _check_values(truth: NDArray[np.float64], source: str) -> None:
    bad = np.flatnonzero(~np.isfinite(truth).all(axis=1))
    if len(bad):
        values = ", ".join(map(str, truth[bad[0]].tolist()))
        raise DataError(f"{source}: row {bad[0]} has {values} to learn, which is not finite; leave such rows out")
    largest = np.abs(truth).max(axis=0)
    if (beyond := np.flatnonzero((largest > LARGEST) | ((largest > 0) & (largest < 1 / LARGEST)))).size:
        raise DataError(
            f"{source}: output {beyond[0]} goes up to {largest[beyond[0]]:g}, whose square no number holds; give it in "
            f"another unit, up to {LARGEST:g}"
        )
    if len(truth) > 1 and (truth == truth[0]).all(axis=0).any():
        output = int((truth == truth[0]).all(axis=0).argmax())
        raise DataError(f"{source}: output {output} is {truth[0, output]:g} in every row; there is nothing to learn")


def need_folder(folder: Path | None, source: str, files: str) -> Path:
    """The folder that a source reads from.

    Raises:
        DataError: none was given, or it is not there.
    """
    if folder is None:
        raise DataError(f"{source} needs the folder of its files ({files}): set data.folder, or give --data FOLDER")
    if not os.path.isdir(folder):
        raise DataError(f"{folder} is not a folder; {source} needs the one that holds its files ({files})")
    return folder
