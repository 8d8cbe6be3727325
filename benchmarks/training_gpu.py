"""On a GPU: sixteen small networks on CIFAR-10 in one program against one by one, and a WRN-28-10 against the hardware.

The first table trains for some hundred steps each way, after some that do not count; the second compares the operations
of wrn-28-10 in bfloat16 with what a large matrix product reaches on the same device in the same run. A backward pass is
counted as two forward passes.

    python -m benchmarks.training_gpu --data FOLDER [--device cuda] [--steps 200] [--save FILE]

`--device cpu --steps 2 --members 2 --model resnet-9(width=4) --wide wrn-10-1 --batch 8` shows that it runs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

import torch
from benchmarks.measure import show

from lrensemble import models
from lrensemble.config import DataSettings, SplitSettings, TrainSettings
from lrensemble.data import Dataset, load
from lrensemble.policies import build
from lrensemble.spec import Spec
from lrensemble.train.execution.devices import to_device
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.loop import fit, fit_members
from lrensemble.train.run.single import SingleTrainee
from lrensemble.train.run.threads import forward_flops

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

MATRIX = 8192
AT_ONCE = 10
"""Steps between two waits for the device."""


def finish(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def step_seconds(run: Callable[[], Iterator[object]], told: int, steps: int, device: torch.device) -> float:
    """Seconds of a step, after as many that do not count; `told` messages come for each `AT_ONCE` steps."""
    messages = run()
    rounds = max(1, steps // AT_ONCE)
    for _ in islice(messages, rounds * told):
        pass
    finish(device)
    start = time.perf_counter()
    for _ in islice(messages, rounds * told):
        pass
    finish(device)
    return (time.perf_counter() - start) / (rounds * AT_ONCE)


def together(
    dataset: Dataset, model: str, members: int, batch: int, steps: int, precision: Precision, compile_it: bool
) -> tuple[str, ...]:
    """One row: samples per second of all members, one by one and in one program, both compiled or neither."""
    total = 4 * steps + 4 * AT_ONCE
    recipe = TrainSettings(batch_size=batch, seed=0, precision=precision, compile=compile_it)
    settings = [recipe for _ in range(members)]
    policies = [build(f"one_cycle(peak={0.02 * (place + 1)})", total) for place in range(members)]

    def network() -> torch.nn.Module:
        return models.build(model, dataset.shape, dataset.target.width, 0).to(dataset.device)

    def alone() -> Iterator[object]:
        return fit(SingleTrainee(network(), dataset, settings[0]), policies[0], chunk_steps=AT_ONCE)

    def fused() -> Iterator[object]:
        stacked = StackedTrainee([network() for _ in range(members)], dataset, settings)
        return fit_members(stacked, policies, chunk_steps=AT_ONCE)

    one = batch / step_seconds(alone, AT_ONCE, steps, dataset.device)
    many = members * batch / step_seconds(fused, 1, steps, dataset.device)
    what = f"{members} x {model}, batch {batch}, {precision}{', compiled' if compile_it else ''}"
    return (what, f"{one:,.0f}", f"{many:,.0f}", f"{many / one:.2f}")


def matrix_rate(device: torch.device, size: int) -> float:
    """Operations per second of a bfloat16 matrix product."""
    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    times = []
    for _ in range(10):
        finish(device)
        start = time.perf_counter()
        one @ other
        finish(device)
        times.append(time.perf_counter() - start)
    return 2 * size**3 / statistics.median(times)


def wide(dataset: Dataset, model: str, batch: int, steps: int, compile_it: bool, size: int) -> tuple[str, ...]:
    """One row: operations per second of a wide network, and their share of the matrix rate."""
    settings = TrainSettings(batch_size=batch, precision="bfloat16", compile=compile_it)
    policy = build("one_cycle(peak=0.1)", 4 * steps + 4 * AT_ONCE)
    network = models.build(model, dataset.shape, dataset.target.width, 0).to(dataset.device)
    inputs, _ = dataset.batch(dataset.rows["train"][:batch])
    operations = 3 * forward_flops(network, inputs)

    def run() -> Iterator[object]:
        return fit(SingleTrainee(network, dataset, settings), policy, chunk_steps=AT_ONCE)

    seconds = step_seconds(run, AT_ONCE, steps, dataset.device)
    rate, best = operations / seconds, matrix_rate(dataset.device, size)
    what = f"{model}, batch {batch}, bfloat16{', compiled' if compile_it else ''}"
    told = (f"{batch / seconds:,.0f}", f"{rate / 1e12:.2f}", f"{best / 1e12:.2f}", f"{100 * rate / best:.0f}")
    return (what, *told)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of CIFAR-10")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--model", default="resnet-20")
    parser.add_argument("--wide", default="wrn-28-10")
    parser.add_argument(
        "--batch", type=int, default=512, help="of the wide network; a quarter of it for the small ones"
    )
    parser.add_argument("--matrix", type=int, default=MATRIX)
    parser.add_argument("--save", type=Path, help="write the tables here as well; two files")
    asked = parser.parse_args()
    device = to_device(asked.device)
    dataset = load(DataSettings(source=Spec("cifar10"), folder=asked.data), SplitSettings()).to(device)
    small = max(1, asked.batch // 4)
    sizes = (asked.members, small, asked.steps)
    rows = [together(dataset, asked.model, *sizes, each, how) for each in PRECISIONS for how in (False, True)]
    headings = ("work", "one by one, samples/s", "one program, samples/s", "ratio")
    show(f"Many members on {device}", headings, rows, asked.save)
    shares = [wide(dataset, asked.wide, asked.batch, asked.steps, each, asked.matrix) for each in (False, True)]
    columns = ("work", "samples/s", "10^12 operations/s", "matrix product", "share, %")
    place = asked.save and asked.save.with_name(f"{asked.save.stem}-wide{asked.save.suffix}")
    show(f"A wide network on {device}", columns, shares, place)


if __name__ == "__main__":
    main()
