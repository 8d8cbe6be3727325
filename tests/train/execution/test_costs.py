"""Costs of a step: the rule follows the network and the batch, the measurement the machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lrensemble.config import Experiment
from lrensemble.data import Learnable
from lrensemble.train import Planned, Run, tune
from lrensemble.train.execution import costs
from lrensemble.train.execution.costs import (
    estimated_costs,
    force_fused,
    force_one_by_one,
    force_workers,
    measured_costs,
)
from lrensemble.train.run.arithmetic.numerics import threads
from lrensemble.train.sweep.setup import set_up

MakeExperiment = Callable[..., Experiment]
Prepared = tuple[tuple[Run, ...], Learnable]


def prepared(experiment: Experiment, folder: Path) -> Prepared:
    planned = next(tune(experiment, folder))
    assert isinstance(planned, Planned)
    return planned.runs, set_up(experiment, folder, [torch.device("cpu")]).dataset


def test_the_rule_by_hand(experiment: MakeExperiment, tmp_path: Path) -> None:
    runs, dataset = prepared(experiment(model="mlp(width=7, depth=1)"), tmp_path / "pool")
    flops = 2 * 100 * (64 * 7 + 7 * 10)  # a batch of 100; a product and a sum for each weight
    each = 2 * costs.FUSED_LAYER_SECONDS + 3 * flops * costs.SECONDS_PER_FLOP
    alone = 2 * costs.LAYER_SECONDS + 3 * flops * costs.SECONDS_PER_FLOP
    found = estimated_costs(runs, dataset)
    assert (found.in_process.group_size, found.in_worker.group_size) == (16, 16)
    assert found.in_process.seconds == pytest.approx(each)
    assert found.in_worker.seconds == pytest.approx(each)
    found = estimated_costs(runs[:1], dataset)
    assert (found.in_process.group_size, found.in_worker.group_size) == (1, 1)
    assert found.in_process.seconds == pytest.approx(alone)


def test_adapters_on_a_gpu_are_one_program_however_large_the_base_by_hand() -> None:
    """A Llama of hidden 2048 and 16 blocks at 8 sequences of 256 tokens, where an H200 gained 3.3 times."""
    weights = 16 * (4 * 2048 * 2048 + 3 * 2048 * 5632) + 2048 * 32000
    matrices = 16 * 7 * 3 + 2  # of the base, A and B; the embedding and the last
    large, small = 2 * 8 * 256 * weights / matrices, 2 * 256 * weights / matrices
    assert large == pytest.approx(10.75e9, rel=1e-2)
    assert small == pytest.approx(1.34e9, rel=1e-2)
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert costs.gains_together(large, gpu, adapters=True)
    assert costs.gains_together(small, gpu, adapters=True)
    assert not costs.gains_together(large, gpu, adapters=False)
    assert costs.gains_together(small, gpu, adapters=False)
    assert not costs.gains_together(small, cpu, adapters=True), "one step of it fills a CPU"
    assert costs.gains_together(39e6, cpu, adapters=True)
    assert not costs.gains_together(41e6, cpu, adapters=False)


def test_more_threads_make_this_process_faster_and_a_worker_not(experiment: MakeExperiment, tmp_path: Path) -> None:
    runs, dataset = prepared(experiment(model="cnn(width=1024)"), tmp_path / "pool")
    with threads(2):
        found = estimated_costs(runs, dataset)
    assert found.in_process.group_size == found.in_worker.group_size == 1, "such layers fill the device alone"
    assert found.in_process.seconds * 2**costs.THREAD_SCALING_EXPONENT == pytest.approx(found.in_worker.seconds)


def test_an_execution_that_is_forced_costs_nothing_and_the_others_too_much(
    experiment: MakeExperiment, tmp_path: Path
) -> None:
    runs, dataset = prepared(experiment(model="mlp(width=7)"), tmp_path / "pool")
    for force, size in ((force_one_by_one, 1), (force_fused, 16)):
        found = force(runs, dataset)
        assert (found.in_process, found.in_worker.seconds) == ((0.0, size), math.inf)
    assert force_workers(runs, dataset).in_worker == (0.0, 1)
    assert force_workers(runs, dataset).in_process.seconds == math.inf
    assert force_fused(runs[:1], dataset).in_process.group_size == 1


def test_measuring_takes_no_rate_of_the_runs_and_leaves_nothing_behind(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wild = experiment(model="mlp(width=7)", policy=[f"constant(peak=1e{power})" for power in range(30, 36)])
    runs, dataset = prepared(wild, tmp_path / "pool")
    state = torch.get_rng_state()
    found = measured_costs(runs, dataset)
    assert torch.equal(torch.get_rng_state(), state)
    for cost in found:
        assert cost.group_size in (1, 4, 6)
        assert 0 < cost.seconds < 1

    def out_of_memory(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(costs, "together", out_of_memory)
    assert measured_costs(runs, dataset).in_process.group_size == 1
