"""Frames and columns of polars are read as those of pandas are, as predictions and as data."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax
from tests.members import stacked

from lrensemble.front.arrays import as_source, holds_arrays
from lrensemble.front.numbers import as_array
from lrensemble.pool.collect import collect

pl = pytest.importorskip("polars")
pytest.importorskip("pyarrow")

ROWS, CLASSES = 30, ("ant", "bee", "cow")
GENERATOR = np.random.default_rng(9)
TRUTH = np.arange(ROWS) % len(CLASSES)
PROBS = softmax(GENERATOR.normal(size=(2, ROWS, len(CLASSES))) + 2 * np.eye(len(CLASSES))[TRUTH], axis=2)


@pytest.mark.parametrize("kind", ["String", "Categorical", "Enum"])
def test_frames_of_predictions(tmp_path: Path, kind: str) -> None:
    said = pl.Enum(CLASSES) if kind == "Enum" else getattr(pl, kind)
    frames = {
        name: pl.DataFrame({"id": np.arange(ROWS), "target": [CLASSES[k] for k in TRUTH]})
        .with_columns(pl.col("target").cast(said), *(pl.Series(c, PROBS[m, :, k]) for k, c in enumerate(CLASSES)))
        .sample(fraction=1, shuffle=True, seed=m)
        for m, name in enumerate(("net", "lgb"))
    }
    pool = collect(frames, tmp_path / "pool").pool
    assert pool.task.target.names == CLASSES
    rows = list(map(int, pool.ids("val") or ()))
    np.testing.assert_allclose(np.exp(stacked(pool, "val")), PROBS[:, rows], rtol=1e-5)
    np.testing.assert_array_equal(pool.truth("val"), TRUTH[rows])


def test_long_frames_lists_in_cells_and_a_truth_beside(tmp_path: Path) -> None:
    probs = pl.Series("probs", PROBS.reshape(-1, len(CLASSES)).tolist())
    long = pl.DataFrame({"model": ["net"] * ROWS + ["lgb"] * ROWS}).with_columns(probs)
    pool = collect(long, tmp_path / "pool", truth=pl.Series("y", TRUTH), id=pl.Series([*range(ROWS)])).pool
    np.testing.assert_allclose(np.exp(stacked(pool, "val")), PROBS, rtol=1e-5)


def test_missing_cells_are_rows_that_nobody_predicted(tmp_path: Path) -> None:
    frame = pl.DataFrame({"y": TRUTH, **{f"p{k}": PROBS[0][:, k] for k in range(len(CLASSES))}})
    first = pl.int_range(ROWS) == 0
    frame = frame.with_columns(pl.when(first).then(None).otherwise(pl.col(f"p{k}")).alias(f"p{k}") for k in range(3))
    found = collect(frame, tmp_path / "pool")
    assert found.pool.task.splits["val"].size == ROWS - 1
    assert "left out 1 of 30 rows that nobody predicted" in " ".join(found.reading)


def test_data_to_learn() -> None:
    inputs = GENERATOR.normal(size=(ROWS, 4)).astype(np.float32)
    frame = pl.DataFrame({f"x{k}": inputs[:, k] for k in range(4)})
    assert holds_arrays({"x": frame, "y": pl.Series(TRUTH)})
    np.testing.assert_array_equal(as_array(frame), inputs)
    one = as_source((frame.with_columns(pl.Series("y", TRUTH)), "y"))
    assert one == as_source({"x": inputs, "y": TRUTH}), "a frame is the arrays that it holds"
