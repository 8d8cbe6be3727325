"""Snapshot and fast geometric ensembles: the papers' rates, and members that are what training them alone gives."""

import hashlib
import math
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from lrensemble.config import Experiment, Recipe
from lrensemble.errors import ConfigError, SpecError
from lrensemble.pool import Pool
from lrensemble.train import Ended, Event, Planned, Step, tune

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]
EPOCH_STEPS, BATCH = 8, 100
TWO = ["cosine(peak=0.02)", "constant(peak=0.01)"]


@pytest.fixture
def chained(experiment: MakeExperiment) -> MakeExperiment:
    def make(strategy: str, epochs: int, **changes: Any) -> Experiment:
        sweep = {"strategy": strategy} | changes.pop("sweep", {})
        train = {"epochs": epochs} | changes.pop("train", {})
        return experiment(**{"policy": TWO} | changes, train=train, sweep=sweep)

    return make


def ended(events: Iterable[Event]) -> list[tuple[str, str]]:
    return [(event.run.name, event.status) for event in events if isinstance(event, Ended)]


def steps(events: Iterable[Event]) -> int:
    return sum(isinstance(event, Step) for event in events)


def weights_hash(folder: Path, member_id: str) -> str:
    return hashlib.sha256((folder / "members" / member_id / "weights.safetensors").read_bytes()).hexdigest()


def rates_by_step(events: Iterable[Event]) -> list[float]:
    return [event.rate for event in events if isinstance(event, Step)]


def test_rates_of_snapshots_are_the_papers(chained: MakeExperiment, tmp_path: Path) -> None:
    """Huang et al. 2017, eq. 2, with t from 1."""
    one = chained("snapshots(cycles=3)", 6, policy=["cosine(peak=0.02)"])
    total, cycles, peak = 6 * EPOCH_STEPS, 3, 0.02
    length = math.ceil(total / cycles)
    expected = [peak / 2 * (math.cos(math.pi * ((t - 1) % length) / length) + 1) for t in range(1, total + 1)]
    assert rates_by_step(tune(one, tmp_path)) == pytest.approx(expected, rel=1e-12)


def test_rates_of_fast_geometric_ensembles_are_the_papers(chained: MakeExperiment, tmp_path: Path) -> None:
    """Garipov et al. 2018, sec. 4, as its authors' program has it: t is the share of the cycle before the update."""
    one = chained(
        "fast_geometric(members=3, cycle=4, peak=0.05, floor=0.01)", 12, policy=["constant(peak=0.02)"], train={}
    )
    cycle, before = 4 * EPOCH_STEPS, 2 * EPOCH_STEPS

    def rate(iteration: int) -> float:
        t = iteration % cycle / cycle
        return 0.05 * (1 - 2 * t) + 0.01 * 2 * t if t < 0.5 else 0.05 * (2 * t - 1) + 0.01 * (2 - 2 * t)

    expected = [0.02] * before + [rate(i) for i in range(12 * EPOCH_STEPS - before)]
    assert rates_by_step(tune(one, tmp_path)) == pytest.approx(expected, rel=1e-12)
    histories = [member.history() for member in Pool.open(tmp_path).members()]
    assert [history[-1]["epoch"] for history in histories] == [4, 8, 12], "in the middle of each cycle"


def test_members_stand_run_by_run_and_share_the_cost_of_one_run(chained: MakeExperiment, tmp_path: Path) -> None:
    events = list(tune(chained("snapshots(cycles=3)", 6), tmp_path))
    planned = [(len(event.runs), event.remaining) for event in events if isinstance(event, Planned)]
    assert planned == [(2, 4), (2, 2), (2, 0)]
    members = Pool.open(tmp_path).members()
    cosine, constant = (f"repeat(policy={policy}, times=3)" for policy in TWO)
    assert [member.name for member in members] == [
        *(f"{cosine}{suffix}" for suffix in (", after epoch 2", ", after epoch 4", "")),
        *(f"{constant}{suffix}" for suffix in (", after epoch 2", ", after epoch 4", "")),
    ]
    assert [member.order for member in members] == list(range(6))
    assert [member.samples for member in members] == [2 * EPOCH_STEPS * BATCH] * 6
    assert [len(member.history()) for member in members] == [2, 4, 6] * 2
    recipes = [Recipe.model_validate(member.recipe) for member in members]
    assert [recipe.id for recipe in recipes] == [member.id for member in members]
    assert [recipe.at_epoch for recipe in recipes] == [2, 4, None] * 2
    assert steps(events) == 2 * 6 * EPOCH_STEPS


@pytest.mark.parametrize("strategy", ["snapshots(cycles=3)", "fast_geometric(members=3, cycle=2)"])
def test_a_member_of_a_chain_is_what_training_it_alone_gives(
    chained: MakeExperiment, tmp_path: Path, strategy: str
) -> None:
    one = chained(strategy, 6, policy=["cosine(peak=0.02)"], model="cnn(width=3, dropout=0.2)")
    list(tune(one, tmp_path / "chain"))
    members = Pool.open(tmp_path / "chain").members()
    assert len({weights_hash(tmp_path / "chain", member.id) for member in members}) == 3
    for gone in members[1:]:  # its predecessor is there, but not the state it would have gone on from
        shutil.copytree(tmp_path / "chain", tmp_path / gone.id)
        shutil.rmtree(tmp_path / gone.id / "members" / gone.id)
        assert steps(tune(one, tmp_path / gone.id)) == len(gone.history()) * EPOCH_STEPS
        assert weights_hash(tmp_path / gone.id, gone.id) == weights_hash(tmp_path / "chain", gone.id)
    alone = chained("grid", 6, policy=[members[-1].recipe["policy"]], model="cnn(width=3, dropout=0.2)")  # type: ignore[index]
    list(tune(alone, tmp_path / "grid"))
    assert weights_hash(tmp_path / "grid", members[-1].id) == weights_hash(tmp_path / "chain", members[-1].id)


