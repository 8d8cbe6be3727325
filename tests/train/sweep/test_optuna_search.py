"""The search by Optuna: what it is told, what it prunes, and that it trains nothing twice."""

import logging
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from lrensemble.config import Experiment, Recipe
from lrensemble.errors import ConfigError, LREnsembleError, MissingExtraError, SpecError, StorageError
from lrensemble.pool import Member, MemberRecord, Pool
from lrensemble.select import Validation, select
from lrensemble.train import Began, Ended, Event, Planned, Step, tune
from lrensemble.train.sweep.strategies.gain import team_gain
from lrensemble.train.sweep.strategies.optuna_parts import build_sampler, place_in
from lrensemble.train.sweep.strategies.pool_in_study import names_of

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]
EPOCH_STEPS = 8
SPACE: dict[str, Any] = {"policy.peak": "log_uniform(low=1e-5, high=0.1)", "model.width": [5, 6, 7]}
HALVING = "pruner=successive_halving(min_resource=1, reduction_factor=2)"


@pytest.fixture
def searching(experiment: MakeExperiment) -> MakeExperiment:
    """A sweep of Optuna's over peaks and widths, one epoch a trial."""

    def make(arguments: str, **changes: Any) -> Experiment:
        sweep = {"strategy": f"optuna({arguments})", "space": changes.pop("space", SPACE)}
        train = {"epochs": 1} | changes.pop("train", {})
        return experiment(**{"policy": ["constant", "cosine"]} | changes, train=train, sweep=sweep)

    return make


def ended(events: Iterable[Event]) -> list[Ended]:
    return [event for event in events if isinstance(event, Ended)]


def statuses(events: Iterable[Event]) -> list[str]:
    return [event.status for event in ended(events)]


def steps(events: Iterable[Event]) -> int:
    return sum(isinstance(event, Step) for event in events)


@contextmanager
def open_study(url: str) -> Iterator[optuna.Study]:
    storage = optuna.storages.RDBStorage(url, skip_compatibility_check=True, skip_table_creation=True)
    try:
        (summary,) = optuna.get_all_study_summaries(storage)
        yield optuna.load_study(study_name=summary.study_name, storage=storage)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def trials_of(folder: Path) -> list[optuna.trial.FrozenTrial]:
    with open_study(f"sqlite:///{folder / 'search.db'}") as study:
        assert study.direction == optuna.study.StudyDirection.MAXIMIZE
        return study.trials


def told(folder: Path) -> list[tuple[Any, ...]]:
    """All that a study knows of its trials but the times."""
    return [(t.state, t.values, t.params, t.intermediate_values, t.user_attrs) for t in trials_of(folder)]


