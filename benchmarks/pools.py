"""Pools that benchmarks choose from: made from a recorded seed, or read from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble.select import Validation

SEED = 0
ROWS = 10_000


def synthetic_pool(members: int, classes: int, accuracy: float, rows: int = ROWS) -> Validation:
    """Members that are right on about the same rows: a row's difficulty is common, the rest is their own."""
    generator = np.random.default_rng(SEED)
    labels = generator.integers(classes, size=rows)
    common = generator.normal(size=(rows, classes)).astype(np.float32) * 1.5
    log_probs = np.empty((members, rows, classes), dtype=np.float32)
    bonus = 0.0
    for member in range(members):
        logits = common + generator.normal(size=(rows, classes)).astype(np.float32)
        bonus = bonus or bonus_for(logits, labels, accuracy)
        logits[np.arange(rows), labels] += bonus
        log_probs[member] = log_softmax(logits)
    return Validation(log_probs, labels)


def streamed_pool(path: Path, members: int, rows: int, classes: int, accuracy: float) -> Validation:
    """The same kind of pool in float16 in a file, memory-mapped: written and read row by row, never held as a whole."""
    generator = np.random.default_rng(SEED)
    labels = generator.integers(classes, size=rows)
    shape = (members, rows, classes)
    written = np.memmap(path, dtype=np.float16, mode="w+", shape=shape)
    step, bonus = 250, 0.0
    for start in range(0, rows, step):
        part = labels[start : start + step]
        common = generator.normal(size=(len(part), classes)).astype(np.float32) * 1.5
        logits = common + generator.standard_normal((members, len(part), classes), dtype=np.float32)
        bonus = bonus or bonus_for(logits[0], part, accuracy)
        logits[:, np.arange(len(part)), part] += bonus
        written[:, start : start + step] = log_softmax(logits)
    written.flush()
    del written
    return Validation(np.memmap(path, dtype=np.float16, mode="r", shape=shape), labels)


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithms of probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), dtype=np.float32)


def bonus_for(logits: NDArray[np.float32], labels: NDArray[np.int64], accuracy: float) -> float:
    """What the label's logit must gain for a member to be right on this share of the rows: found by halving."""
    rows, low, high = np.arange(len(labels)), 0.0, 50.0
    own = logits[rows, labels]
    others = logits.copy()
    others[rows, labels] = -np.inf
    best_other = others.max(axis=1)
    for _ in range(40):
        bonus = (low + high) / 2
        low, high = (bonus, high) if np.mean(own + bonus > best_other) < accuracy else (low, bonus)
    return high


def published_pool(folder: Path) -> Validation:
    """Eight published models on the test rows of CIFAR-10, from an .npz file with `logits` and `labels`."""
    file = np.load(next(folder.glob("*.npz")))
    return Validation(log_softmax(file["logits"].astype(np.float32)), file["labels"].astype(np.int64))
