"""Tune, then seed: who gets the seeds, by hand; that nothing is thrown away; and what is refused."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.config import Experiment
from lrensemble.errors import ConfigError, SpecError
from lrensemble.pool import Member, Pool
from lrensemble.pool.collect import collect
from lrensemble.select import Validation, cross_fit
from lrensemble.train import Ended, Event, Planned, tune
from lrensemble.train.sweep.strategies.grid import spread
from lrensemble.train.sweep.strategies.steering import arm_to_grow

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]
POLICIES = ["constant(peak=0.0001)", "constant(peak=0.01)", "constant(peak=0.02)", "constant(peak=1e-05)"]


@pytest.fixture
def seeding(experiment: MakeExperiment) -> MakeExperiment:
    """One epoch of a tiny network, by four policies of which two learn."""

    def make(strategy: str, **changes: Any) -> Experiment:
        train = {"epochs": 1, "batch_size": 100, "optimizer": "adamw"}
        sweep = {"strategy": strategy, **changes.pop("sweep", {})}
        return experiment(**{"policy": POLICIES, "train": train, "sweep": sweep} | changes)

    return make


def rounds(events: Iterable[Event]) -> list[list[str]]:
    """Names of the runs of each round."""
    return [[run.name for run in event.runs] for event in events if isinstance(event, Planned)]


def policies(names: Iterable[str]) -> list[str]:
    return [name.partition(", seed=")[0] for name in names]


def test_the_seeds_go_to_the_policy_that_is_best_alone(seeding: MakeExperiment, tmp_path: Path) -> None:
    events = list(tune(seeding("tune_then_seed(runs=7, share=0.6)"), tmp_path))
    first, second = rounds(events)
    assert first == POLICIES
    val = {event.run.name: event.scores["nll"] for event in events if isinstance(event, Ended)}
    best = min(POLICIES, key=lambda name: val[name])
    assert policies(second) == [best] * 3
    members = Pool.open(tmp_path).members()
    assert [member.name for member in members] == first + second
    assert len({(member.recipe or {})["train"]["seed"] for member in members}) == 7


def test_several_recipes_share_the_seeds_in_turn(seeding: MakeExperiment, tmp_path: Path) -> None:
    events = list(tune(seeding("tune_then_seed(runs=7, share=0.6, best=2)"), tmp_path))
    val = {event.run.name: event.scores["nll"] for event in events if isinstance(event, Ended)}
    one, two = sorted(POLICIES, key=lambda name: val[name])[:2]
    assert policies(rounds(events)[1]) == [one, two, one]


def test_the_first_seeds_are_those_of_the_deep_ensemble(seeding: MakeExperiment, tmp_path: Path) -> None:
    list(tune(seeding("tune_then_seed(runs=6)", policy=[POLICIES[1]]), tmp_path))
    again = [
        event.status
        for event in tune(seeding("seeds(count=6)", policy=[POLICIES[1]]), tmp_path)
        if isinstance(event, Ended)
    ]
    assert again == ["exists"] * 6


@pytest.mark.parametrize("objective", ["single", pytest.param("ensemble", marks=pytest.mark.long)])
def test_stopped_between_and_within_rounds_it_asks_for_the_same_runs(
    seeding: MakeExperiment, contents: Contents, tmp_path: Path, objective: str
) -> None:
    one = seeding(f"tune_then_seed(runs=6, share=0.5, objective='{objective}', at_once=2)")
    whole = list(tune(one, tmp_path / "whole"))
    assert [len(names) for names in rounds(whole)] == {"single": [3, 3], "ensemble": [3, 2, 1]}[objective]
    for share in (0.6, 0.9):
        events = tune(one, tmp_path / "stopped", save_steps=2)
        for _ in zip(range(int(share * len(whole))), events, strict=False):
            pass
        events.close()
    last = list(tune(one, tmp_path / "stopped"))
    assert rounds(last) == rounds(whole)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_the_steered_rounds_follow_from_earlier_rounds_alone(seeding: MakeExperiment, tmp_path: Path) -> None:
    """A pool that knows more already, and one that has strangers, asks for the same."""
    one = seeding("tune_then_seed(runs=6, share=0.5, objective='ensemble', at_once=2)")
    events = list(tune(one, tmp_path / "new"))
    assert [len(names) for names in rounds(events)] == [3, 2, 1]
    list(tune(seeding("seeds(count=2)"), tmp_path / "old"))
    assert rounds(tune(one, tmp_path / "old")) == rounds(events)


@pytest.mark.parametrize(
    ("search", "first"), [("random", 4), ("'optuna(at_once=2)'", 4), ("'grid'", 2), ("'random(seed=3)'", 4)]
)
def test_it_goes_on_from_any_search(seeding: MakeExperiment, tmp_path: Path, search: str, first: int) -> None:
    space = {} if "grid" in search else {"space": {"train.weight_decay": "log_uniform(low=1e-4, high=1e-2)"}}
    search = search if "'" in search else f"'{search}'"
    train = {"batch_size": 100, "optimizer": "adamw"}
    strategy = f"tune_then_seed(runs=8, search={search})"
    one = Experiment.model_validate(
        seeding(strategy, policy=POLICIES[1:3]).model_dump(exclude={"train", "sweep"})
        | {"train": train, "sweep": {"strategy": strategy, "epochs": 8, **space}}
    )
    events = list(tune(one, tmp_path))
    ended = [event for event in events if isinstance(event, Ended)]
    assert [event.status for event in ended] == ["finished"] * 8
    assert {event.run.recipe.train.epochs for event in ended} == {1}
    assert len(rounds(events)[-1]) == 8 - first
    planned = [event for event in events if isinstance(event, Planned)]
    assert [event.remaining for event in planned] == [
        8 - sum(len(event.runs) for event in planned[: i + 1]) for i in range(len(planned))
    ]


def test_a_search_of_which_nothing_is_left_has_no_seeds(
    seeding: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = seeding("tune_then_seed(runs=6)", policy=["constant(peak=1e30)"])
    assert [event.status for event in tune(one, tmp_path) if isinstance(event, Ended)] == ["diverged"]
    assert "none of 1 runs became a member; no seeds of them are trained" in caplog.text


def test_places_are_spread_evenly() -> None:
    assert spread(16, 8) == [0, 2, 4, 6, 9, 11, 13, 15]
    assert spread(5, 5) == [0, 1, 2, 3, 4]
    assert spread(5, 2) == [0, 4]
    assert spread(5, 1) == [2]


@pytest.mark.parametrize(
    ("strategy", "error", "message"),
    [
        ("tune_then_seed(runs=1)", SpecError, "runs = 1 is refused"),
        ("tune_then_seed(share=1.0)", SpecError, "share = 1.0 is refused"),
        ("tune_then_seed(search='snapshots(cycles=2)')", SpecError, "sweep.strategy: search: .*no argument 'trials'"),
        ("tune_then_seed(search='random(trials=3)')", SpecError, "trials follows from runs and share; remove it"),
        ("tune_then_seed(search='rondom')", SpecError, "search: no strategy named 'rondom'"),
        ("grid(trials=5)", ConfigError, "trials = 5 are more than the 4 points of the space"),
    ],
)
def test_what_cannot_be_done_is_refused_before_training(
    seeding: MakeExperiment, tmp_path: Path, strategy: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tune(seeding(strategy), tmp_path)


def members_of(
    folder: Path, log_probs: list[NDArray[np.float32]], truth: NDArray[np.int64]
) -> tuple[Pool, list[Member]]:
    """Members of a pool that say these log-probabilities on the validation rows."""
    probabilities = np.exp(np.stack(log_probs))
    np.savez(folder / "said.npz", probs=probabilities, labels=truth)
    pool = collect([folder / "said.npz"], folder / "pool").pool
    return pool, list(pool.members())


def said(truth: NDArray[np.int64], strength: float, noise: NDArray[np.float64]) -> NDArray[np.float32]:
    """Log-probabilities [sample, class] of logits that know the truth, with noise."""
    logits = noise + strength * np.eye(noise.shape[1])[truth]
    log_probs: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return log_probs.astype(np.float32)


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Pool, list[list[Member]]]:
    """Three recipes of two members: the best single, whose members agree; one that errs on its own; a useless one."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, size=600)
    shared = random.normal(size=(600, 3))
    alike = [said(truth, 2.0, shared + 0.05 * random.normal(size=(600, 3))) for _ in range(2)]
    apart = [said(truth, 1.8, random.normal(size=(600, 3))) for _ in range(2)]
    useless = [said(truth, 0.0, random.normal(size=(600, 3))) for _ in range(2)]
    pool, members = members_of(tmp_path, [*alike, *apart, *useless], truth)
    return pool, [members[:2], members[2:4], members[4:]]


