"""Groups when several processes are at work: one for each, had by one of them, and whole."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lrensemble.config import Experiment
from lrensemble.files.claims import Claim, claim
from lrensemble.files.holder import Holder
from lrensemble.pool import Pool
from lrensemble.train import Planned, tune
from lrensemble.train.execution.jobs import Job, from_own_place, jobs_of
from lrensemble.train.run.progress.claims import claim_group, group_id
from lrensemble.train.run.runs import Run, unfinished
from lrensemble.train.sweep.setup import Setup, set_up

MakeExperiment = Callable[..., Experiment]

ELSEWHERE = Holder("0" * 8, 4711, 1)


@pytest.fixture
def ten(experiment: MakeExperiment, tmp_path: Path) -> tuple[tuple[Run, ...], Setup]:
    """Ten runs that can be stacked, and the pool that they are for."""
    policies = [f"constant(peak={0.01 * (1 + place):.2f})" for place in range(10)]
    one = experiment(model="mlp(width=7)", policy=policies)
    events = tune(one, tmp_path / "pool")
    planned = next(events)
    events.close()
    assert isinstance(planned, Planned)
    return planned.runs, set_up(one, tmp_path / "pool", [torch.device("cpu")])


def held_elsewhere(pool: Pool, name: str) -> None:
    """A claim of a process of another machine."""
    (unfinished(pool) / name / f"{ELSEWHERE}-0123abcd.300s.elsewhere").mkdir(parents=True)


@pytest.mark.parametrize(
    ("processes", "reproducible", "sizes"),
    [(1, False, [10]), (3, False, [4, 4, 2]), (5, False, [2] * 5), (10, False, []), (5, True, [4, 4, 2])],
)
def test_every_process_finds_a_group(
    ten: tuple[tuple[Run, ...], Setup], processes: int, reproducible: bool, sizes: list[int]
) -> None:
    runs, setup = ten
    jobs = jobs_of(
        runs,
        setup.dataset,
        setup.pool,
        "fused",
        max_group_size=4 if reproducible else None,
        reproducible=reproducible,
        processes=processes,
    )
    assert [len(job.runs) for job in jobs if job.execution == "fused"] == sizes
    assert sum(len(job.runs) for job in jobs) == 10


def test_each_begins_at_a_place_of_its_own_and_does_all() -> None:
    jobs = [Job("one-by-one", ()), Job("fused", ()), Job("workers", ())]
    assert from_own_place(jobs, 1) == jobs
    turned = from_own_place(jobs, 2)
    assert turned == from_own_place(jobs, 2)
    assert [*turned, *turned][turned.index(jobs[0]) :][:3] == jobs
    assert from_own_place([], 2) == []


def test_a_group_that_another_process_has_is_left_to_it_as_a_whole(ten: tuple[tuple[Run, ...], Setup]) -> None:
    runs, setup = ten
    name = group_id([run.id for run in runs])
    held_elsewhere(setup.pool, name)
    claims, others = claim_group(runs, setup.pool)
    assert claims is None
    assert [(each.run.id, each.claim) for each in others] == [(run.id, name) for run in runs]
    assert os.listdir(unfinished(setup.pool)) == [name], "none of its runs is claimed"


def test_without_those_that_others_have_it_is_another_group(ten: tuple[tuple[Run, ...], Setup]) -> None:
    runs, setup = ten
    held_elsewhere(setup.pool, runs[3].id)
    claims, others = claim_group(runs, setup.pool)
    assert claims is not None
    rest = (*runs[:3], *runs[4:])
    assert claims.runs == rest
    assert claims.state.folder.parent.name == group_id([run.id for run in rest])
    assert [each.run for each in others] == [runs[3]]
    assert claims.are_held()
    claims.members[runs[5].id].folder.rename(unfinished(setup.pool) / runs[5].id / "0")
    assert not claims.are_held()


def test_one_that_was_begun_is_had_whole_or_not_at_all(ten: tuple[tuple[Run, ...], Setup]) -> None:
    runs, setup = ten
    home, name = unfinished(setup.pool), group_id([run.id for run in runs])
    begun = claim(home, name)
    assert isinstance(begun, Claim)
    (begun.folder / "state.safetensors").write_bytes(b"half-way")
    begun.release()
    held_elsewhere(setup.pool, runs[3].id)
    claims, others = claim_group(runs, setup.pool)
    assert claims is None
    assert {each.claim for each in others} == {runs[3].id}
    (left,) = (home / name).iterdir()
    assert left.name.startswith("free-"), "the state is there for whoever has all of it"
    assert sorted(os.listdir(home)) == sorted([name, runs[3].id])
