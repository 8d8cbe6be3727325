"""Pools made by hand: what members say is decided row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool import Pool
from lrensemble.pool.collect import collect

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SMALL = "greedy(size=5, bootstrap=2)"
"""A search of few steps, for tests of what is done with a team and not of how it is found."""


def said(labels: Labels, right: Bools, classes: int, confidence: float = 0.8) -> Floats:
    """[sample, class] probabilities: the label, or where it is wrong the next class, has the confidence."""
    named = np.where(right, labels, (labels + 1) % classes)
    probs = np.full((len(labels), classes), (1 - confidence) / (classes - 1))
    probs[np.arange(len(labels)), named] = confidence
    return probs


def pool_of(
    folder: Path,
    val: tuple[Labels, NDArray[np.generic]],
    test: tuple[Labels, NDArray[np.generic]] | None,
    *,
    form: str = "probs",
    names: tuple[str, ...] = (),
) -> Pool:
    """A pool of labels [sample] and predictions [member, sample, class] (or [member, sample] of `top1`) by split."""
    arrays: dict[str, NDArray[np.generic]] = {"labels": val[0], form: val[1]}
    if test is not None:
        arrays |= {"test_labels": test[0], f"test_{form}": test[1]}
    if names:
        arrays["names"] = np.array(names)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "predictions.npz", **arrays)  # type: ignore[arg-type]
    return collect([folder / "predictions.npz"], folder / "pool").pool


def blocks(rows: int, wrong: tuple[tuple[float, float], ...]) -> Bools:
    """[member, sample] right everywhere but from one share of the rows to another, a pair for each member."""
    place = (np.arange(rows) + 0.5) / rows
    return np.stack([~((place >= start) & (place < stop)) for start, stop in wrong])
