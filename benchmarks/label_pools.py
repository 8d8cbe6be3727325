"""Members that say labels alone of many classes: what every command costs, and what the pool takes on disk.

The commands are those of the command line, each a process of its own: seconds from its start to its end, and the peak
of its memory. The pool is to stay within twice what the labels take in the type that they are written in.

    python -m benchmarks.label_pools [--members 67] [--rows 10000] [--classes 1000] [--folder FOLDER] [--save FILE]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.measure import show
from benchmarks.pools import SEED
from benchmarks.streaming import size

METHODS = ("greedy", "best", "top_k(k=5)", "all", "brute_force(max_size=3)")
SIZES = {"members": 67, "rows": 10_000, "classes": 1000}
"""Rows are those of each of the two splits."""


def write_labels(path: Path, members: int, rows: int, classes: int) -> int:
    """A file of labels of as many rows to choose on as to judge on; the bytes of the labels in it.

    Members are right on 70 to 80 % of the rows, and on the others most say what many say.
    """
    generator = np.random.default_rng(SEED)
    arrays: dict[str, Any] = {}
    for prefix in ("", "test_"):
        truth = generator.integers(classes, size=rows)
        common = generator.integers(classes, size=rows)
        own = np.where(
            generator.random((members, rows)) < 0.6, common, generator.integers(classes, size=(members, rows))
        )
        right = generator.random((members, rows)) < generator.uniform(0.7, 0.8, size=(members, 1))
        arrays[f"{prefix}top1"] = np.where(right, truth, own).astype(np.uint16)
        arrays[f"{prefix}labels"] = truth.astype(np.uint16)
    np.savez(path, **arrays)
    return sum(array.nbytes for array in arrays.values())


def watched(*words: str) -> tuple[float, float, float]:
    """Seconds, seconds of all cores, and the peak of memory in MiB of a command that must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "lrensemble", *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(words)} ended with status {os.waitstatus_to_exitcode(status)}")
    return took, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**10


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    for name in ("folder", "save"):
        parser.add_argument(f"--{name}", type=Path)
    asked, table = parser.parse_args(), []
    with tempfile.TemporaryDirectory(dir=asked.folder) as scratch:
        file, pool = Path(scratch) / "labels.npz", Path(scratch) / "pool"
        labels = write_labels(file, asked.members, asked.rows, asked.classes)
        commands: dict[str, tuple[str, ...]] = {"collect": ("collect", str(file), "--out", str(pool))}
        commands |= {f"select {each}": ("select", str(pool), "--method", each) for each in METHODS}
        commands |= {"evaluate": ("evaluate", str(pool)), "report": ("report", str(pool))}
        for name, words in commands.items():
            took, cores, peak = watched(*words)
            on_disk = f"{size(pool) / labels:.2f}" if name == "collect" else "–"
            table.append((name, f"{took:.1f}", f"{cores:.1f}", f"{peak:,.0f}", on_disk))
    headings = ("command", "seconds", "CPU seconds", "peak MiB", "pool on disk / labels")
    title = f"Labels alone: {asked.members} members, 2 x {asked.rows:,} rows, {asked.classes:,} classes"
    show(title, headings, table, asked.save)


if __name__ == "__main__":
    main()
