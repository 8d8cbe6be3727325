"""Sixteen members on digits: what a sweep chooses, and each of its ways, against a plain PyTorch loop one by one.

The yardstick is written as a user would: an optimizer, a scheduler, a loop over shuffled batches, with as many threads
as torch takes by default, and no evaluation, no file. Samples per second, medians over repeats in one run; a way's time
is that of the whole sweep, with the start of its processes, scores after every epoch, saved states and members.
TorchEnsemble's VotingClassifier, where torchensemble is installed, trains as many members for as many epochs under one
schedule. The last row is one network in our engine, without evaluation and files, against the plain loop.

    python -m benchmarks.training [mlp=100 cnn=150 resnet-20=10] [--repeats 3] [--save FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
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
from lrensemble.train.run.fit import fit
from lrensemble.train.run.single import SingleTrainee

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


def plain_loop(dataset: Dataset, model: str, epochs: int, members: int = MEMBERS) -> None:
    """As a user would write it, one member after another."""
    train = dataset.rows["train"]
    inputs, labels = dataset.batch(train)
    steps = len(train) // BATCH
    for member in range(members):
        network = models.build(model, dataset.shape, dataset.target.width, 0)
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


def voting(dataset: Dataset, model: str, epochs: int) -> None:
    """The same with TorchEnsemble; its one schedule, stepped after every epoch, is that of all members."""
    from torchensemble import VotingClassifier

    train = dataset.rows["train"]
    rows = torch.utils.data.TensorDataset(*dataset.batch(train))
    batches = torch.utils.data.DataLoader(rows, batch_size=BATCH, shuffle=True, drop_last=True)
    network = models.build(model, dataset.shape, dataset.target.width, 0)
    ensemble = VotingClassifier(estimator=network, n_estimators=MEMBERS, cuda=False, n_jobs=1)
    ensemble.set_optimizer("SGD", lr=0.05, momentum=0.9)
    ensemble.set_scheduler("CosineAnnealingLR", T_max=epochs + 1)
    with contextlib.redirect_stdout(None):
        ensemble.fit(batches, epochs=epochs, log_interval=10**9, test_loader=None, save_model=False)


def sweep(experiment: Experiment, execution: str) -> None:
    """A whole sweep into an empty pool."""
    with tempfile.TemporaryDirectory() as folder:
        for _ in tune(experiment, Path(folder) / "pool", execution=execution):
            pass


def jobs_by(experiment: Experiment, execution: str) -> list[tuple[str, list[tuple[str, int]]]]:
    """Executions and sizes of jobs, and of their parts."""
    with tempfile.TemporaryDirectory() as folder:
        planned = next(tune(experiment, Path(folder) / "pool", execution=execution))
    assert isinstance(planned, Planned)
    return [(job.execution, [(part.execution, len(part.runs)) for part in job.parts or (job,)]) for job in planned.jobs]


def measure(model: str, epochs: int, repeats: int) -> tuple[str, ...]:
    """One row: samples per second of the yardsticks, of the choice, and of every way."""
    experiment = experiment_of(model, epochs)
    dataset = load(experiment.data, experiment.split)
    samples = MEMBERS * epochs * (len(dataset.rows["train"]) // BATCH) * BATCH
    works = {"plain": partial(plain_loop, dataset, model, epochs)}
    if importlib.util.find_spec("torchensemble"):
        works["voting"] = partial(voting, dataset, model, epochs)
    works |= {way: partial(sweep, experiment, way) for way in WAYS}
    jobs = {way: jobs_by(experiment, way) for way in WAYS}
    times: dict[str, list[float]] = {way: [] for way in works}
    for way in WAYS[1:]:
        if jobs[way] == jobs["auto"]:
            times["auto"] = times[way]  # the same jobs: what is measured of one is measured of the other
    for _ in range(repeats):
        for way, work in works.items():
            times[way].append(seconds(work))
    rate = {way: samples / statistics.median(found) for way, found in times.items()}
    best = max(rate[way] for way in WAYS[1:])
    return (
        f"{MEMBERS} x {model}, {epochs} epochs",
        f"{rate['plain']:,.0f}",
        f"{rate['voting']:,.0f}" if "voting" in rate else "–",
        jobs["auto"][0][0],
        *(f"{rate[way]:,.0f}" for way in WAYS),
        f"{rate['auto'] / rate['plain']:.2f}",
        f"{rate['auto'] / rate['voting']:.2f}" if "voting" in rate else "–",
        f"{rate['auto'] / best:.2f}",
    )


def measure_engine(model: str, epochs: int, repeats: int) -> tuple[str, ...]:
    """One row: samples per second of one network, by hand and in our engine."""
    experiment = experiment_of(model, epochs)
    dataset = load(experiment.data, experiment.split)
    with tempfile.TemporaryDirectory() as folder:
        planned = next(tune(experiment, Path(folder) / "pool"))
    assert isinstance(planned, Planned)
    run = planned.runs[0]

    def ours() -> None:
        network = models.build(model, dataset.shape, dataset.target.width, 0)
        for _ in fit(SingleTrainee(network, dataset, run.recipe.train), run.policy):
            pass

    pairs = [(seconds(partial(plain_loop, dataset, model, epochs, members=1)), seconds(ours)) for _ in range(repeats)]
    plain, own = (run.policy.total * BATCH / statistics.median(times) for times in zip(*pairs, strict=True))
    empty = ("–",) * len(WAYS)
    return (f"1 x {model}, engine", f"{plain:,.0f}", "–", f"{own:,.0f}", *empty, f"{own / plain:.2f}", "–", "–")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="*", default=["mlp=100", "cnn=150", "resnet-20=10"], help="MODEL=EPOCHS")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    sweep(experiment_of("mlp", 1), "fused")  # what is imported late is imported now
    works = [work.partition("=")[::2] for work in asked.works]
    rows = [measure(model, int(epochs), asked.repeats) for model, epochs in works]
    rows.append(measure_engine("resnet-20", 5, asked.repeats))
    ratios = ("auto / plain", "auto / TorchEnsemble", "auto / best way")
    headings = ("work", "plain loop", "TorchEnsemble", "chosen", *WAYS, *ratios)
    show("Training: samples per second", headings, rows, asked.save)


if __name__ == "__main__":
    main()
