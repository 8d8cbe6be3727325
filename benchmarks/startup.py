"""What a command costs on a small pool: processor seconds from start to end, and memory, of `select` and of others.

`serve` is told to stop as soon as it answers. Each is a process of its own. The first of each pool has no compiled
kernel to read; those after it read what it left.

    python -m benchmarks.startup [--members 4 6 16 20] [--rows 400] [--repeats 5] [--save FILE]
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
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


class Cost(NamedTuple):
    """What a process took."""

    seconds: float
    """Seconds of the processor."""
    memory: float
    """Largest resident set, MiB."""


def cost_of(arguments: Sequence[str], kernels: Path) -> Cost:
    """What one command takes; one that serves is told to stop once it has said where it answers."""
    command = [sys.executable, "-m", "lrensemble", *arguments]
    with subprocess.Popen(
        command,
        env=os.environ | {"NUMBA_CACHE_DIR": str(kernels)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        if "serve" in arguments:
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
        process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 2**10)


def row(name: str, arguments: Callable[[int], Sequence[str]], kernels: Path, repeats: int) -> tuple[str, ...]:
    """Row of the table: a command the first time, and its median afterwards.

    Args:
        name: in the table.
        arguments: of the command, by the number of times that it has been run.
        kernels: folder of compiled kernels.
        repeats: warm runs.
    """
    cold = cost_of(arguments(0), kernels).seconds
    found = [cost_of(arguments(1 + place), kernels) for place in range(repeats)]
    warm, memory = (statistics.median(each) for each in zip(*found, strict=True))
    compiled = "yes" if cold > 2 * warm else "no"
    return name, f"{cold:.2f}", f"{warm:.2f}", f"{memory:.0f}", compiled, f"{os.getloadavg()[0]:.0f}"


def of_predictions(verb: str, members: int, rows: int, repeats: int) -> tuple[str, ...]:
    """Row of a verb on a pool of predictions alone, of so many members and rows."""
    with tempfile.TemporaryDirectory() as folder:
        pool = Path(folder) / "pool"
        large_pool(pool, members, rows, CLASSES)
        name = f"`{verb}`, {members} members, {rows} rows, {CLASSES} classes"
        return row(name, lambda _: [verb, str(pool)], Path(folder) / "kernels", repeats)


def ensembles(pool: str, folder: Path, kernels: Path, repeats: int) -> list[tuple[str, ...]]:
    """Rows of what serves and predicts: the folder of the pool's team, and its ONNX file."""
    bundle, file, digits = (str(folder / name) for name in ("ensemble", "ensemble.onnx", "digits.npz"))
    np.savez(digits, x=np.zeros((8, 1, 8, 8), dtype=np.uint8))
    cost_of(["export", pool, "--out", bundle], kernels)
    cost_of(["export", pool, "--format", "onnx", "--out", file], kernels)
    asked: dict[str, Callable[[int], Sequence[str]]] = {
        "`serve`, until it answers, a folder": lambda _: ["serve", bundle, "--port", "0", "--json"],
        "`serve`, until it answers, an ONNX file": lambda _: ["serve", file, "--port", "0", "--json"],
        "`predict`, 8 rows, a folder": lambda _: ["predict", bundle, digits],
        "`predict`, 8 rows, an ONNX file": lambda _: ["predict", file, digits],
    }
    return [row(name, arguments, kernels, repeats) for name, arguments in asked.items()]


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
        found = [row(name, arguments, kernels, repeats) for name, arguments in asked.items()]
        return [*found, *ensembles(pool, Path(folder), kernels, repeats)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[4, 6, 16, 20])
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5, help="warm runs")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    table = [
        *(of_predictions("select", each, asked.rows, asked.repeats) for each in asked.members),
        of_predictions("report", min(asked.members), asked.rows, asked.repeats),
        *commands(asked.repeats),
    ]
    headings = (
        "command",
        f"cold, s (wanted of select: {COLD:g})",
        f"warm, s (wanted of select: {WARM:g})",
        "memory, MiB",
        "kernels compiled",
        "load",
    )
    show("Processor seconds and memory of commands on a small pool", headings, table, asked.save)


if __name__ == "__main__":
    main()
