"""Executors that a sweep is asked to use: who trains is no part of what comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrensemble.config import Experiment, to_record
from lrensemble.errors import ConfigError, LREnsembleError, TrainingError, WorkerError
from lrensemble.train import Ended, Planned, tune

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]

OWN = "tests.registry.own_things:backwards_here"


def trained(experiment: Experiment, folder: Path, **options: Any) -> tuple[list[str], list[str]]:
    """Executions of the jobs, and the names of the runs in the order in which they ended."""
    events = list(tune(experiment, folder, **options))
    (planned,) = (event for event in events if isinstance(event, Planned))
    ended = [event for event in events if isinstance(event, Ended)]
    assert {event.status for event in ended} <= {"finished"}
    return [job.execution for job in planned.jobs], [event.run.name for event in ended]


def files(contents: dict[str, object]) -> dict[str, object]:
    """Without the records, which say in which execution a member was trained."""
    return {name: each for name, each in contents.items() if "/" in name}


def test_who_trains_is_no_part_of_a_member(experiment: MakeExperiment, contents: Contents, tmp_path: Path) -> None:
    whole, own = {"execution": "one-by-one"}, [OWN, "processes(workers=2)"]
    jobs, in_order = trained(experiment(), tmp_path / "whole", **whole)
    assert jobs == ["one-by-one"] * 3
    assert trained(experiment(), tmp_path / "here", executor="in_process", **whole) == (jobs, in_order)
    expected = contents(tmp_path / "whole")
    assert contents(tmp_path / "here") == expected
    for place, executor in enumerate(own):
        in_places, _ = trained(experiment(executor=executor), tmp_path / str(place), **whole)
        assert in_places == (jobs if executor == OWN else ["workers"])
        assert files(contents(tmp_path / str(place))) == files(expected)


def test_groups_are_made_for_the_places(experiment: MakeExperiment, tmp_path: Path) -> None:
    small = experiment(model="mlp(width=7)")
    events = tune(small, tmp_path, execution="fused", executor={"name": "processes", "workers": 2})
    planned = next(event for event in events if isinstance(event, Planned))
    events.close()
    (job,) = planned.jobs
    assert [(part.execution, len(part.runs)) for part in job.parts] == [("fused", 2), ("one-by-one", 1)]
    assert job.devices == ("cpu", "cpu")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"executor": "in_proces"}, LREnsembleError, "no executor named 'in_proces'; did you mean 'in_process'?"),
        (
            {"executor": "processes(worker=3)"},
            LREnsembleError,
            "executor 'processes' has no argument 'worker'; did you",
        ),
        (
            {"executor": "in_process", "execution": "workers"},
            TrainingError,
            "execution workers and executor in_process contradict each other; give one of the two",
        ),
        ({"executor": "in_process", "device": "cpu,cpu"}, WorkerError, "executor in_process has one device"),
    ],
)
def test_what_cannot_be_is_refused_before_any_training(
    experiment: MakeExperiment, tmp_path: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        tune(experiment(), tmp_path, **options)
    assert message in str(caught.value)


def test_what_is_given_goes_before_what_the_experiment_says(experiment: MakeExperiment, tmp_path: Path) -> None:
    jobs, _ = trained(experiment(executor="processes(workers=2)"), tmp_path, executor="in_process")
    assert "workers" not in jobs


def test_the_key_is_a_name_or_a_table(sweep: dict[str, Any]) -> None:
    for given in ("processes(workers=2)", {"name": "processes", "workers": 2}):
        assert str(to_record(Experiment, sweep | {"executor": given}, "test").executor) == "processes(workers=2)"
    with pytest.raises(ConfigError, match="test: executor: "):
        to_record(Experiment, sweep | {"executor": 2}, "test")
