"""Two lists of images with labels, for training and for testing, to one record of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from lrensemble.data.decode import Encoded, decode
from lrensemble.data.source import Samples, check_samples, numbered_classes
from lrensemble.errors import DataError

TRAIN = ("train", "training")
TEST = ("test", "validation", "valid", "val", "dev")
"""Names of splits; the first of them that is there holds the test rows."""

NAMED = 5
"""Classes or files that an error names at most."""


@dataclass(frozen=True)
class Images:
    """Encoded images and what they show."""

    images: Sequence[Encoded]
    labels: Sequence[object]
    """Class of each image [image], as a number or a name."""
    places: Sequence[str]
    """Place of each image [image], for errors."""


def samples_of(
    train: Images,
    test: Images | None,
    source: str,
    *,
    classes: Sequence[str] | None = None,
    size: int | None = None,
    channels: int | None = None,
) -> Samples:
    """Decode both parts; the test rows come last.

    Args:
        train: to train and validate on.
        test: the source's own test rows.
        source: for errors.
        classes: names; unless given, those of the training labels in alphabetical order, or their numbers.
        size: as in `decode`.
        channels: as in `decode`.

    Raises:
        DataError: an image that cannot be read or has another size, a row without a label, or a test class that
            training does not have.
    """
    names = classes or _classes_of(train, source)
    parts = [train] if test is None else [train, test]
    labels = [_indices(part, names) for part in parts]
    if test is not None:
        check_classes(labels[0], labels[1], names, source)
    places = [place for part in parts for place in part.places]
    images = [image for part in parts for image in part.images]
    pixels = decode(images, lambda i: places[i] if places else source, size=size, channels=channels)
    tests = 0 if test is None else len(test.labels)
    samples = Samples(pixels, np.concatenate(labels), tuple(names), tests, image_size=size)
    check_samples(samples, source)
    return samples


def check_classes(train: NDArray[np.int64], test: NDArray[np.int64], names: Sequence[str], source: str) -> None:
    """Refuse test rows of classes without training rows.

    Raises:
        DataError: there are such classes; they are named.
    """
    unknown = np.setdiff1d(test, train).tolist()
    if unknown:
        told = ", ".join(names[label] if 0 <= label < len(names) else str(label) for label in unknown[:NAMED])
        raise DataError(
            f"{source}: the test rows have classes that no training row has ({told}); remove them or train on them"
        )


def _classes_of(rows: Images, source: str) -> Sequence[str]:
    """Names of classes by the labels of the training rows.

    Raises:
        DataError: a row has a label that is none, or more classes than rows.
    """
    try:
        known = {label for label in rows.labels if label is not None}
    except TypeError:
        raise DataError(f"{source}: labels are lists or tables; give numbers or texts") from None
    numbers = [int(label) for label in known if isinstance(label, Integral)]
    if len(numbers) == len(known):
        return numbered_classes(max(numbers, default=-1), len(rows.labels), source)
    if any(label != label for label in known):
        raise DataError(f"{source}: rows have nan for a label; remove them, or label them")
    return sorted(str(label) for label in known)


def _indices(part: Images, names: Sequence[str]) -> NDArray[np.int64]:
    """Class index of each image [image].

    Raises:
        DataError: a row has no label, or a name that is none of the classes.
    """
    known = {name: place for place, name in enumerate(names)}
    indices = [int(label) if isinstance(label, Integral) else known.get(str(label)) for label in part.labels]
    if None in indices:
        place = indices.index(None)
        label = part.labels[place]
        what = "it has no label" if label is None else f"its label {label!r} is none of the classes of training"
        raise DataError(f"{part.places[place]}: {what}")
    return np.array(indices, dtype=np.int64)
