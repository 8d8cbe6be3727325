"""Losses, samplers and short last batches in whole runs: alone, in parts, in groups and through a sweep."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.run.test_fused import Exact, alone, together
from torch.nn.functional import cross_entropy

from lrensemble.config import DataSettings, Experiment, SplitSettings, TrainSettings
from lrensemble.data import Dataset, batch_rows, load
from lrensemble.errors import ConfigError
from lrensemble.models import build as build_model
from lrensemble.policies import build
from lrensemble.pool import Pool
from lrensemble.spec import Spec, to_spec
from lrensemble.train import SingleTrainee, fit, tune
from lrensemble.train.execution.jobs import jobs_of
from lrensemble.train.sweep.points import grid_points
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.setup import set_up

MakeExperiment = Callable[..., Experiment]


@pytest.fixture(scope="session")
def whole(digits: Dataset) -> Dataset:
    """In float64, with weights and class probabilities."""
    inputs, mean, std = (each.double() for each in (digits.inputs, digits.mean, digits.std))
    count = len(digits.truth)
    soft = torch.rand(count, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64).softmax(-1)
    weights = np.random.default_rng(0).gamma(1.0, size=count)
    return Exact(**{**vars(digits), "inputs": inputs, "mean": mean, "std": std, "weights": weights, "soft": soft})


@pytest.mark.parametrize(
    "common",
    [
        {"loss": "weighted", "label_smoothing": 0.1, "sampler": "weighted"},
        {"loss": "weighted", "augment": ("mixup",)},
        {"loss": "focal(alpha='balanced')", "sampler": "balanced", "augment": ("mixup",), "drop_last": False},
        {"loss": "soft_targets", "drop_last": False},
        {"loss": "tests.registry.own_things:hinge", "sampler": "tests.registry.own_things:early"},
        {"drop_last": False, "augment": ("flip", "cutmix")},
    ],
    ids=lambda common: "-".join(map(str, common)),
)
@pytest.mark.parametrize("seeds", [(0, 3), (2, 2)], ids=["own seeds", "same seed"])
def test_each_member_of_a_group_is_what_it_would_be_alone(
    whole: Dataset, common: dict[str, Any], seeds: tuple[int, int]
) -> None:
    named = {key: to_spec(value) for key, value in common.items() if key in ("loss", "sampler")}
    augment = tuple(to_spec(each) for each in common.get("augment", ()))
    given = {**common, **named, "augment": augment}
    settings = [TrainSettings(batch_size=100, seed=seed, **given) for seed in seeds]
    policies = [build(f"constant(peak={peak})", 20) for peak in (0.02, 0.05)]
    stacked, losses = together(whole, "mlp(width=9)", settings, policies)
    assert np.isfinite(losses).all()
    for member, (each, policy) in enumerate(zip(settings, policies, strict=True)):
        for name, tensor in alone(whole, "mlp(width=9)", each, policy).state_dict().items():
            torch.testing.assert_close(stacked.model.state()[name][member], tensor, rtol=1e-9, atol=1e-9)


def test_an_epoch_with_a_short_last_batch_is_that_of_a_plain_loop(whole: Dataset) -> None:
    """809 training rows in nine batches of 100 at most, weighted by torch itself."""
    train, steps = whole.rows["train"], 18
    settings = TrainSettings(batch_size=100, drop_last=False, loss=Spec("weighted"), seed=5)
    network, plain = (build_model("mlp(width=9)", whole.shape, 10, 5).double() for _ in range(2))
    found = list(fit(SingleTrainee(network, whole, settings), build("constant(peak=0.05)", steps)))
    weight = len(train) / (10 * torch.bincount(whole.truth[train])).double()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.05, momentum=0.9)
    for step in range(steps):
        rows = train[torch.tensor(batch_rows(len(train), 100, 5, step, drop_last=False))]
        assert len(rows) == (9 if step % 9 == 8 else 100)
        inputs, truth = whole.batch(rows)
        loss = cross_entropy(plain(inputs), truth, weight=weight)
        assert found[step].loss == pytest.approx(loss.item())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for mine, theirs in zip(network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("augment", [(), (Spec("mixup"),)], ids=["plain", "mixed"])
@pytest.mark.parametrize("parts", [3, 20])
def test_parts_of_a_batch_update_as_the_whole(whole: Dataset, augment: tuple[Spec, ...], parts: int) -> None:
    """Also of a last batch of nine rows, which has fewer parts than were asked for."""
    common: dict[str, Any] = {"batch_size": 100, "drop_last": False, "loss": Spec("weighted"), "augment": augment}
    networks = []
    for accumulate in (1, parts):
        settings = TrainSettings(accumulate=accumulate, **common)
        networks.append(alone(whole, "mlp(width=9)", settings, build("constant(peak=0.05)", 18)))
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_a_sweep_counts_the_rows_of_short_batches(experiment: MakeExperiment, tmp_path: Path) -> None:
    train = {"drop_last": False, "loss": "focal", "sampler": "balanced", "epochs": 2}
    list(tune(experiment(model="mlp(width=7)", train=train), tmp_path, execution="fused"))
    members = Pool.open(tmp_path).members()
    assert [member.samples for member in members] == [2 * 809] * 3
    assert {member.made_with and member.made_with.execution for member in members} == {"fused"}
    for member in members:
        assert member.steps is not None
        assert member.steps.count == 2 * 9
        assert member.scores["val"]["accuracy"] > 0.3


def test_runs_with_another_lesson_are_in_another_group(experiment: MakeExperiment, tmp_path: Path) -> None:
    space = {"train.loss": ["cross_entropy", "focal(gamma=1)", "focal(gamma=2)"], "train.drop_last": [True, False]}
    made = experiment(model="mlp(width=7)", sweep={"space": space})
    setup = set_up(made, tmp_path, [torch.device("cpu")])
    runs = [setup.factory.run(order, point) for order, point in enumerate(grid_points(made))]
    jobs = jobs_of(runs, setup.dataset, setup.pool, "fused")
    lessons = [{(str(run.recipe.train.loss), run.recipe.train.drop_last) for run in job.runs} for job in jobs]
    assert [len(each) for each in lessons] == [1] * 6
    assert [len(job.runs) for job in jobs] == [3] * 6
    assert len(runs) == 18
    assert {run.policy.total for run in runs} == {16, 18}


def test_recipes_of_before_keep_their_ids(experiment: MakeExperiment) -> None:
    dataset = load(DataSettings(source=Spec("digits")), SplitSettings(val=0.2, test=0.35))
    plain, said, other = (
        RunFactory(experiment(train=train), dataset).run(0, grid_points(experiment())[0])
        for train in ({}, {"sampler": "shuffle", "drop_last": True}, {"loss": "focal"})
    )
    assert plain.id == said.id != other.id


def test_a_sweep_that_the_data_do_not_serve_is_refused_before_training(
    experiment: MakeExperiment, tmp_path: Path
) -> None:
    for train, message in (
        ({"loss": "soft_targets"}, "the data set has no class probabilities"),
        ({"sampler": "weighted"}, "the data set has no weights"),
        ({"loss": "huber"}, "choose from cross_entropy, weighted, focal, soft_targets"),
    ):
        with pytest.raises(ConfigError, match=message):
            list(tune(experiment(train=train), tmp_path / "pool"))
    space = {"train.loss": ["weighted", "weighted(weights=[1, 2])"]}
    with pytest.raises(ConfigError, match=r"sweep\.space\.train\.loss: .*weighted\(weights=…\) has 2 numbers"):
        list(tune(experiment(sweep={"space": space}), tmp_path / "pool"))
    assert not (tmp_path / "pool").exists()