@pytest.mark.parametrize(
    "sampler", ["tpe", *(pytest.param(each, marks=pytest.mark.long) for each in ("brute_force", "qmc", "nsgaii", "gp"))]
)
def test_a_search_that_is_stopped_ends_as_if_it_had_not_been(
    searching: MakeExperiment, contents: Contents, tmp_path: Path, sampler: str
) -> None:
    one = searching(f"trials=3, sampler={sampler}()", space={"policy.peak": [0.001, 0.002, 0.003, 0.004, 0.005]})
    events = list(tune(one, tmp_path / "whole"))
    assert statuses(events) == ["finished"] * 3
    stopped = tune(one, tmp_path / "stopped", save_steps=3)
    for _ in zip(range(len(events) // 2), stopped, strict=False):
        pass
    stopped.close()
    list(tune(one, tmp_path / "stopped", save_steps=3))
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    assert told(tmp_path / "stopped") == told(tmp_path / "whole")


def test_the_study_is_told_the_scores_of_the_members(searching: MakeExperiment, tmp_path: Path) -> None:
    events = list(tune(searching("trials=4"), tmp_path / "nll"))
    members = Pool.open(tmp_path / "nll").members()
    trials = trials_of(tmp_path / "nll")
    assert [member.order for member in members] == [0, 1, 2, 3]
    assert [trial.user_attrs["member"] for trial in trials] == [member.id for member in members]
    assert [trial.value for trial in trials] == [-member.scores["val"]["nll"] for member in members]
    assert [trial.intermediate_values for trial in trials] == [{}] * 4, "one epoch has nothing to prune"
    for trial, member in zip(trials, members, strict=True):
        recipe = Recipe.model_validate(member.recipe)
        assert trial.params["policy"] == recipe.policy.name
        assert trial.params["model.width"] == recipe.model.arguments["width"]
        assert recipe.policy.arguments["peak"] == pytest.approx(trial.params["policy.peak"], rel=1e-3)
    planned = [(len(event.runs), event.remaining) for event in events if isinstance(event, Planned)]
    assert planned == [(1, 3), (1, 2), (1, 1), (1, 0)]
    list(tune(searching("trials=2, metric='accuracy'"), tmp_path / "accuracy"))
    scores = [member.scores["val"]["accuracy"] for member in Pool.open(tmp_path / "accuracy").members()]
    assert [trial.value for trial in trials_of(tmp_path / "accuracy")] == scores


@pytest.mark.long
def test_it_learns_where_members_are_good(searching: MakeExperiment, tmp_path: Path) -> None:
    one = searching("trials=18, sampler=tpe(n_startup_trials=6)", space={"policy.peak": SPACE["policy.peak"]})
    losses = [event.scores["nll"] for event in ended(tune(one, tmp_path))]
    assert np.median(losses[6:]) < np.median(losses[:6]) - 0.1


def test_more_trials_go_on_after_the_last(searching: MakeExperiment, contents: Contents, tmp_path: Path) -> None:
    list(tune(searching("trials=3"), tmp_path / "grown"))
    events = list(tune(searching("trials=5"), tmp_path / "grown"))
    assert statuses(events) == ["exists"] * 3 + ["finished"] * 2
    list(tune(searching("trials=5"), tmp_path / "whole"))
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")
    assert told(tmp_path / "grown") == told(tmp_path / "whole")
    fewer = list(tune(searching("trials=2"), tmp_path / "grown"))
    assert statuses(fewer) == ["exists"] * 5


def test_trials_asked_for_together_are_one_batch(searching: MakeExperiment, tmp_path: Path) -> None:
    events = list(tune(searching("trials=5, at_once=2"), tmp_path))
    planned = [(len(event.runs), event.remaining) for event in events if isinstance(event, Planned)]
    assert planned == [(2, 3), (2, 1), (1, 0)]
    assert all(trial.state.name == "COMPLETE" for trial in trials_of(tmp_path))


def test_every_recipe_of_a_small_space_is_trained_once(searching: MakeExperiment, tmp_path: Path) -> None:
    space = {"policy.peak": [0.01], "train.label_smoothing": [0.0, 0.1], "train.optimizer": ["adamw", {"name": "sgd"}]}
    one = searching("trials=8, sampler=random()", space=space)
    events = list(tune(one, tmp_path))
    assert statuses(events) == ["finished"] * 8
    assert len({event.run.id for event in ended(events)}) == 8
    assert steps(events) == 8 * EPOCH_STEPS
    assert statuses(tune(one, tmp_path)) == ["exists"] * 8


def test_a_sampler_that_proposes_nothing_new_ends_the_search(
    searching: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrensemble.train.sweep.strategies.optuna_trials.MAX_REPEATED_TRIALS", 5)
    space = {"policy.peak": [0.01], "model.width": [5, 6]}
    one = searching("trials=4, sampler=nsgaii(population_size=2, mutation_prob=0.0, crossover_prob=0.0)", space=space)
    with caplog.at_level(logging.WARNING):
        kinds = statuses(tune(one, tmp_path))
    assert 0 < len(kinds) < 4
    assert "proposes nothing new; the search ends early" in caplog.text


def pruned_members(pool: Pool) -> list[Member]:
    return [member for member in pool.members(include_diverged=True) if member.status == "pruned"]


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of pools that several tests compare with, each trained once."""
    return tmp_path_factory.mktemp("wholes")


def trained_once(one: Experiment, folder: Path, execution: str = "auto") -> tuple[Path, int]:
    """The pool in that folder, and how many events its sweep had."""
    count = folder.with_suffix(".events")
    if not count.exists():
        count.write_text(str(len(list(tune(one, folder, execution=execution)))))
    return folder, int(count.read_text())


@pytest.fixture
def halving(searching: MakeExperiment) -> Experiment:
    return searching(f"trials=8, {HALVING}, seed=1", train={"epochs": 4})


def test_pruned_trials_are_recorded_and_stay_out_of_selection(halving: Experiment, tmp_path: Path) -> None:
    events = list(tune(halving, tmp_path))
    pool = Pool.open(tmp_path)
    pruned = pruned_members(pool)
    assert 2 <= len(pruned) <= 6
    assert statuses(events).count("pruned") == len(pruned)
    assert len(pool.members()) == 8 - len(pruned)
    states = [trial.state.name for trial in trials_of(tmp_path)]
    assert [{"finished": "COMPLETE", "pruned": "PRUNED"}[status] for status in statuses(events)] == states
    for member in pruned:
        recipe = Recipe.model_validate(member.recipe)
        assert recipe.id == member.id
        assert recipe.at_epoch == len(member.history()) < 4
        assert member.samples == recipe.at_epoch * EPOCH_STEPS * 100
        assert set(member.files) == {"history.jsonl"}
    trial = next(trial for trial in trials_of(tmp_path) if trial.state.name == "PRUNED")
    by_run = {event.run.id: event for event in ended(events)}
    assert by_run[trial.user_attrs["member"]].status == "pruned"
    assert sorted(trial.intermediate_values) == list(range(1, len(trial.intermediate_values) + 1))
    assert steps(events) == sum((member.samples or 0) // 100 for member in pool.members(include_diverged=True))
    assert not list((tmp_path / "unfinished").glob("*"))
    again = list(tune(halving, tmp_path))
    assert (steps(again), set(statuses(again))) == (0, {"exists"})


def test_a_recipe_that_was_pruned_can_still_become_a_member(
    halving: Experiment, experiment: MakeExperiment, wholes: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_once(halving, wholes / "halving")[0], tmp_path, dirs_exist_ok=True)
    member = pruned_members(Pool.open(tmp_path))[0]
    recipe = Recipe.model_validate(member.recipe)
    train = {"epochs": 4, "seed": recipe.train.seed}
    whole = experiment(policy=[recipe.policy], model=recipe.model, train=train, sweep={"seed": "shared"})
    assert statuses(tune(whole, tmp_path)) == ["finished"]
    assert statuses(tune(halving, tmp_path)).count("exists") == len(Pool.open(tmp_path).members())


def test_pruning_goes_on_after_any_stop(halving: Experiment, contents: Contents, wholes: Path, tmp_path: Path) -> None:
    whole, total = trained_once(halving, wholes / "halving")
    for share in np.random.default_rng(0).uniform(0.1, 0.5, size=2):
        events = tune(halving, tmp_path / "stopped", save_steps=5)
        for _ in zip(range(int(share * total)), events, strict=False):
            pass
        events.close()
    list(tune(halving, tmp_path / "stopped", save_steps=5))
    assert contents(tmp_path / "stopped") == contents(whole)
    assert told(tmp_path / "stopped") == told(whole)


def test_an_epoch_that_is_done_again_is_not_reported_again(
    searching: MakeExperiment, contents: Contents, tmp_path: Path
) -> None:
    one = searching(f"trials=2, {HALVING}", train={"epochs": 3})
    list(tune(one, tmp_path / "whole"))
    events = tune(one, tmp_path / "stopped", save_steps=5)
    while not (isinstance(event := next(events), Step) and event.step == EPOCH_STEPS):
        pass  # the end of the epoch was told; what is saved lies before it
    events.close()
    list(tune(one, tmp_path / "stopped", save_steps=5))
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    assert told(tmp_path / "stopped") == told(tmp_path / "whole")


def test_a_trial_that_diverged_is_told_as_bad_and_the_search_goes_on(searching: MakeExperiment, tmp_path: Path) -> None:
    space = {"policy.peak": "log_uniform(low=1e20, high=1e25)"}
    one = searching("trials=2", space=space, train={"optimizer": "sgd"}, model="mlp(width=7)")
    assert statuses(tune(one, tmp_path)) == ["diverged"] * 2
    assert [trial.state.name for trial in trials_of(tmp_path)] == ["PRUNED"] * 2
    assert statuses(tune(one, tmp_path)) == ["exists"] * 2


MODULE = """
import torch
from pathlib import Path

def brittle(shape, classes, *, allowed: str):
    class Brittle(torch.nn.Linear):
        def forward(self, inputs):
            if self.training and not Path(allowed).exists():
                raise RuntimeError("no luck")
            return super().forward(inputs.flatten(1))
    return Brittle(64, classes)
"""


def test_a_trial_that_failed_is_tried_again_by_the_next_sweep(
    searching: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing_models.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    space = {"policy.peak": [0.01, 0.02, 0.03]}
    one = searching("trials=3", space=space, model=f"failing_models:brittle(allowed='{tmp_path / 'now'}')")
    first = ended(tune(one, tmp_path / "pool"))
    assert [event.status for event in first] == ["failed"] * 3
    (tmp_path / "now").touch()
    second = ended(tune(one, tmp_path / "pool"))
    assert [event.status for event in second] == ["finished"] * 3
    assert [event.run.id for event in second] == [event.run.id for event in first]
    states = [trial.state.name for trial in trials_of(tmp_path / "pool")]
    assert [state for state in states if state != "FAIL"] == ["COMPLETE"] * 3, "but for those that repeated another"


def greedy_score(members: list[Member], labels: np.ndarray) -> float:
    """The score of the greedy team, or of knowing nothing."""
    if not members:
        return -float(np.log(10))
    stacked = np.stack([member.predictions("val").main for member in members])
    return select(Validation(stacked, labels), "greedy(bootstrap=0)", metric="nll").score


@pytest.mark.parametrize("at_once", [1, 2])
def test_the_gain_of_the_team_is_what_the_study_is_told(
    searching: MakeExperiment, tmp_path: Path, at_once: int
) -> None:
    one = searching(f"trials=4, objective='ensemble', at_once={at_once}")
    list(tune(one, tmp_path))
    pool = Pool.open(tmp_path)
    members = list(pool.members())
    scores = [greedy_score(members[:count], pool.truth("val")) for count in range(5)]
    assert [trial.value for trial in trials_of(tmp_path)] == pytest.approx(np.diff(scores), abs=1e-12)


def test_a_member_that_says_what_another_says_gains_nothing(searching: MakeExperiment, tmp_path: Path) -> None:
    list(tune(searching("trials=2"), tmp_path))
    pool = Pool.open(tmp_path)
    first, second = pool.members()
    predictions = {split: np.array(first.predictions(split).main) for split in ("val", "test")}
    pool.add(MemberRecord(id="copy", order=7, name="copy"), predictions)
    assert team_gain(pool, "copy", metric="nll") == pytest.approx(0.0, abs=1e-12)
    both = greedy_score([first, second], pool.truth("val"))
    alone = greedy_score([first], pool.truth("val"))
    assert team_gain(pool, second.id, metric="nll", without=["copy"]) == pytest.approx(both - alone, abs=1e-12)
    alone_accuracy = float(np.mean(first.predictions("val").main.argmax(axis=1) == pool.truth("val")))
    chance = float(np.mean(pool.truth("val") == 0))
    gain = team_gain(pool, first.id, metric="accuracy", without=["copy", second.id])
    assert gain == pytest.approx(alone_accuracy - chance)


def test_a_study_may_lie_elsewhere_and_serve_several_pools(searching: MakeExperiment, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    one = searching(f"trials=2, storage='{url}'")
    for pool in ("a", "b"):
        assert statuses(tune(one, tmp_path / pool)) == ["finished"] * 2
        assert not (tmp_path / pool / "search.db").exists()
    with open_study(url) as study:
        assert len(study.trials) == 4
        assert len({trial.user_attrs["pool"] for trial in study.trials}) == 2
    assert statuses(tune(one, tmp_path / "a")) == ["exists"] * 2


def test_optunas_journal_file_serves_as_well(searching: MakeExperiment, tmp_path: Path) -> None:
    one = searching(f"trials=2, storage='{tmp_path / 'search.journal'}'")
    assert statuses(tune(one, tmp_path / "pool")) == ["finished"] * 2
    assert (tmp_path / "search.journal").stat().st_size > 0
    assert statuses(tune(one, tmp_path / "pool")) == ["exists"] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells what is mounted where")
def test_where_several_machines_may_share_the_disk_a_new_study_is_a_journal(tmp_path: Path) -> None:
    table, pool = tmp_path / "mounts", tmp_path / "a pool"
    database, journal = f"sqlite:///{pool / 'search.db'}", str(pool / "search.journal")

    def place_on(kind: str) -> str:
        point = str(tmp_path).replace(" ", r"\040")
        table.write_text(f"/dev/root / ext4 rw 0 0\nserver:/home {point} {kind} rw 0 0\n")
        return place_in(pool, table)

    assert [place_on(kind) for kind in ("ext4", "xfs", "overlay")] == [database] * 3
    assert [place_on(kind) for kind in ("nfs4", "lustre", "fuse.sshfs")] == [journal] * 3
    assert place_in(pool, tmp_path / "missing") == journal, "nothing is known"
    (pool / "search.db").touch()
    assert place_on("nfs4") == database, "a search that was begun goes on where it is"


def test_a_journal_that_is_damaged_is_named(searching: MakeExperiment, tmp_path: Path) -> None:
    journal = tmp_path / "search.journal"
    one = searching(f"trials=2, storage='{journal}'")
    list(tune(one, tmp_path / "pool"))
    content = journal.read_bytes()
    journal.write_bytes(content[: len(content) // 2] + b"\xff\n" + content[len(content) // 2 :])
    with pytest.raises(StorageError, match=r"study at .*search\.journal") as caught:
        list(tune(one, tmp_path / "pool"))
    assert "\n" not in str(caught.value)


def test_a_database_that_somebody_has_locked_is_named(searching: MakeExperiment, tmp_path: Path) -> None:
    one = searching(f"trials=2, storage='sqlite:///{tmp_path / 'search.db'}?timeout=0.2'")
    list(tune(one, tmp_path / "pool"))
    more = searching(f"trials=3, storage='sqlite:///{tmp_path / 'search.db'}?timeout=0.2'")
    with sqlite3.connect(tmp_path / "search.db") as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match=r"the study at .*search\.db.* database is locked") as caught:
            list(tune(more, tmp_path / "pool"))
    assert "\n" not in str(caught.value)
    assert statuses(tune(more, tmp_path / "pool")) == ["exists"] * 2 + ["finished"]


def test_a_pool_has_one_name_in_a_study_on_every_machine(tmp_path: Path) -> None:
    (name, earlier) = names_of(tmp_path, "search.journal")
    assert names_of(tmp_path, "search.journal") == (name, earlier)
    assert (len(name), earlier) == (16, f"{platform.node()}:{tmp_path}")
    (tmp_path / "link").symlink_to(tmp_path)
    assert names_of(tmp_path / "link", "search.journal")[0] == name
    (tmp_path / "other").mkdir()
    assert names_of(tmp_path / "other", "search.journal")[0] != name
    assert names_of(tmp_path, None) == ("this",)


def test_another_space_is_another_search(searching: MakeExperiment, tmp_path: Path) -> None:
    assert statuses(tune(searching("trials=2"), tmp_path)) == ["finished"] * 2
    other = searching("trials=2", space=SPACE | {"model.width": [8, 9]})
    assert statuses(tune(other, tmp_path)) == ["finished"] * 2
    assert len(Pool.open(tmp_path).members()) == 4


@pytest.mark.parametrize(
    "sampler",
    [
        "tpe()",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ("brute_force()", "random()", "tpe(multivariate=True)")
        ),
    ],
)
def test_a_trial_killed_between_two_parameters_draws_the_others_as_it_would_have(
    searching: MakeExperiment, contents: Contents, tmp_path: Path, sampler: str
) -> None:
    space = {"policy.peak": [0.001, 0.002, 0.003, 0.004, 0.005, 0.006], "model.width": [3, 4, 5, 6, 7]}
    whole = searching(f"trials=2, sampler={sampler}", space=space)
    list(tune(whole, tmp_path / "whole"))
    list(tune(searching(f"trials=1, sampler={sampler}", space=space), tmp_path / "killed"))
    drawn = trials_of(tmp_path / "whole")[1]
    with open_study(f"sqlite:///{tmp_path / 'killed' / 'search.db'}") as study:
        study.sampler = build_sampler(sampler, seed=0, index=1)
        trial = study.ask()
        trial.set_user_attr("pool", "this")
        assert trial._suggest("policy", drawn.distributions["policy"]) == drawn.params["policy"]
    list(tune(whole, tmp_path / "killed"))
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_trial_killed_before_it_said_whose_it_is_counts_for_nobody(searching: MakeExperiment, tmp_path: Path) -> None:
    one = searching("trials=2")
    events = tune(one, tmp_path)
    while not isinstance(next(events), Began):
        pass
    events.close()
    with open_study(f"sqlite:///{tmp_path / 'search.db'}") as study:
        study.ask()
        study.ask().set_user_attr("pool", "this")  # and this one before it had drawn anything
    assert statuses(tune(one, tmp_path)) == ["finished"] * 2
    assert [trial.state.name for trial in trials_of(tmp_path)] == ["COMPLETE", "FAIL", "COMPLETE"]


@pytest.mark.parametrize(
    ("arguments", "changes", "error", "message"),
    [
        ("sampler='tpe'", {}, SpecError, "strategy 'optuna' needs trials"),
        ("trials=2, sampler='tp'", {}, SpecError, r"sweep\.strategy: no sampler named 'tp'; did you mean 'tpe'"),
        ("trials=2, sampler='cma_es'", {}, SpecError, "no sampler named 'cma_es'"),
        ("trials=2, sampler=tpe(seeds=1)", {}, SpecError, "sampler 'tpe' has no argument 'seeds'"),
        ("trials=2, sampler=tpe(seed=1)", {}, SpecError, "sampler 'tpe' has no argument 'seed'"),
        ("trials=2, sampler=gp(n_startup_trials='a', sed=2)", {}, SpecError, "sampler 'gp' has no argument 'sed'"),
        ("trials=2, sampler=3", {}, SpecError, "sampler: cannot read 3 as a name"),
        ("trials=2, pruner='medain'", {}, SpecError, "no pruner named 'medain'; did you mean 'median'"),
        (
            "trials=2, pruner=successive_halving(reduction_factor=1)",
            {},
            SpecError,
            r"pruner successive_halving\(reduction_factor=1\) is refused: .*reduction_factor",
        ),
        ("trials=2, objective='team'", {}, SpecError, "objective = 'team' is refused: input should be 'single' or"),
        ("trials=2, metric='brier'", {}, SpecError, "metric = 'brier' is refused"),
        (
            "trials=5",
            {"space": {"policy.peak": [0.1, 0.2]}},
            ConfigError,
            "trials = 5 are more than the 4 points of the space",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_made(
    searching: MakeExperiment,
    tmp_path: Path,
    arguments: str,
    changes: dict[str, Any],
    error: type[LREnsembleError],
    message: str,
) -> None:
    with pytest.raises(error, match=message) as caught:
        tune(searching(arguments, **changes), tmp_path / "pool")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists()


def test_without_optuna_the_extra_is_named(
    searching: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lrensemble\[search\]'"):
        tune(searching("trials=2"), tmp_path / "pool")
    assert not (tmp_path / "pool").exists()


@pytest.mark.parametrize("storage", ["sqlite:////nowhere/at/all.db", "nodatabase://x", "/nowhere/at/all.journal"])
def test_a_study_that_cannot_be_opened_is_named(searching: MakeExperiment, tmp_path: Path, storage: str) -> None:
    with pytest.raises(StorageError, match=f"cannot open the study at {storage}: ") as caught:
        list(tune(searching(f"trials=2, storage='{storage}'"), tmp_path / "pool"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [16, 100, 4096, 8192])
def test_a_study_that_is_damaged_on_the_way_is_named(searching: MakeExperiment, tmp_path: Path, place: int) -> None:
    events = tune(searching("trials=4"), tmp_path / "pool")
    next(event for event in events if isinstance(event, Ended))
    study = tmp_path / "pool" / "search.db"
    content = study.read_bytes()
    study.write_bytes(content[:place] + b"\xff" * (len(content) - place))
    with pytest.raises(StorageError, match=r"the study at .*search\.db cannot be used any more: .*; move it away to"):
        list(events)


@pytest.fixture
def together(searching: MakeExperiment) -> Experiment:
    """Trials that are trained four at a time, some of which are pruned."""
    arguments = f"trials=8, at_once=4, {HALVING}, sampler=random(), seed=1"
    space = {"policy.peak": "log_uniform(low=1e-4, high=0.1)"}
    return searching(arguments, policy=["constant"], space=space, model="mlp(width=8)", train={"epochs": 4})


def test_slices_of_a_group_are_pruned(together: Experiment, tmp_path: Path) -> None:
    events = list(tune(together, tmp_path, execution="fused"))
    members = Pool.open(tmp_path).members(include_diverged=True)
    pruned = [member for member in members if member.status == "pruned"]
    assert 2 <= len(pruned) <= 6
    assert {(m.made_with.execution, m.made_with.group_size) for m in members if m.made_with} == {("fused", 4)}
    states = [trial.state.name for trial in trials_of(tmp_path)]
    assert [{"finished": "COMPLETE", "pruned": "PRUNED"}[status] for status in statuses(events)] == states
    for member in pruned:
        recipe = Recipe.model_validate(member.recipe)
        assert recipe.at_epoch == len(member.history()) < 4
        assert member.samples == recipe.at_epoch * EPOCH_STEPS * 100
    assert steps(events) == sum((member.samples or 0) // 100 for member in members), "none is trained on"
    assert not list((tmp_path / "unfinished").glob("*"))
    again = list(tune(together, tmp_path, execution="fused"))
    assert (steps(again), set(statuses(again))) == (0, {"exists"})


@pytest.mark.long  # each of the two is in the tests around it
def test_pruning_in_groups_goes_on_after_any_stop(
    together: Experiment, contents: Contents, wholes: Path, tmp_path: Path
) -> None:
    whole, total = trained_once(together, wholes / "together", execution="fused")
    for share in (0.1, 0.4):
        events = tune(together, tmp_path / "stopped", save_steps=5, execution="fused")
        for _ in zip(range(int(share * total)), events, strict=False):
            pass
        events.close()
    list(tune(together, tmp_path / "stopped", save_steps=5, execution="fused"))
    assert contents(tmp_path / "stopped") == contents(whole)
    assert told(tmp_path / "stopped") == told(whole)


def test_a_group_goes_on_though_a_kill_left_some_of_its_members_in_the_pool(
    together: Experiment, contents: Contents, wholes: Path, tmp_path: Path
) -> None:
    whole_pool, _ = trained_once(together, wholes / "together", execution="fused")
    events = tune(together, tmp_path / "broken", save_steps=1, execution="fused")
    while not (isinstance(event := next(events), Step) and event.step == 4 * EPOCH_STEPS - 2):
        pass
    events.close()
    first = {trial.user_attrs["member"] for trial in trials_of(tmp_path / "broken")}
    for member in Pool.open(whole_pool).members(include_diverged=True):
        whole = Recipe.model_validate(member.recipe).model_copy(update={"at_epoch": None})
        if whole.id in first and member.status == "pruned":
            shutil.copytree(member.folder, tmp_path / "broken" / "members" / member.id)
    rest = list(tune(together, tmp_path / "broken", execution="fused"))
    assert next(event.step for event in rest if isinstance(event, Step)) > 3 * EPOCH_STEPS, "from its state"
    assert contents(tmp_path / "broken") == contents(whole_pool)


@pytest.mark.parametrize(
    ("device", "execution"), [pytest.param("cpu", "workers", marks=pytest.mark.long), ("cpu,cpu", "one-by-one")]
)
def test_trials_in_workers_are_pruned_by_the_study(
    searching: MakeExperiment, tmp_path: Path, device: str, execution: str
) -> None:
    space = {"policy.peak": [1e-6, 0.02]}
    one = searching(
        "trials=2, at_once=2, sampler=random(), pruner=threshold(lower=-2.25)",
        policy=["constant"],
        space=space,
        model="mlp(width=8)",
        train={"epochs": 4},
    )
    list(tune(one, tmp_path / "here", execution="one-by-one"))
    planned, *events = tune(one, tmp_path / "there", device=device, execution=execution)
    assert isinstance(planned, Planned)
    assert [(job.execution, len(job.parts)) for job in planned.jobs] == [("workers", 2)]
    assert sorted(statuses(events)) == ["finished", "pruned"]
    for folder in ("here", "there"):
        members = Pool.open(tmp_path / folder).members(include_diverged=True)
        assert {m.status: m.made_with.execution for m in members if m.made_with} == dict.fromkeys(
            ("finished", "pruned"), "workers" if folder == "there" else "one-by-one"
        )
        assert {m.status: len(m.history()) for m in members} == {"finished": 4, "pruned": 1}
    assert told(tmp_path / "here") == told(tmp_path / "there")
