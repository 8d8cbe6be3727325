"""Members are collected one at a time: a file of many never lies in memory as a whole, however it was written."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax

from lrensemble.pool import Pool
from lrensemble.pool.collect import collect

MEMBERS, ROWS, CLASSES = 24, 4500, 60
TOTAL = MEMBERS * ROWS * CLASSES * 4
"""Bytes of all predictions in float32."""

BASE = log_softmax(np.random.default_rng(0).normal(size=(ROWS, CLASSES)), axis=1).astype(np.float32)
LABELS = np.arange(ROWS) % CLASSES


def of_member(member: int) -> Any:
    """Log-probabilities of a member: those of the first, some rows later."""
    return np.roll(BASE, member, axis=0)


LOG_PROBS = np.stack(list(map(of_member, range(MEMBERS))))


def compressed(path: Path) -> None:
    np.savez_compressed(path, log_probs=LOG_PROBS, labels=LABELS)


def by_column(path: Path) -> None:
    np.savez(path, log_probs=np.asfortranarray(LOG_PROBS), labels=LABELS)


def compressed_by_column(path: Path) -> None:
    np.savez_compressed(path, log_probs=np.asfortranarray(LOG_PROBS), labels=LABELS)


def an_array_a_model(path: Path) -> None:
    np.savez(path, **{f"net{member:02}": each for member, each in enumerate(np.exp(LOG_PROBS))}, y=LABELS)


def rounded(path: Path) -> None:
    np.savez(path, probs=np.round(np.exp(LOG_PROBS), 3), labels=LABELS)


def some_rows_left_out(path: Path) -> None:
    probs = np.exp(LOG_PROBS)
    probs[:, 7] = np.nan
    np.savez(path, probs=probs, labels=LABELS)


def of_torch(path: Path) -> None:
    import torch

    with path.open("wb") as file:
        torch.save({"log_probs": torch.from_numpy(LOG_PROBS), "labels": torch.from_numpy(LABELS)}, file)


WRITTEN: dict[str, Callable[[Path], None]] = {
    "compressed.npz": compressed,
    "by_column.npz": by_column,
    "both.npz": compressed_by_column,
    "a_model_each.npz": an_array_a_model,
    "rounded.npz": rounded,
    "left_out.npz": some_rows_left_out,
    "tensors.pt": of_torch,
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name == "both.npz")) for name in WRITTEN]
)
def test_no_more_than_some_members_are_in_memory(tmp_path: Path, name: str) -> None:
    WRITTEN[name](tmp_path / name)
    tracemalloc.start()
    pool = collect([tmp_path / name], tmp_path / "pool").pool
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < TOTAL / 2, f"{peak / TOTAL:.2f} of all predictions"
    expected, kept = LOG_PROBS, np.arange(ROWS)
    if name == "rounded.npz":
        probs = np.round(np.exp(LOG_PROBS), 3)
        with np.errstate(divide="ignore"):
            expected = np.maximum(np.log(probs / probs.sum(axis=2, keepdims=True)), -1e4)
    if name == "left_out.npz":
        kept = np.delete(kept, 7)
    assert np.array_equal(pool.truth("val"), LABELS[kept])
    for member, of_one in zip(Pool.open(tmp_path / "pool").members(), expected, strict=True):
        np.testing.assert_allclose(member.predictions("val").main, of_one[kept], rtol=1e-4, atol=1e-5)
