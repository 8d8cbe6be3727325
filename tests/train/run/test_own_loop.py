"""Runs that a function of the user's trains: the same pool, and what such runs do without."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train import own_loops
from torch import nn

import lrensemble
from lrensemble.config import Experiment, Recipe, to_record
from lrensemble.data import Dataset
from lrensemble.errors import ConfigError, LREnsembleError, SpecError, TrainingError
from lrensemble.models.base import unwrapped
from lrensemble.pool import Member, Pool
from lrensemble.train import Ended, reproduce, tune
from lrensemble.train.run.own_loop.life import without_test_truth
from lrensemble.train.run.own_loop.outcome import history_of, outcome_of

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]
HOME = "tests.train.own_loops"
POLICIES = ["constant(peak=0.01)", "cosine(peak=0.02)"]


@pytest.fixture
def members(experiment: MakeExperiment, tmp_path: Path) -> Callable[..., tuple[Member, ...]]:
    """Members of a sweep whose runs a function trains."""

    def make(
        function: str, execution: str = "auto", folder: str = "pool", model: str = "mlp(width=7)", **train: Any
    ) -> tuple[Member, ...]:
        sweep = experiment(model=model, policy=POLICIES, train={"function": f"{HOME}:{function}", **train})
        list(tune(sweep, tmp_path / folder, execution=execution))
        return Pool.open(tmp_path / folder).members(include_diverged=True)

    return make


def test_a_loop_fills_the_pool_as_the_librarys_own_does(
    members: Callable[..., tuple[Member, ...]], digits: Dataset, tmp_path: Path
) -> None:
    first, second = members("plain")
    for member in (first, second):
        torch.manual_seed(to_record(Recipe, member.recipe, "test").train.seed)
        network, lines = own_loops.plain(to_record(Recipe, member.recipe, "test"), digits)
        for name, tensor in network.state_dict().items():
            assert torch.equal(member.weights()[name], tensor), name
        assert [line["train_loss"] for line in member.history()] == [line["train_loss"] for line in lines]
        assert [(line["epoch"], line["step"]) for line in member.history()] == [(1, 8), (2, 16)]
        assert member.steps is None
        assert member.samples is None
        assert member.parameters == sum(tensor.numel() for tensor in network.parameters())
        assert set(member.scores["val"]) >= {"accuracy", "nll"}
        assert member.made_with is not None
        assert member.made_with.execution == "one-by-one"
    assert first.recipe is not None
    assert first.recipe["train"]["function"] == {"name": f"{HOME}:plain"}
    assert not list((tmp_path / "pool" / "unfinished").iterdir())
    lrensemble.select(tmp_path / "pool", "all")
    exported = lrensemble.export(tmp_path / "pool", tmp_path / "team", method="all")
    assert exported.ensemble.predict_proba(np.zeros((1, *digits.shape), np.float32)).shape == (1, 10)


def test_the_same_bits_in_worker_processes_and_nothing_twice(
    members: Callable[..., tuple[Member, ...]], tmp_path: Path
) -> None:
    here, there = members("plain"), members("plain", "workers", "workers")
    for one, other in zip(here, there, strict=True):
        assert one.id == other.id
        assert one.files == other.files
        assert other.made_with is not None
        assert other.made_with.execution == "workers"
    before = {member.id: member.folder.stat().st_mtime_ns for member in here}
    assert {member.id: member.folder.stat().st_mtime_ns for member in members("plain")} == before
    assert reproduce(tmp_path / "pool", here[0].id).agreement == "bits"


def test_arguments_are_part_of_the_recipe(members: Callable[..., tuple[Member, ...]]) -> None:
    ids = {member.id for function in ("plain", "plain(nesterov=true)") for member in members(function)}
    assert len(ids) == 4


@pytest.mark.parametrize(("what", "form"), [("probs", "log_probs"), ("logs", "log_probs"), ("labels", "labels")])
def test_predictions_make_a_member_without_weights(
    members: Callable[..., tuple[Member, ...]], digits: Dataset, what: str, form: str
) -> None:
    for member in members(f"says(what={what!r})"):
        expected = own_loops.says(to_record(Recipe, member.recipe, "test"), digits, what="probs")
        assert member.form == form
        assert not member.has_weights
        assert member.inputs is None
        for split, probs in expected.items():
            np.testing.assert_array_equal(member.predictions(split).labels(), probs.argmax(axis=1))
            if form == "log_probs":
                np.testing.assert_allclose(np.exp(member.predictions(split).main), probs, rtol=1e-5)


def test_numbers_that_are_none_have_diverged(members: Callable[..., tuple[Member, ...]]) -> None:
    for member in members("says(what='nan')"):
        assert (member.status, member.scores, set(member.files)) == ("diverged", {}, set())


def test_another_network_than_that_of_the_recipe_takes_part_by_its_predictions(
    members: Callable[..., tuple[Member, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = members("other_network")
    assert first.status == "finished"
    assert not first.has_weights
    assert "Sequential is not the model of the recipe, mlp(width=7)" in caplog.text
    assert "its weights are not kept; name it as the model to export it" in caplog.text


def test_a_model_that_never_runs_costs_no_training_that_is_paid(
    members: Callable[..., tuple[Member, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = members("other_network", model=f"{HOME}:never_runs")
    assert (first.status, first.has_weights) == ("finished", False)
    assert "KeyError: 'not on these rows'" in caplog.text
    assert "it takes part by its predictions, its weights are not kept" in caplog.text


def test_test_truth_is_hidden(members: Callable[..., tuple[Member, ...]], digits: Dataset) -> None:
    assert [member.status for member in members("looks")] == ["finished", "finished"]
    assert (digits.truth >= 0).all()
    blind = without_test_truth(digits)
    assert torch.equal(blind.truth[digits.rows["train"]], digits.truth[digits.rows["train"]])


def test_a_run_that_fails_is_recorded_and_the_others_go_on(experiment: MakeExperiment, tmp_path: Path) -> None:
    sweep = experiment(train={"function": f"{HOME}:fails"})
    ended = [event for event in tune(sweep, tmp_path) if isinstance(event, Ended)]
    assert [event.status for event in ended] == ["finished", "failed", "finished"]
    assert ended[1].reason == "ValueError: no rate suits me"
    left = experiment(train={"function": f"{HOME}:leaves"})
    ended = [event for event in tune(left, tmp_path / "left") if isinstance(event, Ended)]
    assert {event.reason for event in ended} == {"RuntimeError: it ended the program, with status 3"}


@pytest.mark.skipif(os.name != "posix", reason="signals itself")
def test_an_interrupt_comes_at_once_and_leaves_nothing_of_the_run(experiment: MakeExperiment, tmp_path: Path) -> None:
    sweep = experiment(train={"function": f"{HOME}:is_interrupted"})
    with pytest.raises(KeyboardInterrupt):
        list(tune(sweep, tmp_path))
    assert not Pool.open(tmp_path).members()
    again = experiment(train={"function": f"{HOME}:plain"})
    assert [event.status for event in tune(again, tmp_path) if isinstance(event, Ended)] == ["finished"] * 3


@pytest.mark.parametrize(
    ("changes", "execution", "kind", "message"),
    [
        ({}, "fused", TrainingError, "'fused' is refused: train.function = tests.train.own_loops:plain trains one run"),
        ({"sweep": {"strategy": "snapshots(cycles=2)"}}, "auto", ConfigError, "needs the loop of this library"),
        (
            {"sweep": {"strategy": "optuna(trials=2, pruner=median())"}},
            "auto",
            ConfigError,
            r"pruner = median\(?\)? needs the loop of this library, .* has its own; leave the pruner out",
        ),
        (
            {"policy": ["cosine"], "sweep": {"space": {"policy.peak": "range_test"}}},
            "auto",
            ConfigError,
            "policy.peak: a range test needs the loop of this library, .* give the peaks yourself",
        ),
    ],
)
def test_what_it_cannot_do_is_refused_before_any_training(
    experiment: MakeExperiment,
    tmp_path: Path,
    changes: dict[str, Any],
    execution: str,
    kind: type[LREnsembleError],
    message: str,
) -> None:
    sweep = experiment(train={"function": f"{HOME}:plain"}, **changes)
    with pytest.raises(kind, match=message):
        tune(sweep, tmp_path / "pool", execution=execution)


def test_what_it_does_without_is_said_in_one_line(
    experiment: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        tune(experiment(train={"function": f"{HOME}:plain"}), tmp_path)
    assert "trains each run alone: none is fused, pruned or gone on with midway" in caplog.text


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("plain", "train.function = 'plain' is refused; give package.module:function, a function of"),
        (f"{HOME}:absent", "train.function 'tests.train.own_loops:absent': tests.train.own_loops has no function"),
        (f"{HOME}:without_dataset", r"the function must take \(recipe, dataset\)"),
        (f"{HOME}:plain(nestorov=true)", "has no argument 'nestorov'; did you mean 'nesterov'?"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused_at_once(
    experiment: MakeExperiment, tmp_path: Path, function: str, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        tune(experiment(train={"function": function}), tmp_path)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("nothing", "train.function returned NoneType; it must return a torch.nn.Module or predictions {'val': …, 'te"),
        ("says(what='logits')", "val predictions: row 0 does not sum to one .*are these logits"),
        ("says(what='short')", r"val predictions have shape \(5, 10\); the pool has \d+ rows"),
    ],
)
def test_what_is_no_outcome_ends_the_sweep_in_one_line(
    members: Callable[..., tuple[Member, ...]], function: str, message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        members(function)


def test_an_outcome_is_read_in_every_form() -> None:
    network = nn.Linear(3, 2)
    assert outcome_of((network, [{"loss": 1.0}])).history == [{"loss": 1.0}]
    assert outcome_of(torch.compile(network, backend="eager")).network is network
    assert unwrapped(nn.DataParallel(network)) is network
    with pytest.raises(TrainingError, match="returned predictions on val, valid"):
        outcome_of({"val": 1, "valid": 2})


def test_a_history_that_cannot_be_kept_loses_no_member(caplog: pytest.LogCaptureFixture) -> None:
    assert history_of([{"val_nll": torch.tensor(0.5).item()}, {"epoch": 4, "step": 9}], "run", 8) == [
        {"step": 8, "val_nll": 0.5, "epoch": 1},
        {"step": 9, "epoch": 4},
    ]
    assert history_of([], "run", 8) is None
    assert history_of([{"epoch": 0}], "run", 8) is None
    assert "run: the history is not kept: line 1 has epoch 0 and step None; both are counted from 1" in caplog.text
    assert history_of([{"loss": "low"}], "run", 8) is None
    assert "line 1 is {'loss': 'low'}; give names with numbers" in caplog.text


def test_a_member_that_another_process_added_meanwhile_is_theirs(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = {"function": f"{HOME}:is_overtaken"}
    monkeypatch.setenv("OVERTAKEN_POOL", str(tmp_path / "pool"))
    monkeypatch.setenv("OVERTAKEN_WHOLE", str(tmp_path / "whole"))
    sweep = experiment(model="mlp(width=7)", policy=POLICIES[:1], train=function)
    list(tune(sweep, tmp_path / "whole"))
    before = files_of(tmp_path / "whole")
    ended = [event.status for event in tune(sweep, tmp_path / "pool") if isinstance(event, Ended)]
    assert ended == ["exists"], "told once, as what it is"
    assert files_of(tmp_path / "pool") == before


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("members/*/*")}
