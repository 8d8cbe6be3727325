"""A member is trained again: the bits agree where all that decides them is as it was, and what differs is told."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.conftest import Contents, MakeExperiment

from lrensemble.errors import DataError, PoolError
from lrensemble.files import seal
from lrensemble.pool import Member, MemberRecord, Pool, remove_members
from lrensemble.pool.collect import collect
from lrensemble.targets import LogProbs
from lrensemble.train import Step, reproduce, tune

SECOND = "one_cycle(peak=0.05)"


def content_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("execution", ["one-by-one", "fused", "workers"])
def test_a_member_has_its_bits_again(experiment: MakeExperiment, tmp_path: Path, execution: str) -> None:
    list(tune(experiment(model="mlp(width=7)"), tmp_path, execution=execution))
    before = content_of(tmp_path)
    found = reproduce(tmp_path, SECOND)
    assert (found.agreement, found.promised, found.kept) == ("bits", "bits", True)
    assert (found.alone, found.differences) == ("", {})
    assert {split: (each.labels_differ, each.largest_difference) for split, each in found.rows.items()} == {
        "val": (0, 0),
        "test": (0, 0),
    }
    assert {metric: (score.member == score.again) for metric, score in found.scores.items()} == {
        "accuracy": True,
        "nll": True,
    }
    assert found.made_with is not None
    assert found.made_with.group_size == (3 if execution == "fused" else 1)
    assert content_of(tmp_path) == before, "the pool stays as it is"


def test_a_network_that_draws_has_its_bits_again(experiment: MakeExperiment, tmp_path: Path) -> None:
    list(tune(experiment(policy=[SECOND]), tmp_path))
    assert reproduce(Pool.open(tmp_path), SECOND).agreement == "bits"


@pytest.mark.parametrize(
    ("strategy", "epochs", "status"),
    [
        ("snapshots(cycles=2)", 2, "finished"),
        (
            "optuna(trials=4, seed=0, sampler=random(), pruner=successive_halving(min_resource=1, reduction_factor=2))",
            3,
            "pruned",
        ),
    ],
)
def test_parts_of_runs_have_their_bits_again(
    experiment: MakeExperiment, tmp_path: Path, strategy: str, epochs: int, status: str
) -> None:
    policy = ["constant(peak=0.001)", "constant(peak=0.01)", "constant(peak=0.03)", "cosine(peak=0.02)"]
    sweep = experiment(policy=policy, sweep={"strategy": strategy}, train={"epochs": epochs})
    list(tune(sweep, tmp_path))
    members = Pool.open(tmp_path).members(include_diverged=True)
    parts = [each for each in members if each.status == status and (each.recipe or {})["at_epoch"] is not None]
    found = reproduce(tmp_path, parts[0].id)
    assert (found.status, found.agreement, found.kept) == (status, "bits", True)
    assert bool(found.rows) == (status == "finished")


def test_a_run_that_diverged_diverges_again(experiment: MakeExperiment, tmp_path: Path) -> None:
    sweep = experiment(policy=["constant(peak=1e30)"], train={"optimizer": "sgd"})
    list(tune(sweep, tmp_path))
    found = reproduce(tmp_path, "constant(peak=1e+30)")
    assert (found.status, found.agreement, found.rows, found.scores) == ("diverged", "bits", {}, {})


@pytest.fixture
def pool(experiment: MakeExperiment, tmp_path: Path) -> Pool:
    """A pool of one group of three."""
    list(tune(experiment(model="mlp(width=7)"), tmp_path / "pool", execution="fused"))
    return Pool.open(tmp_path / "pool")


def member_of(pool: Pool) -> Member:
    (member,) = [each for each in pool.members() if each.name == SECOND]
    return member


def rewrite(member: Member, **changes: Any) -> None:
    """Write something else into `member.json`; None takes a key away."""
    content = {key: value for key, value in {**member.record(), **changes}.items() if value is not None}
    (member.folder / "member.json").write_bytes(seal(content))


def test_another_version_promises_the_scores_alone(pool: Pool) -> None:
    made = member_of(pool).record()["made_with"]
    versions = {**made["versions"], "torch": "1.0.0"}
    rewrite(member_of(pool), made_with={**made, "versions": versions})
    found = reproduce(pool, SECOND)
    assert found.differences == {"torch": ("1.0.0", made["versions"]["torch"])}
    assert (found.agreement, found.promised, found.kept) == ("bits", "scores", True)


def test_a_group_that_is_not_whole_is_said_to_be_so(pool: Pool) -> None:
    missing = pool.members()[0].id
    remove_members(pool, [missing])
    found = reproduce(pool, SECOND)
    assert found.alone == f"the pool does not have {missing} of its group of 3"
    assert found.differences.keys() == {"way"}
    assert found.differences["way"][1] == "alone"
    assert (found.promised, found.kept) == ("scores", True)


def test_an_earlier_version_recorded_no_group(pool: Pool) -> None:
    made = member_of(pool).record()["made_with"]
    flat = {name: made[name] for name in ("execution", "group_size", "threads", "device", "processor")}
    content = member_of(pool).record()
    content.pop("made_with")
    content["environment"] = {**flat, **made["versions"]}
    (member_of(pool).folder / "member.json").write_bytes(seal(content))
    found = reproduce(pool, SECOND)
    assert found.alone == "the version that trained it did not record its group of 3"
    assert found.differences == {"way": ("in a group of 3", "alone")}
    assert (found.promised, found.kept) == ("scores", True)


def moved(pool: Pool, folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> Pool:
    """A copy of a pool in which one member says something else than its recipe gives."""
    shutil.copytree(pool.folder, folder)
    member, copy = member_of(pool), Pool.open(folder)
    said = {}
    for split in ("val", "test"):
        logits = change(np.asarray(member.predictions(split).main, dtype=np.float64))
        said[split] = LogProbs(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    remove_members(copy, [member.id])
    record = {key: value for key, value in member.record().items() if key not in ("task", "files")}
    copy.add(MemberRecord.model_validate(record), said)
    return copy


@pytest.mark.parametrize(
    ("change", "agreement"),
    [
        (lambda log_probs: 1.001 * log_probs, "labels"),
        (lambda log_probs: log_probs + 0.02 * np.random.default_rng(0).normal(size=log_probs.shape), "scores"),
        (lambda log_probs: 30 * np.roll(log_probs, 1, axis=0), "nothing"),
    ],
)
def test_what_agrees_is_told(
    pool: Pool, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], agreement: str
) -> None:
    other = moved(pool, tmp_path / "other", change)
    found = reproduce(other, SECOND)
    assert (found.agreement, found.promised, found.kept) == (agreement, "bits", False)
    for split in ("val", "test"):
        theirs, ours = (member_of(each).predictions(split) for each in (other, pool))
        assert found.rows[split].labels_differ == np.count_nonzero(theirs.labels() != ours.labels())
        difference = np.abs(np.exp(theirs.main.astype(np.float64)) - np.exp(ours.main.astype(np.float64)))
        assert found.rows[split].largest_difference == pytest.approx(difference.max())
    assert (found.rows["val"].labels_differ == 0) == (agreement == "labels")
    assert found.scores["nll"].agrees == (agreement != "nothing")


def test_what_cannot_be_trained_again_is_refused(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(PoolError, match="has no member 'cosin'"):
        reproduce(pool, "cosin")
    recipe = member_of(pool).record()["recipe"]
    rewrite(member_of(pool), recipe={**recipe, "fingerprint": "0" * 64})
    with pytest.raises(DataError, match="these are not the rows that the member was trained on"):
        reproduce(pool, SECOND)
    np.savez(tmp_path / "said.npz", probs=np.full((1, 4, 2), 0.5), labels=np.array([0, 1, 0, 1]))
    collected = collect([tmp_path / "said.npz"], tmp_path / "collected", holdout=0.5)
    with pytest.raises(PoolError, match="was trained elsewhere: it has no recipe to train again"):
        reproduce(tmp_path / "collected", collected.added[0])


LARGE: dict[str, Any] = {"model": "mlp(width=512)", "policy": ["constant(peak=0.01)"], "train": {"epochs": 1}}
"""A network that is large enough for several threads."""


def test_reproducible_members_do_not_depend_on_the_threads(
    experiment: MakeExperiment, contents: Contents, tmp_path: Path
) -> None:
    torch.set_num_threads(2)  # the conftest's fixture sets it back
    list(tune(experiment(**LARGE), tmp_path / "plain", execution="one-by-one"))
    events = tune(experiment(**LARGE), tmp_path / "two", reproducible=True)
    modes = {torch.are_deterministic_algorithms_enabled() for event in events if isinstance(event, Step)}
    assert modes == {True}, "while it trains"
    torch.set_num_threads(1)
    list(tune(experiment(**LARGE), tmp_path / "one", reproducible=True))
    plain, two = (Pool.open(tmp_path / name).members()[0].made_with for name in ("plain", "two"))
    assert plain is not None
    assert two is not None
    assert (plain.threads, plain.deterministic) == (2, False)
    assert (two.threads, two.deterministic) == (1, True)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert not torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(2)
    for name in ("plain", "two"):
        found = reproduce(tmp_path / name, "constant(peak=0.01)")
        assert (found.agreement, found.promised, found.differences) == ("bits", "bits", {})


def test_a_run_goes_on_as_it_began(experiment: MakeExperiment, tmp_path: Path) -> None:
    one = experiment(policy=[SECOND])
    for first, later in ((True, False), (False, True)):
        folder = tmp_path / str(first)
        events = tune(one, folder, save_steps=3, reproducible=first)
        for _ in range(8):
            next(events)
        events.close()
        list(tune(one, folder, save_steps=3, reproducible=later))
        made = Pool.open(folder).members()[0].made_with
        assert made is not None
        assert made.deterministic == first
