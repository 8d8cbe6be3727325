"""What a command costs on a small pool: processor seconds of `lrensemble select`, from start to end.

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
from pathlib import Path

from benchmarks.measure import show
from benchmarks.report import large_pool

CLASSES = 10
COLD, WARM = 6.0, 1.5
"""Processor seconds at most, of the smallest pool."""


def processor_seconds(pool: Path, kernels: Path) -> float:
    """Of one command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "lrensemble", "select", str(pool)]
    subprocess.run(command, env=os.environ | {"NUMBA_CACHE_DIR": str(kernels)}, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[4, 6, 16, 20])
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5, help="warm runs")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    table = []
    for members in asked.members:
        with tempfile.TemporaryDirectory() as folder:
            pool, kernels = Path(folder) / "pool", Path(folder) / "kernels"
            large_pool(pool, members, asked.rows, CLASSES)
            cold = processor_seconds(pool, kernels)
            warm = statistics.median(processor_seconds(pool, kernels) for _ in range(asked.repeats))
        compiled = "yes" if cold > 2 * warm else "no"
        row = f"{members} members, {asked.rows} rows, {CLASSES} classes"
        table.append((row, f"{cold:.2f}", f"{warm:.2f}", compiled, f"{os.getloadavg()[0]:.0f}"))
    headings = ("pool", f"cold, s (wanted {COLD:g})", f"warm, s (wanted {WARM:g})", "kernels compiled", "load")
    show("Processor seconds of `lrensemble select`, all default methods", headings, table, asked.save)


if __name__ == "__main__":
    main()
