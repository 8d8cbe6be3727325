"""A sweep that has so many hours: it saves what is under way and says what is missing, and the same call goes on."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from lrensemble.config import Experiment
from lrensemble.errors import TrainingError
from lrensemble.pool import Pool
from lrensemble.train import Ended, Event, OutOfTime, Planned, Step, tune

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, Any]]
NO_TIME = 1e-9


def statuses(events: Iterable[Event]) -> list[str]:
    return [event.status for event in events if isinstance(event, Ended)]


def cut_in_a_run(sweep: Experiment, folder: Path, execution: str) -> list[Event]:
    """The events of a sweep whose time is over while a run is under way."""
    seconds = 1.0
    while True:
        until, told = time.monotonic() + seconds, list[Event]()
        for event in tune(sweep, folder, execution=execution, hours=seconds / 3600):
            told.append(event)
            if isinstance(event, Step):
                time.sleep(max(0.0, until - time.monotonic()))
        began = any(isinstance(event, Step) for event in told)
        if began or not any(isinstance(event, OutOfTime) for event in told):  # or workers have done all of it unseen
            return told
        seconds *= 2  # a slow machine was not ready before


@pytest.mark.parametrize("execution", ["one-by-one", pytest.param("fused", marks=pytest.mark.long), "workers"])
def test_what_is_under_way_is_saved_and_the_same_call_goes_on(
    experiment: MakeExperiment, tmp_path: Path, contents: Contents, execution: str
) -> None:
    sweep = experiment(model="mlp(width=7)")
    list(tune(sweep, tmp_path / "whole", execution=execution))
    told = cut_in_a_run(sweep, tmp_path / "cut", execution)
    if execution != "workers":  # these go on while the events wait, perhaps to their end
        *_, last = told
        assert isinstance(last, OutOfTime)
        assert (len(last.missing), last.remaining) == (3, 0)
        assert list((tmp_path / "cut" / "unfinished").rglob("state.safetensors"))
    rest = list(tune(sweep, tmp_path / "cut", execution=execution, hours=24))
    assert not any(isinstance(event, OutOfTime) for event in rest)
    if execution != "workers":
        assert next(event.step for event in rest if isinstance(event, Step)) > 0
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_no_run_is_begun_without_time(experiment: MakeExperiment, tmp_path: Path) -> None:
    planned, last = tune(experiment(), tmp_path, hours=NO_TIME)
    assert isinstance(planned, Planned)
    assert last == OutOfTime(planned.runs, 0)
    assert not Pool.open(tmp_path).members()


def test_what_is_there_takes_no_time(experiment: MakeExperiment, tmp_path: Path) -> None:
    list(tune(experiment(), tmp_path))
    events = list(tune(experiment(), tmp_path, hours=NO_TIME))
    assert statuses(events) == ["exists"] * 3
    assert not any(isinstance(event, OutOfTime) for event in events)


def test_runs_of_later_rounds_are_missing_too(experiment: MakeExperiment, tmp_path: Path) -> None:
    chain = experiment(sweep={"strategy": "snapshots(cycles=2)"})
    *_, last = tune(chain, tmp_path, hours=NO_TIME)
    assert isinstance(last, OutOfTime)
    assert (len(last.missing), last.remaining) == (3, 3)


@pytest.mark.parametrize("hours", [0.0, -0.0, -1.0, float("nan"), float("inf")])
def test_no_hours_are_refused(experiment: MakeExperiment, tmp_path: Path, hours: float) -> None:
    with pytest.raises(TrainingError, match=r"hours = (-?0|-1|nan|inf) is refused; give a number above 0"):
        tune(experiment(), tmp_path, hours=hours)
