"""What a sweep makes of a run is what the bare loop makes of it: weights, predictions, history and what is recorded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrensemble import models
from lrensemble.config import Experiment
from lrensemble.data import Dataset
from lrensemble.pool import Pool
from lrensemble.train import Planned, Run, SingleTrainee, Step, tune
from lrensemble.train.run.fit import fit_members
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.loop import Steps, Trainee

MakeExperiment = Callable[..., Experiment]
EPOCH_STEPS = 8


def by_hand(runs: tuple[Run, ...], dataset: Dataset, *, fused: bool) -> tuple[Trainee, list[Steps]]:
    """A trainee of some runs after the bare loop, and its steps."""
    settings = [run.recipe.train for run in runs]
    networks = [models.build(run.recipe.model, dataset.shape, 10, run.recipe.train.seed) for run in runs]
    trainee: Trainee = SingleTrainee(networks[0], dataset, settings[0])
    if fused:
        trainee = StackedTrainee(networks, dataset, settings)
    return trainee, list(fit_members(trainee, [run.policy for run in runs]))


@pytest.mark.parametrize(
    ("execution", "train"),
    [
        ("one-by-one", {}),
        ("one-by-one", {"ema": 0.8, "augment": ["mixup"], "clip_norm": 0.5}),
        ("fused", {"augment": ["mixup"], "clip_norm": 0.5}),
    ],
    ids=["alone", "average", "fused"],
)
def test_a_member_is_what_the_bare_loop_makes(
    experiment: MakeExperiment, digits: Dataset, tmp_path: Path, execution: str, train: dict[str, Any]
) -> None:
    sweep = experiment(model="cnn(width=3)", train=train)
    planned, *events = tune(sweep, tmp_path, execution=execution, save_steps=5)
    assert isinstance(planned, Planned)
    fused = execution == "fused"
    members = Pool.open(tmp_path).members()
    assert len(members) == 3
    for group in [planned.runs] if fused else [(run,) for run in planned.runs]:
        trainee, chunks = by_hand(group, digits, fused=fused)
        for place, run in enumerate(group):
            (member,) = [member for member in members if member.id == run.id]
            for name, tensor in trainee.weights(place).items():
                assert torch.equal(member.weights()[name], tensor), name
            for split in ("val", "test"):
                np.testing.assert_array_equal(member.predictions(split).main, trainee.predict(split)[place].numpy())
            losses, rates, norms = (
                np.concatenate(columns)[:, place].tolist()
                for columns in zip(*((chunk.losses, chunk.rates, chunk.norms) for chunk in chunks), strict=True)
            )
            found = [event for event in events if isinstance(event, Step) and event.run == run.id]
            assert found == [Step(*row, run.id) for row in zip(range(16), rates, losses, norms, strict=True)]
            history = member.history()
            assert [line["train_loss"] for line in history] == [
                pytest.approx(np.mean(losses[start : start + EPOCH_STEPS])) for start in (0, EPOCH_STEPS)
            ]
            assert [line["rate"] for line in history] == [rates[EPOCH_STEPS - 1], rates[-1]]
            assert member.steps is not None
            assert member.steps.norm_mean == pytest.approx(np.mean(norms))
            assert member.samples == 1600
            assert member.made_with is not None
            assert member.made_with.execution == execution
            assert member.made_with.group == (tuple(each.id for each in group) if fused else ())
            assert member.made_with.group_size == len(group)
