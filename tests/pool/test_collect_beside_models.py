"""Predictions are collected into a pool of models that were adopted, and models adopted into one of predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adopt.linear import X_TEST, Y_TEST, X, Y, build, network, rows

import lrensemble
from lrensemble.errors import PoolError
from lrensemble.pool import Task
from lrensemble.pool.task import fingerprint

SAID = np.eye(3)[Y] * 0.7 + 0.1


def predictions(folder: Path, **changes: Any) -> Path:
    arrays = {"probs": SAID, "labels": Y, "test_probs": SAID[[4, 0, 1]], "test_labels": Y_TEST, **changes}
    np.savez(folder / "said.npz", **arrays)
    return folder / "said.npz"


@pytest.mark.parametrize("first", ["adopt", "collect"])
def test_both_in_one_pool(first: str, tmp_path: Path) -> None:
    ways: dict[str, Callable[[], object]] = {
        "adopt": lambda: lrensemble.adopt(tmp_path / "pool", network(), data=rows(), builder=build),
        "collect": lambda: lrensemble.collect(predictions(tmp_path), tmp_path / "pool"),
    }
    for name in sorted(ways, reverse=first == "collect"):
        ways[name]()
    pool = lrensemble.Pool.open(tmp_path / "pool")
    assert {member.name for member in pool.members()} == {"Sequential", "said"}
    lrensemble.select(pool, "all")
    assert lrensemble.evaluate(pool).teams


def test_a_pool_that_counts_each_split_from_zero_takes_both(tmp_path: Path) -> None:
    """As `adopt` made them before."""
    path, labels = predictions(tmp_path), {"val": Y, "test": Y_TEST}
    task = lrensemble.collect(path, tmp_path / "new").pool.task
    old = Task.of(
        "old", task.target, rows={split: np.arange(len(each)) for split, each in labels.items()}, labels=labels
    )
    assert old.splits["test"].rows != task.splits["test"].rows == fingerprint(np.arange(5, 8))
    lrensemble.Pool.create(tmp_path / "old", old, labels)
    lrensemble.collect(path, tmp_path / "old")
    lrensemble.adopt(tmp_path / "old", network(), data=rows(), builder=build)
    assert len(lrensemble.Pool.open(tmp_path / "old")) == 2


def test_other_rows_are_refused(tmp_path: Path) -> None:
    lrensemble.adopt(tmp_path / "pool", network(), data=rows(), builder=build)
    with pytest.raises(PoolError, match="other test labels"):
        lrensemble.collect(predictions(tmp_path, test_labels=Y_TEST[::-1]), tmp_path / "pool")


def test_other_inputs_of_the_same_rows_are_told_and_not_shipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pool = tmp_path / "pool"
    lrensemble.adopt(pool, network(), data=rows(), builder=build)
    lrensemble.adopt(pool, network(2.0), data=rows(x_val=X.astype(np.float32)), builder=build, name="same")
    assert "other inputs" not in caplog.text
    changed = rows(x_val=X * 10 + 1, x_test=X_TEST * 10 + 1)
    lrensemble.adopt(pool, network(0.5), data=changed, builder=build, name="scaled")
    assert "the data have other inputs than Sequential predicted" in caplog.text
    lrensemble.select(pool, "all")
    with pytest.raises(lrensemble.LREnsembleError, match="members Sequential and scaled predicted other inputs"):
        lrensemble.export(pool, tmp_path / "team")
