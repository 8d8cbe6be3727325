"""What a command costs on a small pool: processor seconds from start to end, of `lrensemble select` and of others.

Each is a process of its own. The first of each pool has no compiled kernel to read; those after it read what it left.

    python -m benchmarks.startup [--members 4 6 16 20] [--rows 400] [--repeats 5] [--save FILE]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import show
from benchmarks.report import large_pool

CLASSES = 10
COLD, WARM = 6.0, 1.5
"""Processor seconds of `select` at most, on the smallest pool."""

EXPERIMENT = """
data = "digits"
model = "mlp"
[[policy]]
name = "cosine"
peak = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3]
[train]
epochs = 2
batch_size = 64
"""


def processor_seconds(arguments: Sequence[str], kernels: Path) -> float:
    """Processor seconds of one command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "lrensemble", *arguments]
    subprocess.run(command, env=os.environ | {"NUMBA_CACHE_DIR": str(kernels)}, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def row(name: str, arguments: Callable[[int], Sequence[str]], kernels: Path, repeats: int) -> tuple[str, ...]:
    """Row of the table: a command the first time, and its median afterwards.

    Args:
        name: in the table.
        arguments: of the command, by the number of times that it has been run.
        kernels: folder of compiled kernels.
        repeats: warm runs.
    """
    cold = processor_seconds(arguments(0), kernels)
    warm = statistics.median(processor_seconds(arguments(1 + place), kernels) for place in range(repeats))
    return name, f"{cold:.2f}", f"{warm:.2f}", "yes" if cold > 2 * warm else "no", f"{os.getloadavg()[0]:.0f}"


def selections(members: int, rows: int, repeats: int) -> tuple[str, ...]:
    """Row of `select` on a pool of so many members and rows."""
    with tempfile.TemporaryDirectory() as folder:
        pool = Path(folder) / "pool"
        large_pool(pool, members, rows, CLASSES)
        name = f"`select`, {members} members, {rows} rows, {CLASSES} classes"
        return row(name, lambda _: ["select", str(pool)], Path(folder) / "kernels", repeats)


def commands(repeats: int) -> list[tuple[str, ...]]:
    """Rows of a whole run on digits, of one that finds all done, and of what is asked of its pool."""
    with tempfile.TemporaryDirectory() as folder:
        file, kernels = Path(folder) / "e.toml", Path(folder) / "kernels"
        file.write_text(EXPERIMENT, encoding="utf-8")

        def run(way: str) -> Callable[[int], Sequence[str]]:
            return lambda place: ["run", str(file), "--out", f"{folder}/{way}-{place}", "--execution", way]

        pool = f"{folder}/fused-0/pool"
        asked: dict[str, Callable[[int], Sequence[str]]] = {
            "`run`, 6 networks on digits, in one program": run("fused"),
            "`run`, 6 networks on digits, one by one": run("one-by-one"),
            "`run`, nothing left to train": lambda _: run("fused")(0),
            "`report`": lambda _: ["report", pool],
            "`status`": lambda _: ["status", pool],
            "`ls`": lambda _: ["ls", pool],
            "`--help`": lambda _: ["--help"],
        }
        return [row(name, arguments, kernels, repeats) for name, arguments in asked.items()]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[4, 6, 16, 20])
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5, help="warm runs")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    table = [*(selections(each, asked.rows, asked.repeats) for each in asked.members), *commands(asked.repeats)]
    headings = (
        "command",
        f"cold, s (wanted of select: {COLD:g})",
        f"warm, s (wanted of select: {WARM:g})",
        "kernels compiled",
        "load",
    )
    show("Processor seconds of commands on a small pool", headings, table, asked.save)


if __name__ == "__main__":
    main()
