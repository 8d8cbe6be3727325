"""Rows of the benchmark: what training reaches on a device, each way against the other in the same process.

    python -m benchmarks.gpu.rows together|layouts|host|wide|graphs|compiled --data FOLDER --out FOLDER [--device cuda]

`together` sets sixteen and more small networks in one program against one by one; `layouts` the order of images in
memory; `host` waits for the device at every step and data in the memory of the host against what is done by default;
`wide` the operations of wrn-28-10 in bfloat16 against a large matrix product (a backward pass counts as two forward
passes); `graphs` a step as a CUDA graph; `compiled` the first and the fourth with `torch.compile`.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from benchmarks.gpu import results
from benchmarks.gpu.sizes import FULL, TINY, Sizes
from benchmarks.measure import machine

from lrensemble import models
from lrensemble.config import DataSettings, SplitSettings, TrainSettings
from lrensemble.data import Dataset, load
from lrensemble.models.arithmetic import cuda_arithmetic
from lrensemble.policies import build
from lrensemble.spec import Spec
from lrensemble.targets.heads import member_losses
from lrensemble.train.execution.devices import to_device
from lrensemble.train.run.arithmetic.flops import forward_flops
from lrensemble.train.run.fit import fit_members
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.loop import LARGEST_CHUNK, Trainee
from lrensemble.train.run.single import SingleTrainee

AT_ONCE = 10
"""Steps between two waits for the device."""
TOGETHER = "Many members in one program"
AUGMENT = ("crop(padding=4)", "flip")
Row = dict[str, object]


def settings(batch: int, precision: str, seed: int = 0, *, compile_it: bool = False) -> TrainSettings:
    """The recipe of a row: that of the shipped experiment on CIFAR-10."""
    own = {"batch_size": batch, "precision": precision, "seed": seed, "compile": compile_it}
    common = {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4, "augment": AUGMENT}
    return TrainSettings.model_validate(common | own)


def network(dataset: Dataset, model: str, seed: int = 0) -> torch.nn.Module:
    """A network on the device of the data."""
    return models.build(model, dataset.shape, dataset.target.width, seed).to(dataset.device)


def alone(dataset: Dataset, model: str, recipe: TrainSettings) -> SingleTrainee:
    """One network."""
    return SingleTrainee(network(dataset, model), dataset, recipe)


def group(dataset: Dataset, model: str, recipe: TrainSettings, members: int) -> StackedTrainee:
    """Several networks in one program, each with batches of its own."""
    recipes = [recipe.model_copy(update={"seed": seed}) for seed in range(members)]
    return StackedTrainee([network(dataset, model, seed) for seed in range(members)], dataset, recipes)


def steps_per_second(trainee: Trainee, members: int, seconds: float, chunk_steps: int = AT_ONCE) -> float:
    """Steps in a second, after a warm-up in which kernels are chosen or compiled."""
    chunks = fit_members(trainee, [build("constant(peak=0.01)", 10**6)] * members, chunk_steps=chunk_steps)
    for _ in range(max(2, AT_ONCE // chunk_steps)):
        next(chunks)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        steps += len(next(chunks).steps)  # its numbers have come from the device
    return steps / (time.perf_counter() - start)


def together(dataset: Dataset, sizes: Sizes, out: Path, *, compile_it: bool = False) -> None:
    """Groups in every precision, and a smaller group; one by one is measured once in each precision."""
    first, second = sizes.groups
    works = [(precision, first) for precision in ("bfloat16", "tf32", "float32")] + [("bfloat16", second)]
    rates: dict[str, float] = {}

    def row(precision: str, members: int) -> Row:
        recipe = settings(sizes.batch, precision, compile_it=compile_it)
        if precision not in rates:
            rates[precision] = sizes.batch * steps_per_second(alone(dataset, sizes.model, recipe), 1, sizes.seconds)
        rate = steps_per_second(group(dataset, sizes.model, recipe, members), members, sizes.seconds)
        many = members * sizes.batch * rate
        return {
            "one by one, samples/s": rates[precision],
            "one program, samples/s": many,
            "ratio": many / rates[precision],
        }

    for precision, members in works[-1:] if compile_it else works:
        what = {"members": members, "model": sizes.model, "batch": sizes.batch, "precision": precision}
        attempt(out, TOGETHER, what | {"compiled": compile_it}, partial(row, precision, members), dataset.device)


def layouts(dataset: Dataset, sizes: Sizes, out: Path) -> None:
    """The order of a group's images in memory."""
    members = sizes.groups[1]

    def row(precision: str) -> Row:
        rates = []
        for channels_last in (False, True):
            trainee = group(dataset, sizes.model, settings(sizes.batch, precision), members)
            trainee.model.channels_last = channels_last
            rates.append(members * sizes.batch * steps_per_second(trainee, members, sizes.seconds))
        usual, last = rates
        return {"usual order, samples/s": usual, "channels last, samples/s": last, "ratio": last / usual}

    for precision in ("bfloat16", "tf32", "float32"):
        what = {"members": members, "model": sizes.model, "batch": sizes.batch, "precision": precision}
        attempt(out, "Images in memory", what, partial(row, precision), dataset.device)


