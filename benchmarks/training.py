"""Sixteen members on digits: what a sweep chooses, and each of its ways, against a plain PyTorch loop one by one.

The yardstick is written as a user would: an optimizer, a scheduler, a loop over shuffled batches, with as many threads
as torch takes by default, and no evaluation, no file. Samples per second, medians over repeats in one run; a way's time
is that of the whole sweep, with the start of its processes, scores after every epoch, saved states and members.

    python -m benchmarks.training [--epochs 10] [--repeats 3] [--save FILE]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from functools import partial
from pathlib import Path

import torch
from benchmarks.measure import seconds, show

from lrensemble import models
from lrensemble.config import Experiment, to_record
from lrensemble.data import Dataset, load
from lrensemble.train import Planned, tune

MEMBERS, BATCH = 16, 64
WAYS = ("auto", "fused", "workers", "one-by-one")


def experiment_of(model: str, epochs: int) -> Experiment:
    """Sixteen one-cycle policies of rising peaks."""
    peaks = [round(0.01 * (place + 1), 2) for place in range(MEMBERS)]
    content = {
        "data": "digits",
        "model": model,
        "policy": [{"name": "one_cycle", "peak": peaks}],
        "train": {"epochs": epochs, "batch_size": BATCH},
    }
    return to_record(Experiment, content, "benchmark")


def plain_loop(dataset: Dataset, model: str, epochs: int) -> None:
    """As a user would write it, one member after another."""
    train = dataset.rows["train"]
    inputs, labels = dataset.batch(train)
    steps = len(train) // BATCH
    for member in range(MEMBERS):
        network = models.build(model, dataset.shape, len(dataset.classes), 0)
        peak = 0.01 * (member + 1)
        optimizer = torch.optim.SGD(network.parameters(), lr=peak, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps * epochs)
        network.train()
        for _ in range(epochs):
            order = torch.randperm(len(train))
            for start in range(0, steps * BATCH, BATCH):
                rows = order[start : start + BATCH]
                loss = torch.nn.functional.cross_entropy(network(inputs[rows]), labels[rows])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                scheduler.step()


def sweep(experiment: Experiment, way: str) -> None:
    """A whole sweep into an empty pool."""
    with tempfile.TemporaryDirectory() as folder:
        for _ in tune(experiment, Path(folder) / "pool", execution=way):
            pass


def chosen(experiment: Experiment) -> str:
    """What the rule chooses."""
    with tempfile.TemporaryDirectory() as folder:
        planned = next(tune(experiment, Path(folder) / "pool"))
    assert isinstance(planned, Planned)
    return planned.jobs[0].way


def measure(model: str, epochs: int, repeats: int) -> tuple[str, ...]:
    """One row: samples per second of the yardstick, of the choice, and of every way."""
    experiment = experiment_of(model, epochs)
    dataset = load(experiment.data, experiment.split)
    samples = MEMBERS * epochs * (len(dataset.rows["train"]) // BATCH) * BATCH
    times: dict[str, list[float]] = {way: [] for way in ("plain", *WAYS)}
    for _ in range(repeats):
        times["plain"].append(seconds(partial(plain_loop, dataset, model, epochs)))
        for way in WAYS:
            times[way].append(seconds(partial(sweep, experiment, way)))
    rate = {way: samples / statistics.median(found) for way, found in times.items()}
    best = max(rate[way] for way in WAYS[1:])
    return (
        f"{MEMBERS} x {model}, {epochs} epochs",
        f"{rate['plain']:,.0f}",
        chosen(experiment),
        *(f"{rate[way]:,.0f}" for way in WAYS),
        f"{rate['auto'] / rate['plain']:.2f}",
        f"{rate['auto'] / best:.2f}",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["mlp", "cnn", "resnet-20"])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    sweep(experiment_of("mlp", 1), "fused")  # what is imported late is imported now
    rows = [measure(model, asked.epochs, asked.repeats) for model in asked.models]
    headings = ("work", "plain loop", "chosen", *WAYS, "auto / plain", "auto / best way")
    show("Training: samples per second", headings, rows, asked.save)


if __name__ == "__main__":
    main()
