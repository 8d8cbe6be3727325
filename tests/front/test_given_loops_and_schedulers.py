"""Schedulers as policies, and loops as functions, in an experiment that is a table."""

import functools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, SequentialLR, StepLR

import lrensemble
from lrensemble.config import Recipe
from lrensemble.data import Dataset
from lrensemble.errors import ConfigError, SpecError
from lrensemble.front.objects import as_policy, as_train_function
from lrensemble.policies import build
from lrensemble.train import initial_network

TOTAL = 7


class Seen:
    """Number of runs; a list or a number would be a value that the loop uses, and part of its name."""

    runs = 0


def scheduler(gamma: float = 0.5, size: int = 3, rate: float = 0.2) -> StepLR:
    return StepLR(torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=rate), size, gamma)


def test_a_scheduler_stands_for_its_rates_from_where_it_is() -> None:
    given = scheduler()
    spec = as_policy(given)
    assert build(spec, TOTAL).curve() == [0.2] * 3 + [0.1] * 3 + [0.05]
    given.optimizer.step()
    given.step()
    assert build(spec, TOTAL).curve() == [0.2] * 3 + [0.1] * 3 + [0.05]
    assert build(as_policy(given), TOTAL).curve() == [0.2] * 2 + [0.1] * 3 + [0.05] * 2


@pytest.mark.parametrize(
    "given",
    [
        lambda optimizer: CosineAnnealingLR(optimizer, 10),
        lambda o: CosineAnnealingLR(o, 10),
        functools.partial(CosineAnnealingLR, T_max=10),
        lambda optimizer, total: CosineAnnealingLR(optimizer, total + 3),
    ],
)
def test_a_function_that_makes_a_scheduler_is_a_policy(given: Any) -> None:
    expected = [0.05 * (1 + math.cos(math.pi * step / 10)) for step in range(TOTAL)]
    assert build(as_policy(given), TOTAL).curve() == pytest.approx(expected)


def test_its_name_follows_from_what_its_rates_follow_from() -> None:
    same = [str(as_policy(scheduler())) for _ in range(2)]
    assert same[0] == same[1]
    assert same[0].startswith("lrensemble.here:StepLR_")
    others = [scheduler(gamma=0.4), scheduler(size=2), scheduler(rate=0.1)]
    assert len({same[0], *(str(as_policy(each)) for each in others)}) == 4
    made = [torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.2) for _ in range(2)]
    sequences = [
        SequentialLR(own, [StepLR(own, 2, gamma), LambdaLR(own, lambda step: 0.9**step)], [3])
        for own, gamma in zip(made, (0.5, 0.4), strict=True)
    ]
    assert len({str(as_policy(each)) for each in sequences}) == 2


def test_what_makes_no_rate_is_refused() -> None:
    with pytest.raises(SpecError, match="is no function of the step: it raised"):
        as_policy(lambda given: given.nothing)
    with pytest.raises(SpecError, match=r"train.function is a name or a function of \(recipe, dataset\); given: int"):
        as_train_function(3)


def test_members_of_the_experiment_before_it_was_edited_are_told_of(
    inputs: NDArray[np.float64], named: NDArray[np.str_], out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    experiment: dict[str, Any] = {"data": (inputs, named), "model": "mlp(width=8)", "policy": "cosine(peak=0.1)"}
    experiment["train"] = {"batch_size": 16}
    lrensemble.tune(experiment, out, epochs=1)
    assert "of other recipes" not in caplog.text
    lrensemble.tune(experiment, out, epochs=2)
    assert f"1 more members of {out} are of other recipes" in caplog.text
    assert "(cosine(peak=0.1), epochs=1); out='FOLDER' keeps experiments apart" in caplog.text


def test_a_loop_and_schedulers_of_a_notebook_fill_a_pool(
    inputs: NDArray[np.float64], named: NDArray[np.str_], out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Seen()

    def loop(recipe: Recipe, dataset: Dataset) -> nn.Module:
        seen.runs += bool(recipe.id)
        return initial_network(recipe, dataset)

    experiment = {
        "data": (inputs, named),
        "model": "mlp(width=8)",
        "policy": [scheduler(), lambda optimizer: StepLR(optimizer, 2)],
        "train": {"epochs": 1, "batch_size": 16, "function": loop},
    }
    pool = lrensemble.tune(experiment, out)
    assert len(pool) == seen.runs == 2
    assert "loop_" in caplog.text
    assert "defined in a notebook, a script or on standard input" in caplog.text
    lrensemble.tune(experiment, out)
    assert seen.runs == 2
    with pytest.raises(ConfigError, match="no other process can have what was defined in a notebook"):
        lrensemble.tune(experiment, out, execution="workers")
