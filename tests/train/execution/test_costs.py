"""What a step costs in each way: the rule follows the network and the batch, the measurement the machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lrensemble.config import Experiment
from lrensemble.data import Dataset
from lrensemble.train import Planned, Run, tune
from lrensemble.train.execution import costs
from lrensemble.train.execution.costs import alone_apart, alone_here, largest_here, measured, ruled
from lrensemble.train.run.threads import threads
from lrensemble.train.sweep.setup import plan

MakeExperiment = Callable[..., Experiment]
Prepared = tuple[tuple[Run, ...], Dataset]


def prepared(experiment: Experiment, folder: Path) -> Prepared:
    planned = next(tune(experiment, folder))
    assert isinstance(planned, Planned)
    return planned.runs, plan(experiment, folder, [torch.device("cpu")]).dataset


def test_the_rule_by_hand(experiment: MakeExperiment, tmp_path: Path) -> None:
    runs, dataset = prepared(experiment(model="mlp(width=7, depth=1)"), tmp_path / "pool")
    operations = 2 * 100 * (64 * 7 + 7 * 10)  # a batch of 100; a product and a sum for each weight
    each = 2 * costs.LAYER_SECONDS_IN_GROUP + 3 * operations * costs.OPERATION_SECONDS
    alone = 2 * costs.LAYER_SECONDS + 3 * operations * costs.OPERATION_SECONDS
    found = ruled(runs, dataset)
    assert (found.here.size, found.apart.size) == (16, 16)
    assert found.here.seconds == pytest.approx(each)
    assert found.apart.seconds == pytest.approx(each)
    found = ruled(runs[:1], dataset)
    assert (found.here.size, found.apart.size) == (1, 1)
    assert found.here.seconds == pytest.approx(alone)


def test_more_threads_make_this_process_faster_and_a_worker_not(experiment: MakeExperiment, tmp_path: Path) -> None:
    runs, dataset = prepared(experiment(model="cnn(width=1024)"), tmp_path / "pool")
    with threads(2):
        found = ruled(runs, dataset)
    assert found.here.size == found.apart.size == 1, "such layers fill the device alone"
    assert found.here.seconds * 2**costs.GAIN_OF_THREADS == pytest.approx(found.apart.seconds)


def test_ways_that_are_asked_for_cost_nothing_and_the_others_too_much(
    experiment: MakeExperiment, tmp_path: Path
) -> None:
    runs, dataset = prepared(experiment(model="mlp(width=7)"), tmp_path / "pool")
    for way, size in ((alone_here, 1), (largest_here, 16)):
        found = way(runs, dataset)
        assert (found.here, found.apart.seconds) == ((0.0, size), math.inf)
    assert alone_apart(runs, dataset).apart == (0.0, 1)
    assert alone_apart(runs, dataset).here.seconds == math.inf
    assert largest_here(runs[:1], dataset).here.size == 1


def test_measuring_takes_no_rate_of_the_runs_and_leaves_nothing_behind(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wild = experiment(model="mlp(width=7)", policy=[f"constant(peak=1e{power})" for power in range(30, 36)])
    runs, dataset = prepared(wild, tmp_path / "pool")
    state = torch.get_rng_state()
    found = measured(runs, dataset)
    assert torch.equal(torch.get_rng_state(), state)
    for way in found:
        assert way.size in (1, 4, 6)
        assert 0 < way.seconds < 1

    def no_room(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(costs, "StackedTrainee", no_room)
    assert measured(runs, dataset).here.size == 1