def host(here: Dataset, dataset: Dataset, sizes: Sizes, out: Path) -> None:
    """What it costs to wait for the device at every step, and to keep the images in the memory of the host."""
    recipe, members = settings(sizes.batch, "bfloat16"), sizes.groups[1]
    ways = {
        "data on the device, a look every 64 steps": (dataset, LARGEST_CHUNK),
        "data on the device, a look every step": (dataset, 1),
        "data on the host, a look every 64 steps": (
            replace(dataset, inputs=here.inputs, rows=here.rows),
            LARGEST_CHUNK,
        ),
    }

    def row(data: Dataset, chunk_steps: int) -> Row:
        one = steps_per_second(alone(data, sizes.model, recipe), 1, sizes.seconds, chunk_steps)
        many = steps_per_second(group(data, sizes.model, recipe, members), members, sizes.seconds, chunk_steps)
        return {
            "one, samples/s": sizes.batch * one,
            f"{members} in one program, samples/s": members * sizes.batch * many,
        }

    for what, (data, chunk_steps) in ways.items():
        attempt(out, "Waiting for one another", {"way": what}, partial(row, data, chunk_steps), dataset.device)


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


def wide(dataset: Dataset, sizes: Sizes, out: Path, *, compile_it: bool = False) -> None:
    """A wide network, and its share of the matrix rate."""

    def row() -> Row:
        trainee = alone(dataset, sizes.wide, settings(sizes.wide_batch, "bfloat16", compile_it=compile_it))
        inputs, _ = dataset.batch(dataset.rows["train"][: sizes.wide_batch])
        operations = 3 * forward_flops(network(dataset, sizes.wide), inputs)
        steps = steps_per_second(trainee, 1, sizes.seconds)
        best = matrix_rate(dataset.device, sizes.matrix)
        return {
            "samples/s": sizes.wide_batch * steps,
            "10^12 operations/s": operations * steps / 1e12,
            "matrix product": best / 1e12,
            "share, %": 100 * operations * steps / best,
        }

    what = {"model": sizes.wide, "batch": sizes.wide_batch, "precision": "bfloat16", "compiled": compile_it}
    attempt(out, "A wide network", what, row, dataset.device)