def test_the_next_seeds_go_where_they_add_most_and_not_where_the_best_single_is(
    drawn: tuple[Pool, list[list[Member]]],
) -> None:
    pool, arms = drawn
    assert arm_to_grow(pool, arms, "nll") == 1


def test_a_difference_within_the_noise_goes_to_the_best_single(drawn: tuple[Pool, list[list[Member]]]) -> None:
    pool, (alike, apart, useless) = drawn
    assert arm_to_grow(pool, [apart, [apart[0]], useless], "nll") in (0, 1)
    assert arm_to_grow(pool, [[apart[0]], [apart[1]]], "nll") == 0, "two that are alike in all but their noise"
    assert arm_to_grow(pool, [alike[:1]], "nll") == 0


def test_the_estimate_is_that_of_leaving_each_member_out(drawn: tuple[Pool, list[list[Member]]]) -> None:
    """The rule, written out slowly."""
    pool, arms = drawn
    everyone = [member for arm in arms for member in arm]

    def judged(members: list[Member]) -> Any:
        rows = Validation([m.predictions("val") for m in members], pool.truth("val"), target=pool.task.target)
        return cross_fit(rows, "greedy(bootstrap=0)", metric="nll")

    of_all = judged(everyone)
    gains, replicates = [], []
    for arm in arms:
        without = [judged([member for member in everyone if member.id != out.id]) for out in arm]
        gains.append(of_all.score - np.mean([each.score for each in without]))
        of_rows = [each.replicates for each in without]
        replicates.append(np.array(of_all.replicates) - np.mean(of_rows, axis=0))
    best = int(np.argmax(gains))
    doubt = np.std(replicates[best] - replicates[0], ddof=1)
    expected = best if gains[best] > gains[0] + doubt else 0
    assert arm_to_grow(pool, arms, "nll") == expected
