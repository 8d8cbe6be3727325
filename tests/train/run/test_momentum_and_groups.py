"""Momentum of policies and rates of parameter groups: whole runs equal to torch's own, alone and in a group."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR

from lrensemble import models
from lrensemble.config import Experiment, ParameterGroup, Recipe, TrainSettings
from lrensemble.data import Dataset
from lrensemble.errors import ConfigError, LREnsembleError, TrainingError
from lrensemble.policies import build
from lrensemble.pool import Pool
from lrensemble.spec import to_spec
from lrensemble.train import tune
from lrensemble.train.execution.jobs import jobs_of
from lrensemble.train.run.fit import fit, fit_members
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.loader import BatchLoader
from lrensemble.train.run.single import SingleTrainee
from lrensemble.train.sweep.points import Point
from lrensemble.train.sweep.run_factory import RunFactory

STEPS = 60
PEAKS = {"SGD": 0.2, "Adam": 0.01, "AdamW": 0.01}
MODEL = "mlp(width=9)"
CYCLE = "one_cycle(peak={peak}, cycle_momentum=true)"
Weights = dict[str, Tensor]


class Exact(Dataset):
    """In float64, so that differences are those of order alone."""

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        axes = (1, -1, *[1] * (self.inputs.ndim - 2))
        return (self.inputs[rows] - self.mean.view(axes)) / self.std.view(axes), self.truth[rows]


@pytest.fixture(scope="module")
def exact(digits: Dataset) -> Dataset:
    inputs, mean, std = (each.double() for each in (digits.inputs, digits.mean, digits.std))
    return Exact(**{**vars(digits), "inputs": inputs, "mean": mean, "std": std})


def settings_of(optimizer: str, seed: int = 0, **more: Any) -> TrainSettings:
    return TrainSettings(batch_size=20, optimizer=to_spec(optimizer), weight_decay=1e-3, seed=seed, **more)


def network(dataset: Dataset, settings: TrainSettings, model: str = MODEL) -> nn.Module:
    return models.build(model, dataset.shape, dataset.target.width, settings.seed).double()


def alone(dataset: Dataset, settings: TrainSettings, policy: str, model: str = MODEL) -> Weights:
    trained = network(dataset, settings, model)
    list(fit(SingleTrainee(trained, dataset, settings), build(policy, STEPS)))
    return trained.state_dict()


def together(
    dataset: Dataset, settings: Sequence[TrainSettings], policies: Sequence[str], model: str = MODEL
) -> list[Weights]:
    stacked = StackedTrainee([network(dataset, each, model) for each in settings], dataset, settings)
    for _ in fit_members(stacked, [build(policy, STEPS) for policy in policies]):
        pass
    return [dict(stacked.weights(member)) for member in range(len(settings))]


def torchs_own(
    dataset: Dataset,
    settings: TrainSettings,
    optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    scheduler: Callable[[Any], Any],
    model: str = MODEL,
) -> Weights:
    """The same batches, and all else as a tutorial of torch writes it."""
    trained = network(dataset, settings, model)
    trained.train()
    own, loader = optimizer(trained), BatchLoader(dataset, [settings])
    schedule = scheduler(own)
    for step in range(STEPS):
        inputs, truth, _ = loader.load(step)
        own.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(trained(inputs), truth))
        own.step()
        if step < STEPS - 1:
            schedule.step()
    return trained.state_dict()


def assert_equal(found: Weights, expected: Weights, tolerance: float = 1e-6) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
def test_one_cycle_with_momentum_is_torchs_over_a_whole_run(exact: Dataset, kind: str) -> None:
    peak, text = PEAKS[kind], CYCLE.format(peak=PEAKS[kind])
    settings = [settings_of(kind, seed) for seed in (0, 3)]

    def optimizer(model: nn.Module) -> torch.optim.Optimizer:
        momentum = {"momentum": 0.9} if kind == "SGD" else {}
        made: torch.optim.Optimizer = getattr(torch.optim, kind)(
            model.parameters(), lr=peak, weight_decay=1e-3, **momentum
        )
        return made

    def scheduler(own: Any) -> OneCycleLR:
        return OneCycleLR(own, peak, total_steps=STEPS)

    expected = [torchs_own(exact, each, optimizer, scheduler) for each in settings]
    for one, of_group, torchs in zip(
        (alone(exact, each, text) for each in settings), together(exact, settings, [text, text]), expected, strict=True
    ):
        assert_equal(one, torchs)
        assert_equal(of_group, torchs)
    fixed = alone(exact, settings[0], f"one_cycle(peak={peak})")
    assert any((fixed[name] - tensor).abs().max() > 1e-3 for name, tensor in expected[0].items())


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_members_with_and_without_it_share_a_group(exact: Dataset, kind: str) -> None:
    peak = PEAKS["SGD" if kind == "sgd" else "AdamW"]
    joined = f"join(pieces=[{CYCLE.format(peak=peak)}, cosine(peak={peak / 2})], boundaries=[0.4])"
    policies = [f"cosine(peak={peak})", joined, CYCLE.format(peak=peak)]
    own = [0.5, 0.8, None] if kind == "sgd" else [None] * 3
    settings = [settings_of(kind, momentum=momentum) for momentum in own]
    for each, policy, found in zip(settings, policies, together(exact, settings, policies), strict=True):
        assert_equal(found, alone(exact, each, policy))


GROUPS = (ParameterGroup(parameters=r"bias$", rate=3.0), ParameterGroup(parameters=r"^1\.", rate=0.25))


def torch_groups(model: nn.Module, peak: float, groups: Sequence[ParameterGroup]) -> list[dict[str, Any]]:
    """Parameter groups as a tutorial of torch writes them: a rate for each, frozen ones left out."""
    made = []
    for name, parameter in model.named_parameters():
        factor = next((group.rate for group in groups if re.search(group.parameters, name)), 1.0)
        parameter.requires_grad_(factor > 0)
        made.append({"params": [parameter], "lr": peak * factor, "weight_decay": 1e-3 if parameter.ndim > 1 else 0.0})
    return [group for group in made if group["lr"]]


@pytest.mark.parametrize("model", [MODEL, "cnn(width=3)"])
@pytest.mark.parametrize(
    ("kind", "groups"),
    [
        ("SGD", GROUPS),
        ("AdamW", GROUPS),
        ("Adam", (ParameterGroup(parameters=r"^[01]\.", rate=0.0), ParameterGroup(parameters=r"5.bias", rate=2.0))),
    ],
)
def test_groups_of_parameters_are_torchs_over_a_whole_run(
    exact: Dataset, kind: str, groups: tuple[ParameterGroup, ...], model: str
) -> None:
    peak = PEAKS[kind] / 2
    policy = build(f"cosine(peak={peak})", STEPS)
    settings = [settings_of(kind, seed, group=groups, decay_norms=False) for seed in (0, 3)]

    def optimizer(network: nn.Module) -> torch.optim.Optimizer:
        momentum = {"momentum": 0.9} if kind == "SGD" else {}
        made: torch.optim.Optimizer = getattr(torch.optim, kind)(torch_groups(network, peak, groups), **momentum)
        return made

    def scheduler(own: Any) -> LambdaLR:
        return LambdaLR(own, lambda step: policy(step) / peak)

    of_group = together(exact, settings, [str(policy.spec)] * 2, model)
    for each, stacked in zip(settings, of_group, strict=True):
        expected = torchs_own(exact, each, optimizer, scheduler, model)
        assert_equal(alone(exact, each, str(policy.spec), model), expected)
        assert_equal(stacked, expected)


def test_what_is_frozen_has_no_part_in_the_norm_that_is_clipped(exact: Dataset) -> None:
    groups = (ParameterGroup(parameters=r"^[13]\.", rate=0.0),)
    settings = [settings_of("sgd", seed, group=groups, clip_norm=0.3) for seed in (0, 3)]
    for each, stacked in zip(settings, together(exact, settings, ["constant(peak=0.1)"] * 2), strict=True):
        begun, found = network(exact, each).state_dict(), alone(exact, each, "constant(peak=0.1)")
        assert_equal(stacked, found, 1e-9)
        assert [torch.equal(begun[name], found[name]) for name in begun] == [True] * 4 + [False] * 2
    step = SingleTrainee(network(exact, settings[0]), exact, settings[0])
    _, norm = step.step(0, [0.1])
    last = [parameter.grad for parameter in step.model.parameters() if parameter.requires_grad]
    assert len(last) == 2
    together_as_one = torch.cat([gradient.flatten() for gradient in last if gradient is not None])
    torch.testing.assert_close(norm[0], torch.linalg.vector_norm(together_as_one))


def test_a_sweep_reads_them_and_says_what_they_are_in_the_recipe(
    experiment: Callable[..., Experiment], tmp_path: Path
) -> None:
    group = [{"parameters": "bias$", "rate": 2.0}]
    pool = {}
    for execution in ("fused", "one-by-one"):
        policy = ["one_cycle(peak=0.05, cycle_momentum=true)", "cosine(peak=0.05)"]
        made = experiment(train={"group": group}, model="mlp(width=7)", policy=policy)
        list(tune(made, tmp_path / execution, execution=execution))
        pool[execution] = Pool.open(tmp_path / execution).members()
        assert [member.status for member in pool[execution]] == ["finished"] * 2
        assert {member.made_with and member.made_with.execution for member in pool[execution]} == {execution}
        assert pool[execution][0].recipe["train"]["group"] == group  # type: ignore[index]
    plain = experiment(model="mlp(width=7)")
    ids = {
        key: Recipe(
            data=plain.data.source,
            fingerprint="",
            split=plain.split,
            model=plain.model,
            policy=plain.policy[0],
            train=train,
        ).id
        for key, train in {
            "plain": plain.train,
            "empty": plain.train.model_copy(update={"group": ()}),
            "own": plain.train.model_copy(update={"group": GROUPS}),
        }.items()
    }
    assert ids["plain"] == ids["empty"] != ids["own"]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (
            [{"parameters": "^head", "rate": 2.0}],
            r"train.group\[0\]: '\^head' is in the name of no parameter; .*1\.w",
        ),
        ([{"parameters": ".", "rate": 0.0}], "train.group: rate 0 freezes all parameters of the model; leave one of"),
        ([{"parameters": "(", "rate": 2.0}], "train.group.0.parameters: no regular expression: missing"),
        ([{"parameters": "bias", "rate": -1.0}], "train.group.0.rate: .*greater than or equal to 0"),
        ([{"parameters": "bias", "rat": 1.0}], "train.group.0.rat.*: (no such key; did you mean 'rate'|is missing)"),
    ],
)
def test_groups_that_cannot_be_are_refused_before_training(
    experiment: Callable[..., Experiment], tmp_path: Path, group: Any, message: str
) -> None:
    with pytest.raises((ConfigError, TrainingError), match=message) as caught:
        tune(experiment(train={"group": group}, model="mlp(width=7)"), tmp_path / "pool")
    assert "\n" not in str(caught.value)


def test_a_momentum_for_an_optimizer_without_one_is_refused_before_training(
    experiment: Callable[..., Experiment], tmp_path: Path
) -> None:
    made = experiment(policy=["one_cycle(peak=0.1, cycle_momentum=true)"], train={"optimizer": "Adagrad"})
    with pytest.raises(
        LREnsembleError, match=r"optimizer 'Adagrad' takes no momentum, but policy one_cycle\(.* gives one"
    ):
        tune(made, tmp_path / "pool")


def test_runs_with_other_groups_are_not_trained_together(
    experiment: Callable[..., Experiment], digits: Dataset, tmp_path: Path
) -> None:
    plain = experiment(model="mlp(width=7)")
    grouped = experiment(model="mlp(width=7)", train={"group": [{"parameters": "bias$", "rate": 2.0}]})
    tune(plain, tmp_path / "pool")
    runs = [
        RunFactory(made, digits).run(order, Point(made.policy[order % 3]))
        for order, made in enumerate((plain, plain, grouped, grouped))
    ]
    jobs = jobs_of(runs, digits, Pool.open(tmp_path / "pool"), "fused")
    assert [(job.execution, job.runs) for job in jobs] == [("fused", tuple(runs[:2])), ("fused", tuple(runs[2:]))]
