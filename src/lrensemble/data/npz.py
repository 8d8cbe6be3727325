"""Arrays in an `.npz` file of numpy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.data.source import SOURCES, Samples, check_samples
from lrensemble.data.truth import Kind, truth_of
from lrensemble.errors import DataError, LREnsembleError
from lrensemble.files import storage_errors
from lrensemble.numpy_files import read_arrays

INPUTS = ("x", "X", "images", "x_train", "X_train")
LABELS = ("y", "labels", "y_train")
TEST_INPUTS = ("x_test", "X_test", "test_x", "test_images")
TEST_LABELS = ("y_test", "test_y", "test_labels")
CHANNELS = (1, 3, 4)
"""Numbers of channels that an image can have: they tell channels last from channels first."""


@SOURCES.register(file="data.npz")
def npz(
    folder: Path | None, *, file: str, kind: Kind | None = None, weights: str | None = None, soft: str | None = None
) -> Samples:
    """Inputs `x` (`X`, `images`) and labels `y` (or `labels`); optional `x_test`, `y_test` and names of `classes`.

    Inputs are [sample, feature], [sample, height, width], or images with the channels first or last; uint8 stays so,
    other numbers become float32. Labels are integers from 0, or texts, which are sorted and become the class names; or
    real numbers [sample] or [sample, output], which are values to learn, named by `outputs` where the file has them.

    Args:
        folder: where the file lies; the current folder unless given.
        file: its name.
        kind: `classes` or `values`, where the type of `y` does not say it: whole numbers that are stored as floats.
        weights: name of an array [sample] of weights, for `train.sampler = "weighted"`.
        soft: name of an array [sample, class] of class probabilities, for `train.loss = "soft_targets"`.

    Raises:
        DataError: the file is missing or damaged, lacks an array, or its arrays do not fit together.
    """
    path = (folder or Path()) / file
    return samples_of(_read(path), str(path), kind=kind, weights=weights, soft=soft)


def samples_of(
    arrays: dict[str, NDArray[Any]],
    source: str,
    *,
    kind: Kind | None = None,
    weights: str | None = None,
    soft: str | None = None,
    features: Sequence[str] | None = None,
) -> Samples:
    """Samples of arrays by their names, as `npz` takes them.

    Args:
        arrays: inputs, labels, and what else the file holds.
        source: where they are from, for messages.
        kind: as `npz` takes it.
        weights: as `npz` takes it.
        soft: as `npz` takes it.
        features: names of the columns of the inputs, where they have some.

    Raises:
        DataError: an array is missing, or they do not fit together.
    """
    inputs, labels = _images(_one_of(arrays, INPUTS, source), source), _one_of(arrays, LABELS, source)
    test_rows, rows = 0, len(labels)
    if set(arrays) & {*TEST_INPUTS, *TEST_LABELS}:
        test_inputs = _images(_one_of(arrays, TEST_INPUTS, source), source)
        test_labels = _one_of(arrays, TEST_LABELS, source)
        _check_fit(inputs, labels, test_inputs, test_labels, source)
        inputs, labels = np.concatenate([inputs, test_inputs]), np.concatenate([labels, test_labels])
        test_rows = len(test_labels)
    names = {name: list(map(str, arrays[name].ravel())) for name in ("classes", "outputs") if name in arrays}
    truth, target = truth_of(labels, kind, source, **names)
    samples = Samples(
        inputs,
        truth,
        target,
        test_rows,
        weights=None if weights is None else _of_rows(arrays, weights, rows, test_rows, source).astype(np.float64),
        soft=None if soft is None else _of_rows(arrays, soft, rows, test_rows, source).astype(np.float32),
        features=features,
    )
    check_samples(samples, source)
    return samples


def _read(path: Path) -> dict[str, NDArray[Any]]:
    if not os.path.isfile(path):
        raise DataError(
            f"{path} is missing; say in which folder it lies, with --data FOLDER or data.folder, or name another file"
        )
    try:
        with storage_errors("read", path):
            arrays = read_arrays(path)
    except LREnsembleError:
        raise
    except Exception as error:  # damaged files make numpy and zipfile raise almost anything
        reason = " ".join(str(error).split())
        raise DataError(f"{path} is damaged, or holds objects that are not numbers: {reason}") from None
    if isinstance(arrays, np.ndarray):
        raise DataError(f"{path} is a single array; save inputs and labels with numpy.savez(…, x=…, y=…)")
    return arrays


def _one_of(arrays: dict[str, NDArray[Any]], names: tuple[str, ...], source: str) -> NDArray[Any]:
    found = [name for name in names if name in arrays]
    if len(found) != 1:
        held = ", ".join(arrays) or "nothing"
        raise DataError(f"{source} must hold exactly one of {', '.join(names)}; it holds {held}")
    return arrays[found[0]]


def _of_rows(arrays: dict[str, NDArray[Any]], name: str, rows: int, test_rows: int, source: str) -> NDArray[Any]:
    """An array of numbers with one or several for each row; the test rows, which do without, have those of row 0."""
    found = _one_of(arrays, (name,), source)
    if found.dtype.kind not in "buif" or len(found) != rows:
        raise DataError(
            f"{source}: {name} is {found.dtype} of shape {found.shape}; give numbers for each of {rows} rows"
        )
    return np.concatenate([found, np.repeat(found[:1], test_rows, axis=0)])


def _images(inputs: NDArray[Any], source: str) -> NDArray[Any]:
    """Features [sample, feature] as they are, and images as [sample, channel, height, width]."""
    if inputs.dtype.kind not in "buif":
        raise DataError(f"{source}: inputs are {inputs.dtype}; give numbers")
    if inputs.dtype != np.uint8:
        inputs = inputs.astype(np.float32)
    if inputs.ndim == 3:
        return inputs[:, None]
    if inputs.ndim == 4 and inputs.shape[1] not in CHANNELS and inputs.shape[3] in CHANNELS:
        return np.moveaxis(inputs, 3, 1)
    return inputs


def _check_fit(
    inputs: NDArray[Any], labels: NDArray[Any], test_inputs: NDArray[Any], test_labels: NDArray[Any], source: str
) -> None:
    if inputs.shape[1:] != test_inputs.shape[1:]:
        raise DataError(f"{source}: a training row is {inputs.shape[1:]} and a test row {test_inputs.shape[1:]}")
    for name, rows, targets in (("training", inputs, labels), ("test", test_inputs, test_labels)):
        if len(rows) != len(targets):
            raise DataError(f"{source}: {len(rows)} {name} inputs but {len(targets)} labels")
    if labels.shape[1:] != test_labels.shape[1:]:
        raise DataError(f"{source}: labels have shape {labels.shape} and test labels {test_labels.shape}")
