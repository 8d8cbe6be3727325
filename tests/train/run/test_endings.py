"""Runs that end before their last step, and members that are not the last weights: alone, in groups, after a stop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrensemble.config import Experiment, TrainSettings
from lrensemble.errors import ConfigError
from lrensemble.pool import Member, Pool
from lrensemble.train import Ended, Step, tune
from lrensemble.train.run.progress.endings import best_epoch, early_end
from lrensemble.train.run.progress.record import HistoryLine

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, Any]]
EPOCH_STEPS = 8
DEAD, CALM, NOISY = "constant(peak=5.0)", "constant(peak=0.05)", "constant(peak=0.3)"
"""Policies of SGD: one that leaves no unit alive, one that gets better and better, one that does so at times."""
GROUP = [CALM, DEAD, NOISY, "constant(peak=0.5)"]
BOTH = pytest.mark.parametrize("execution", ["one-by-one", "fused"])


@pytest.fixture
def plain(experiment: MakeExperiment) -> MakeExperiment:
    """A sweep by SGD, of a network whose widths are multiples of eight."""

    def make(**changes: Any) -> Experiment:
        train = {"epochs": 9, "optimizer": "sgd"} | changes.pop("train", {})
        return experiment(**{"model": "mlp(width=8)", "policy": GROUP} | changes, train=train)

    return make


def lines(nlls: list[float], over_chance: list[float | None]) -> list[HistoryLine]:
    return [{"val_nll": nll, "over_chance": each} for nll, each in zip(nlls, over_chance, strict=True)]


@pytest.mark.parametrize(
    ("nlls", "over_chance", "settings", "how"),
    [
        ([2.0, 2.1], [0.0, 1.6], {"learn_within": 2}, "learned_nothing"),
        ([2.0, 2.1], [0.0, 1.7], {"learn_within": 2}, None),
        ([2.0, 2.1], [3.0, 0.0], {"learn_within": 2}, None),
        ([2.0, 2.1, 2.2], [3.0, 0.0, -4.0], {"learn_within": 2}, "learned_nothing"),
        ([2.0], [0.0], {"learn_within": 2}, None),
        ([2.0, 2.1], [None, 0.0], {"learn_within": 2}, None),
        ([2.0, 2.1], [0.0, 0.0], {}, None),
        ([2.0, 1.5, 1.5, 1.6], [9.0] * 4, {"patience": 2}, "stopped"),
        ([2.0, 1.5, 1.6], [9.0] * 3, {"patience": 2}, None),
        ([2.0, 1.5, 1.6, 1.4], [9.0] * 4, {"patience": 2}, None),
        ([2.0, 2.0], [0.0, 0.0], {"patience": 1, "learn_within": 1}, "learned_nothing"),
    ],
)
def test_an_end_by_hand(
    nlls: list[float], over_chance: list[float | None], settings: dict[str, Any], how: str | None
) -> None:
    assert early_end(lines(nlls, over_chance), TrainSettings(**settings), "nll") == how


def test_the_best_epoch_is_the_first_of_equals_and_knows_scores_from_losses() -> None:
    scores = ((2.0, 0.5), (1.0, 0.7), (1.0, 0.7), (3.0, 0.6))
    history: list[HistoryLine] = [{"val_nll": nll, "val_accuracy": right} for nll, right in scores]
    assert (best_epoch(history, "nll"), best_epoch(history, "accuracy")) == (1, 1)
    assert best_epoch(history[3:], "nll") == 0


def by_policy(folder: Path) -> dict[str, Member]:
    return {member.name: member for member in Pool.open(folder).members(include_diverged=True)}


def same_weights(one: Member, other: Member) -> bool:
    return all(torch.equal(tensor, other.weights()[name]) for name, tensor in one.weights().items())


@BOTH
def test_a_run_that_learned_nothing_ends_and_is_recorded_as_such(
    plain: MakeExperiment, tmp_path: Path, execution: str
) -> None:
    sweep = plain(train={"epochs": 4, "learn_within": 2})
    ended = [event for event in tune(sweep, tmp_path, execution=execution) if isinstance(event, Ended)]
    assert {event.run.name: event.status for event in ended} == {
        name: "learned_nothing" if name == DEAD else "finished" for name in GROUP
    }
    dead = by_policy(tmp_path)[DEAD]
    assert (dead.status, len(dead.history()), dead.samples) == ("learned_nothing", 2, 2 * EPOCH_STEPS * 100)
    assert (set(dead.files), dead.scores) == ({"history.jsonl"}, {})
    assert [line["over_chance"] for line in dead.history()] == [0.0, 0.0]
    assert DEAD not in {member.name for member in Pool.open(tmp_path).members()}
    again = [event for event in tune(sweep, tmp_path, execution=execution) if isinstance(event, Ended)]
    assert {event.status for event in again} == {"exists"}


def test_those_who_stay_in_a_group_keep_their_bits(plain: MakeExperiment, tmp_path: Path) -> None:
    list(tune(plain(train={"epochs": 4}), tmp_path / "whole", execution="fused"))
    list(tune(plain(train={"epochs": 4, "learn_within": 1}), tmp_path / "less", execution="fused"))
    whole, less = by_policy(tmp_path / "whole"), by_policy(tmp_path / "less")
    assert [member.status for member in less.values()] == ["finished", "learned_nothing", "finished", "finished"]
    for name in set(GROUP) - {DEAD}:
        assert same_weights(whole[name], less[name])
        for split in ("val", "test"):
            np.testing.assert_array_equal(whole[name].predictions(split).main, less[name].predictions(split).main)
        assert whole[name].samples == less[name].samples
    assert (less[DEAD].seconds or 0) < (less[CALM].seconds or 0)


def test_where_widths_are_odd_the_last_bits_of_those_who_stay_may_differ(plain: MakeExperiment, tmp_path: Path) -> None:
    for name, own in (("whole", {}), ("less", {"learn_within": 1})):
        list(tune(plain(model="mlp(width=7)", train={"epochs": 4, **own}), tmp_path / name, execution="fused"))
    whole, less = by_policy(tmp_path / "whole"), by_policy(tmp_path / "less")
    assert less[DEAD].status == "learned_nothing"
    for name in set(GROUP) - {DEAD}:
        for part, tensor in whole[name].weights().items():
            torch.testing.assert_close(less[name].weights()[part], tensor, rtol=1e-3, atol=1e-4)


def test_members_that_diverge_leave_their_group(plain: MakeExperiment, tmp_path: Path) -> None:
    policies = [CALM, "constant(peak=1e30)", NOISY, "constant(peak=1e25)"]
    list(tune(plain(policy=policies, train={"epochs": 3}), tmp_path / "group", execution="fused"))
    list(tune(plain(policy=policies[::2], train={"epochs": 3}), tmp_path / "two", execution="fused"))
    group, two = by_policy(tmp_path / "group"), by_policy(tmp_path / "two")
    assert [member.status for member in group.values()] == ["finished", "diverged"] * 2
    for name, member in two.items():
        assert same_weights(group[name], member)


@BOTH
def test_a_run_whose_score_gets_no_better_ends_with_the_weights_of_then(
    plain: MakeExperiment, tmp_path: Path, execution: str
) -> None:
    list(tune(plain(train={"patience": 2}), tmp_path / "some", execution=execution))
    found = by_policy(tmp_path / "some")
    assert {member.status for member in found.values()} == {"finished"}
    epochs = {name: len(member.history()) for name, member in found.items()}
    assert epochs[CALM] == 9
    assert min(epochs.values()) < 9
    for name, member in found.items():
        nlls = [line["val_nll"] for line in member.history()]
        assert member.samples == epochs[name] * EPOCH_STEPS * 100
        assert member.scores["val"]["nll"] == nlls[-1]
        if epochs[name] < 9:
            assert int(np.argmin(nlls)) == epochs[name] - 3
            list(tune(plain(train={"epochs": epochs[name]}), tmp_path / name, execution=execution))
            assert same_weights(by_policy(tmp_path / name)[name], member)


@pytest.mark.parametrize(
    ("execution", "patience"),
    [
        pytest.param("one-by-one", {}, id="to the end, one by one", marks=pytest.mark.long),
        pytest.param("fused", {}, id="to the end, fused"),
        pytest.param("one-by-one", {"patience": 2}, id="stopped, one by one"),
        pytest.param("fused", {"patience": 2}, id="stopped, fused", marks=pytest.mark.long),
    ],
)
def test_the_best_epoch_becomes_the_member(
    plain: MakeExperiment, tmp_path: Path, execution: str, patience: dict[str, int]
) -> None:
    list(tune(plain(train={"keep": "best", **patience}), tmp_path / "best", execution=execution))
    found = by_policy(tmp_path / "best")
    best = {name: int(np.argmin([line["val_nll"] for line in member.history()])) + 1 for name, member in found.items()}
    assert best[CALM] == 9
    assert any(best[name] < len(found[name].history()) for name in GROUP)
    for name, member in found.items():
        assert member.scores["val"]["nll"] == min(line["val_nll"] for line in member.history())
        list(tune(plain(train={"epochs": best[name]}), tmp_path / name, execution=execution))
        assert same_weights(by_policy(tmp_path / name)[name], member)


@BOTH
def test_the_average_of_the_best_epoch_becomes_the_member(
    plain: MakeExperiment, tmp_path: Path, execution: str
) -> None:
    train = {"ema": 0.7, "keep": "best", "epochs": 5}
    list(tune(plain(policy=[NOISY], train=train), tmp_path / "best", execution=execution))
    (member,) = by_policy(tmp_path / "best").values()
    nlls = [line["val_nll"] for line in member.history()]
    assert member.scores["val"]["nll"] == min(nlls)
    list(tune(plain(policy=[NOISY], train=train | {"keep": "last"}), tmp_path / "last", execution=execution))
    (last,) = by_policy(tmp_path / "last").values()
    assert same_weights(member, last) == (int(np.argmin(nlls)) == 4)


@BOTH
@pytest.mark.parametrize("stops", [pytest.param((70,), marks=pytest.mark.long), (9, 100, 150)])
def test_a_stop_changes_nothing(
    plain: MakeExperiment, tmp_path: Path, contents: Contents, execution: str, stops: tuple[int, ...]
) -> None:
    sweep = plain(train={"patience": 2, "keep": "best", "learn_within": 1})
    list(tune(sweep, tmp_path / "whole", execution=execution))
    assert {member.status for member in by_policy(tmp_path / "whole").values()} == {"finished", "learned_nothing"}
    for stop in stops:
        events = tune(sweep, tmp_path / "broken", execution=execution, save_steps=5)
        for seen, _ in enumerate(event for event in events if isinstance(event, Step)):
            if seen == stop:
                break
        events.close()
    list(tune(sweep, tmp_path / "broken", execution=execution, save_steps=5))
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")


@pytest.mark.parametrize("train", [{"patience": 3}, {"keep": "best"}])
@pytest.mark.parametrize("strategy", ["snapshots(cycles=3)", "fast_geometric(members=2, cycle=2)"])
def test_chains_end_where_their_recipe_says(
    plain: MakeExperiment, tmp_path: Path, strategy: str, train: dict[str, Any]
) -> None:
    sweep = plain(sweep={"strategy": strategy}, train=train)
    (key,) = train
    with pytest.raises(ConfigError, match=f"train.{key}: .* goes on from the last weights"):
        tune(sweep, tmp_path)
