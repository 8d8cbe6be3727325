"""The page of a large pool: how long it takes to write, how large it is, and how much memory it needs.

The pool is made of random predictions on disk, in float16: members that agree with the labels on most rows.

    python -m benchmarks.report [--members 128] [--rows 50000] [--classes 200] [--folder FOLDER] [--save FILE]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from benchmarks.measure import alone, seconds, show

from lrensemble.evaluate import choose, evaluate, load, save
from lrensemble.pool import MemberRecord, Pool, Task
from lrensemble.pool.content import Precision
from lrensemble.report import write_report

LARGEST_PAGE = 15 * 2**20
LONGEST = 60.0


def large_pool(folder: Path, members: int, rows: int, classes: int, precision: Precision = "float16") -> Pool:
    """A pool on disk with one chosen team."""
    generator = np.random.default_rng(0)
    labels = {split: generator.integers(classes, size=rows) for split in ("val", "test")}
    names = tuple(f"class {number}" for number in range(classes))
    rows_of = {split: np.arange(rows) + place * rows for place, split in enumerate(labels)}
    pool = Pool.create(folder, Task.of("large", names, rows=rows_of, labels=labels), labels)
    for place in range(members):
        predictions = {split: _predictions(generator, own, classes) for split, own in labels.items()}
        record = MemberRecord(id=f"m{place:03}", order=place, name=f"member {place}")
        pool.add(record, predictions, precision=precision)
    save(pool, choose(pool, "greedy(size=10, bootstrap=0)"))
    return pool


def _predictions(generator: np.random.Generator, labels: np.ndarray, classes: int) -> np.ndarray:
    logits = generator.standard_normal((len(labels), classes), dtype=np.float32)
    logits[np.arange(len(labels)), labels] += 4
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits.astype(np.float16)


def write(folder: Path) -> tuple[float, float, float, float, int]:
    """Seconds of the evaluation and of the page, of each those of the processor after them; and the page's bytes."""
    pool = Pool.open(folder)
    results = []
    start = time.process_time()
    evaluating = seconds(lambda: results.append(evaluate(pool, load(pool))))
    between = time.process_time()
    path = folder / "report.html"
    writing = seconds(lambda: write_report(pool, results[0], path))
    return evaluating, between - start, writing, time.process_time() - between, path.stat().st_size


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=128)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--classes", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where the pool is made; some gigabytes")
    parser.add_argument("--pool", type=Path, help="a pool that was made earlier, in place of a new one")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        pool = asked.pool or large_pool(Path(folder) / "pool", asked.members, asked.rows, asked.classes).folder
        (*times, size), peak = alone(partial(write, pool))
        task, members = Pool.open(pool).task, len(Pool.open(pool).members())
    row = (
        f"{members} members, {task.splits['val'].size:,} rows, {len(task.classes)} classes",
        f"{os.getloadavg()[1]:.0f}",
        *(f"{each:.1f}" for each in times),
        f"{size / 2**20:.1f}",
        f"{peak:,.0f}",
        "yes" if size < LARGEST_PAGE and times[2] < LONGEST else "NO",
    )
    headings = (
        *("pool", "load of the machine", "evaluation, s", "of the CPU", "page, s", "of the CPU"),
        *("page, MiB", "peak memory, MiB", "below 15 MiB and a minute"),
    )
    show("The report of a large pool", headings, [row], asked.save)


if __name__ == "__main__":
    main()
