"""Reproducible sweeps: neither cores nor memory decide who is trained with whom."""

from pathlib import Path

import pytest
from tests.train.conftest import Contents, MakeExperiment

from lrensemble.errors import TrainingError
from lrensemble.pool import Pool
from lrensemble.train import Planned, tune

POLICY = ["constant(peak=0.01)", "one_cycle(peak=0.05)", "cosine(peak=0.02)"]


def test_a_worker_process_gives_the_same_bits(experiment: MakeExperiment, contents: Contents, tmp_path: Path) -> None:
    small = experiment(model="mlp(width=7)", policy=POLICY)
    for execution in ("workers", "one-by-one", "auto"):
        list(tune(small, tmp_path / execution, execution=execution, reproducible=True))
    made = {member.id: member.made_with for member in Pool.open(tmp_path / "workers").members()}
    assert {each.execution for each in made.values() if each} == {"workers"}
    for execution in ("one-by-one", "auto"):
        found = contents(tmp_path / execution)
        for member in Pool.open(tmp_path / execution).members():
            worker = made[member.id]
            assert member.made_with is not None
            assert worker is not None
            assert member.made_with.execution == "one-by-one"
            assert member.made_with.differences(worker) == {}
            for name in ("weights", "predictions"):
                path = f"{member.id}/{name}.safetensors"
                assert found[path] == contents(tmp_path / "workers")[path]


@pytest.mark.parametrize(("size", "groups"), [(2, [("fused", 2), ("one-by-one", 1)]), (3, [("fused", 3)])])
def test_groups_have_the_size_that_is_given(
    experiment: MakeExperiment, tmp_path: Path, size: int, groups: list[tuple[str, int]]
) -> None:
    small = experiment(model="mlp(width=7)", policy=POLICY)
    planned = next(tune(small, tmp_path, execution="fused", group_size=size, reproducible=True))
    assert isinstance(planned, Planned)
    assert [(job.execution, len(job.runs)) for job in planned.jobs] == groups


@pytest.mark.parametrize("execution", ["auto", "measure"])
def test_the_rule_groups_nothing(experiment: MakeExperiment, tmp_path: Path, execution: str) -> None:
    small = experiment(model="mlp(width=7)", policy=POLICY)
    plain = next(tune(small, tmp_path, execution="auto"))
    assert isinstance(plain, Planned)
    assert [job.execution for job in plain.jobs] == ["fused"], "which it would do otherwise"
    planned = next(tune(small, tmp_path, execution=execution, reproducible=True))
    assert isinstance(planned, Planned)
    assert {job.execution for job in planned.jobs} == {"one-by-one"}


def test_groups_without_a_size_are_refused(experiment: MakeExperiment, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"reproducible groups need a size, or the memory would decide it: give"):
        tune(experiment(), tmp_path, execution="fused", reproducible=True)
