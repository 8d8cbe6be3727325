"""How many runs are trained together: what fits, what can be stacked, what is of use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from lrensemble.config import Experiment
from lrensemble.targets.heads import ClassHead
from lrensemble.train import Planned, tune
from lrensemble.train.execution import grouping
from lrensemble.train.execution.grouping import (
    first_batch,
    largest_group_size,
    member_bytes,
    memory_for_groups,
)
from lrensemble.train.run.single import initial_network
from lrensemble.train.sweep.setup import set_up

MakeExperiment = Callable[..., Experiment]
CPU = torch.device("cpu")


def test_the_bytes_of_a_member_are_those_of_its_weights_its_batch_and_its_activations() -> None:
    network = nn.Sequential(nn.Linear(3, 5, bias=False), nn.ReLU(), nn.Linear(5, 2, bias=False))
    inputs, labels = torch.randn(7, 3), torch.zeros(7, dtype=torch.int64)
    weights, batch = 4 * (15 + 10), 4 * 21
    # Kept: the inputs, what the ReLU gives (for itself and the second layer), log-softmax's output, and the labels,
    # with one number, the total weight, of the loss.
    kept = 4 * 21 + 4 * 35 + 4 * 14 + 8 * 7 + 4
    assert member_bytes(network, ClassHead(2), inputs, labels) == 5 * weights + batch + 2 * kept


def test_what_does_not_fit_is_not_put_together(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = [f"constant(peak={peak})" for peak in (0.01, 0.02, 0.03, 0.04, 0.05)]
    linear = experiment(model="mlp(width=7)", policy=policies)
    planned = next(tune(linear, tmp_path / "pool"))
    assert isinstance(planned, Planned)
    runs, dataset = planned.runs, set_up(linear, tmp_path / "pool", [torch.device("cpu")]).dataset
    assert largest_group_size(runs, dataset) == grouping.MAX_GROUP_SIZE_ON_CPU
    one = member_bytes(initial_network(runs[0].recipe, dataset), dataset.head(None), *first_batch(runs[0], dataset))
    monkeypatch.setattr(grouping, "memory_for_groups", lambda _: 6 * one)
    assert largest_group_size(runs, dataset) == 3, "half of the memory"
    monkeypatch.setattr(grouping, "memory_for_groups", lambda _: one)
    assert largest_group_size(runs, dataset) == 1


def test_the_memory_of_this_machine() -> None:
    assert memory_for_groups(CPU) > 256 * 1024**2