def test_a_chain_that_diverges_ends_and_the_others_go_on(chained: MakeExperiment, tmp_path: Path) -> None:
    wild = chained(
        "snapshots(cycles=3)",
        3,
        policy=["constant(peak=1e9)", "cosine(peak=0.02)"],
        train={"optimizer": "sgd"},
        model="mlp(width=7)",
    )
    statuses = [status for _, status in ended(tune(wild, tmp_path))]
    assert statuses == ["diverged", "finished", "finished", "finished"]
    assert [status for _, status in ended(tune(wild, tmp_path))] == ["exists"] * 4
    assert not list((tmp_path / "unfinished").iterdir())


MODULE = """
import torch
from pathlib import Path

def brittle(shape, classes, *, calls: int, allowed: str):
    class Brittle(torch.nn.Linear):
        done = 0
        def forward(self, inputs):
            Brittle.done += self.training
            if Brittle.done > calls and not Path(allowed).exists():
                raise RuntimeError("no luck")
            return super().forward(inputs.flatten(1))
    return Brittle(64, classes)
"""


def test_a_chain_that_fails_goes_on_with_the_next_sweep(
    chained: MakeExperiment, contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brittle_models.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    model = f"brittle_models:brittle(calls={EPOCH_STEPS}, allowed='{tmp_path / 'now'}')"
    one = chained("snapshots(cycles=3)", 6, policy=["cosine(peak=0.02)"], model=model)
    first = tune(one, tmp_path / "pool", save_steps=EPOCH_STEPS)
    assert [status for _, status in ended(first)] == ["failed"]
    assert [failure.name[-13:] for failure in Pool.open(tmp_path / "pool").failures()] == ["after epoch 2"]
    (tmp_path / "now").touch()
    again = list(tune(one, tmp_path / "pool"))
    assert [status for _, status in ended(again)] == ["finished"] * 3
    assert steps(again) == 5 * EPOCH_STEPS, "the epoch that was saved is not trained again"
    list(tune(one, tmp_path / "whole"))
    assert contents(tmp_path / "pool") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("strategy", "epochs", "error", "message"),
    [
        ("snapshots", 6, SpecError, "strategy 'snapshots' needs cycles"),
        ("snapshots(cycles=1)", 6, SpecError, "cycles = 1 is refused"),
        ("snapshots(cycles=4)", 6, ConfigError, r"6 epochs cannot be divided into 4 cycles; give .*e\.g\. 8$"),
        ("fast_geometric(members=3, cycle=3)", 9, SpecError, "cycle = 3 is refused: input should be a multiple of 2"),
        (
            "fast_geometric(members=3, cycle=2)",
            5,
            ConfigError,
            r"3 members with cycles of 2 epochs leave none of the 5 epochs for cosine\(peak=0\.02\); give at least 6$",
        ),
        ("fast_geometric(members=2, peak=0.1, floor=0.2)", 9, SpecError, "a floor lies between 0 and the peak"),
        (
            "snapshots(cycles=2)",
            6,
            ConfigError,
            r"sweep\.space\.train\.weight_decay: a range has no end of values and snapshots\(cycles=2\) trains all",
        ),
    ],
)
def test_what_cannot_be_cut_is_refused(
    chained: MakeExperiment, tmp_path: Path, strategy: str, epochs: int, error: type[Exception], message: str
) -> None:
    space = {"train.weight_decay": "uniform(low=0.0, high=0.1)"} if "weight_decay" in message else {}
    with pytest.raises(error, match=message):
        tune(chained(strategy, epochs, sweep={"space": space}), tmp_path / "pool")
    assert not (tmp_path / "pool").exists()


@pytest.mark.parametrize(
    ("device", "execution"), [pytest.param("cpu", "workers", marks=pytest.mark.long), ("cpu,cpu", "auto")]
)
def test_chains_go_on_in_other_processes(chained: MakeExperiment, tmp_path: Path, device: str, execution: str) -> None:
    one = chained("snapshots(cycles=2)", 2)
    list(tune(one, tmp_path / "here"))
    events = list(tune(one, tmp_path / "there", device=device, execution=execution))
    planned = [event for event in events if isinstance(event, Planned)]
    assert [[(job.execution, len(job.parts)) for job in event.jobs] for event in planned] == [[("workers", 2)]] * 2
    assert steps(events) == 2 * 2 * EPOCH_STEPS, "each goes on where the one before it ended"
    here, there = (Pool.open(tmp_path / folder).members() for folder in ("here", "there"))
    assert [member.id for member in here] == [member.id for member in there]
    for member in here:
        assert weights_hash(tmp_path / "here", member.id) == weights_hash(tmp_path / "there", member.id)
