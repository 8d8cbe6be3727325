"""What judging a selector honestly costs beside the selection itself: seconds, and the peak of memory.

Cross-fitting chooses five teams, and scores each on rows that it was not chosen on; folds are counts of rows over the
same predictions, which are memory-mapped float16 and never copied. Every row of the table runs in a fresh process,
after one call on a small pool that compiles.

    python -m benchmarks.cross_fit [--members 64] [--rows 8000] [--classes 500] [--scratch FOLDER] [--save FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from benchmarks.measure import alone, seconds, show
from benchmarks.pools import streamed_pool, synthetic_pool

from lrensemble.select import Validation, cross_fit, select

METHOD = "greedy"
MOST = 1.5
"""Peak of memory of cross-fitting over that of the selection, at most."""

Work = Callable[[Validation, str], object]


def selection(validation: Validation, metric: str) -> object:
    """The selection alone."""
    return select(validation, METHOD, metric=metric)


def cross_fitting(validation: Validation, metric: str) -> object:
    """Five folds, divided once: no more for so many rows."""
    return cross_fit(validation, METHOD, metric=metric)


def measured(path: Path, shape: tuple[int, int, int], labels: Path, work: Work, metric: str) -> float:
    """Seconds of the work on the pool in a file."""
    work(synthetic_pool(4, 3, 0.8, rows=50), metric)
    log_probs = np.memmap(path, dtype=np.float16, mode="r", shape=shape)
    validation = Validation(log_probs, np.load(labels))
    return seconds(lambda: work(validation, metric))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=64)
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--classes", type=int, default=500)
    parser.add_argument("--metrics", nargs="+", default=["nll", "accuracy", "brier"])
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()), help="where the pool lies")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    shape = (asked.members, asked.rows, asked.classes)
    table = []
    with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
        path, labels = Path(folder) / "pool.f16", Path(folder) / "labels.npy"
        np.save(labels, streamed_pool(path, *shape, 0.7).truth)
        for metric in asked.metrics:
            alone_seconds, alone_peak = alone(partial(measured, path, shape, labels, selection, metric))
            table.append((metric, "selection", f"{alone_seconds:.2f} s", f"{alone_peak:,.0f}", "", ""))
            taken, peak = alone(partial(measured, path, shape, labels, cross_fitting, metric))
            times = f"{peak / alone_peak:.2f}"
            table.append((metric, "cross-fitting", f"{taken:.2f} s", f"{peak:,.0f}", times, f"{MOST}"))
    headings = ("metric", "work", "seconds", "peak MiB", "times", "wanted below")
    title = f"Cross-fitting {METHOD}: {shape[0]} members, {shape[1]:,} rows, {shape[2]} classes, float16"
    show(title, headings, table, asked.save)


if __name__ == "__main__":
    main()
