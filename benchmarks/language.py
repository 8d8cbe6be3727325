"""Adapters of a small language model: a step of all in one program against a step of each, one by one.

The base is a Llama of random weights of the size that `lrensemble pretrain` makes. Both ways take the same steps on the
same sequences in turn, with optimizer and clipping; medians over repeats. Seconds are those of the CPU, on one thread,
so that what else the machine does counts for neither.

    python -m benchmarks.language [4x8x96 8x4x96 8x1x48 16x2x64] [--repeats 7] [--save FILE]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from benchmarks.llama import Llama, adapter, adapters, random_llama, random_sequences
from benchmarks.measure import show

from lrensemble.config import TrainSettings
from lrensemble.train.execution.memory import kept_memory
from lrensemble.train.run.fused.sequences import StackedSequenceTrainee
from lrensemble.train.run.loop import Trainee
from lrensemble.train.run.sequences import SequenceTrainee

SMALL = Llama(192, 512, 4, 4, 2048)
RANK = 8
CPU = torch.device("cpu")


def cpu_seconds(action: Callable[[], object]) -> float:
    """Seconds of the processor that a call takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


def measure(work: tuple[int, ...], repeats: int) -> tuple[str, ...]:
    """One row: milliseconds of a step of all members in both ways, and the ratio."""
    members, batch, length = work
    base = random_llama(SMALL, CPU)
    data = random_sequences(SMALL, 16 * batch, length, CPU)
    recipes = [
        TrainSettings.model_validate({"batch_size": batch, "seed": seed, "optimizer": "adamw", "clip_norm": 1.0})
        for seed in range(members)
    ]
    group = StackedSequenceTrainee(adapters(base, RANK, members), data, recipes)
    alone = [SequenceTrainee(adapter(base, RANK, seed), data, recipe) for seed, recipe in enumerate(recipes)]
    rates = [1e-4] * members

    def one_by_one(step: int) -> list[float]:
        return [float(trainee.step(step, rates[:1])[0]) for trainee in alone]

    def fused(step: int, trainee: Trainee = group) -> list[float]:
        return trainee.step(step, rates)[0].tolist()

    apart = max(abs(first - second) for first, second in zip(fused(0), one_by_one(0), strict=True))
    pairs = [
        (cpu_seconds(partial(one_by_one, step)), cpu_seconds(partial(fused, step))) for step in range(1, repeats + 1)
    ]
    single, many = (1000 * statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(first / second for first, second in pairs)
    shape = (str(members), str(batch), str(length))
    return *shape, f"{single:,.0f}", f"{many:,.0f}", f"{ratio:.2f}", f"{apart:.0e}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = ["4x8x96", "8x4x96", "8x1x48", "16x2x64", "16x4x24"]
    parser.add_argument("works", nargs="*", default=default, help="MEMBERSxBATCHxLENGTH")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with kept_memory():  # as sweeps train
        rows = [measure(tuple(map(int, work.split("x"))), asked.repeats) for work in asked.works]
    headings = ("members", "batch", "length", "one by one, ms", "one program, ms", "ratio", "losses differ by")
    title = f"Adapters of rank {RANK} on {SMALL.name}: a step of all members"
    show(title, headings, rows, asked.save)


if __name__ == "__main__":
    main()
