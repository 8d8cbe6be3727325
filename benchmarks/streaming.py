"""A pool larger than memory should be: what its files cost to read, to choose from with cross-fitting, and to judge.

The pool is made of random predictions on disk, in float16, as many rows to choose on as to judge on. Its files are read
once, plainly, before each of the others, so that all find the same pages of the system's cache. Each step runs in a
fresh process, whose peak of memory stands beside it; what the pool takes on disk beforehand and afterwards says that
nothing is copied.

    python -m benchmarks.streaming [--members 128] [--rows 10000] [--classes 1000] [--folder FOLDER] [--save FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measure import alone, seconds, show
from benchmarks.report import large_pool

from lrensemble.evaluate import choose, evaluate, load, save
from lrensemble.pool import Pool

READ_AT_ONCE = 2**22


def read(folder: Path) -> float:
    """Seconds of one plain read of all files."""
    buffer = bytearray(READ_AT_ONCE)

    def every_file() -> None:
        for path in folder.rglob("*.safetensors"):
            with path.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass

    return seconds(every_file)


def select(folder: Path) -> float:
    """Seconds of greedy search by NLL and its cross-fitting."""
    pool = Pool.open(folder)
    return seconds(lambda: save(pool, choose(pool, "greedy(size=25, bootstrap=0)")))


def judge(folder: Path) -> float:
    """Seconds of the evaluation of all members, the team and what is known of its doubt."""
    pool = Pool.open(folder)
    return seconds(lambda: evaluate(pool, load(pool)))


def size(folder: Path) -> int:
    """Bytes of a folder on disk."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=128)
    parser.add_argument("--rows", type=int, default=10_000, help="of each of the two splits")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="where the pool is made; some gigabytes")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    table = []
    with tempfile.TemporaryDirectory(dir=asked.folder) as scratch:
        folder = Path(scratch) / "pool"
        large_pool(folder, asked.members, asked.rows, asked.classes, precision="float16")
        for name, step in (("select, cross-fitted", select), ("evaluate", judge)):
            before, plain = size(folder), read(folder)
            took, peak = alone(partial(step, folder))
            grown = (size(folder) - before) / 2**20
            cells = (f"{before / 1e9:.2f}", f"{plain:.1f}", f"{took:.1f}", f"{took / plain:.1f}")
            table.append((name, *cells, f"{peak:,.0f}", f"{grown:.1f}"))
    headings = ("work", "pool, GB", "plain read, s", "seconds", "reads", "peak MiB", "MiB more on disk")
    title = f"A pool that is streamed: {asked.members} members, 2 x {asked.rows:,} rows, {asked.classes:,} classes"
    show(title, headings, table, asked.save)


if __name__ == "__main__":
    main()