def graphs(dataset: Dataset, sizes: Sizes, out: Path) -> None:
    """A step on one batch as torch launches it, kernel by kernel, and as a CUDA graph; loading is left out of both."""

    def row(members: int) -> Row:
        trainee = group(dataset, sizes.model, settings(sizes.batch, "tf32"), members)
        inputs, truth, _ = trainee._loader.load_stacked(0)
        rates = torch.full((members, 1), 1e-3, device=dataset.device)

        def step() -> None:
            outputs = trainee.model.outputs(inputs, training=True, shared=False)
            losses = member_losses(trainee.head, outputs, truth)
            weights = trainee.model.weights
            gradient = weights.joined(torch.autograd.grad(losses.sum(), list(weights.trained.values())))
            trainee._optimizer.step(gradient, rates, 0)

        with cuda_arithmetic(dataset.device, tf32=True, trial=True):
            plain = calls_per_second(step, sizes.seconds, dataset.device)
            replayed = calls_per_second(captured(step), sizes.seconds, dataset.device)
        return {"launched, steps/s": plain, "graph, steps/s": replayed, "ratio": replayed / plain}

    for members in reversed(sizes.groups):
        what = {"members": members, "model": sizes.model, "batch": sizes.batch, "precision": "tf32"}
        attempt(out, "A step as a CUDA graph", what, partial(row, members), dataset.device)


def captured(step: Callable[[], None]) -> Callable[[], object]:
    """A step that has run before, as one graph.

    Raises:
        RuntimeError: there is no GPU of CUDA's.
    """
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def calls_per_second(call: Callable[[], object], seconds: float, device: torch.device) -> float:
    """Calls in a second, after some that do not count."""
    rounds, start = 0, 0.0
    while not start or time.perf_counter() - start < seconds:
        for _ in range(AT_ONCE):
            call()
        finish(device)
        rounds, start = (rounds + 1, start) if start else (0, time.perf_counter())
    return rounds * AT_ONCE / (time.perf_counter() - start)


def finish(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def attempt(out: Path, table: str, what: Row, row: Callable[[], Row], device: torch.device) -> None:
    """Write down a row, or why there is none; memory is free for the next."""
    try:
        found = row()
    except Exception as error:  # the others shall not be lost with it
        found = {"failed": " ".join(f"{type(error).__name__}: {error}".split())[:300]}
    if device.type == "cuda":
        found["peak, MiB"] = torch.cuda.max_memory_allocated(device) / 2**20
        torch.cuda.reset_peak_memory_stats(device)
    results.add_row(out, table, what | found)
    print(table, what, found, flush=True)
    gc.collect()
    torch.cuda.empty_cache()


def facts(device: torch.device) -> dict[str, object]:
    """Machine and versions, those of the GPU among them."""
    if device.type != "cuda":
        return {**machine(), "device": str(device)}
    own = torch.cuda.get_device_properties(device)
    gpu = {"device": own.name, "memory, MiB": own.total_memory // 2**20, "capability": f"{own.major}.{own.minor}"}
    libraries = {"CUDA": torch.version.cuda, "cuDNN": torch.backends.cudnn.version()}  # type: ignore[no-untyped-call]
    return {**machine(), **gpu, **libraries}


def parsed(description: str | None, steps: tuple[str, ...]) -> argparse.Namespace:
    """Arguments that rows and pool have in common."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=steps)
    parser.add_argument("--data", type=Path, required=steps != ("adapters",), help="folder of CIFAR-10")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--work", type=Path, help="folder of the pool")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=240.0, help="for the pool")
    parser.add_argument("--tiny", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Measure the rows of one step."""
    asked = parsed(__doc__, ("together", "layouts", "host", "wide", "graphs", "compiled"))
    device, sizes = to_device(asked.device), TINY if asked.tiny else FULL
    results.add(asked.out, "machine", {"facts": facts(device)})
    here = load(DataSettings(source=Spec("cifar10"), folder=asked.data), SplitSettings(val=0.1))
    dataset = here.to(device)
    if asked.step == "host":
        host(here, dataset, sizes, asked.out)
    elif asked.step == "compiled":
        together(dataset, sizes, asked.out, compile_it=True)
        wide(dataset, sizes, asked.out, compile_it=True)
    else:
        {"together": together, "layouts": layouts, "wide": wide, "graphs": graphs}[asked.step](
            dataset, sizes, asked.out
        )


if __name__ == "__main__":
    main()
