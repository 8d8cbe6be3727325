"""The contract of executors, over all that are registered: the same items, messages, answers, errors and ends."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from tests.executors.worker_tasks import prepare, prepare_asking, prepare_badly

from lrensemble.errors import LREnsembleError
from lrensemble.executors import EXECUTORS, Crashed, Executor

ITEMS = [f"plain {index}" for index in range(5)]


@pytest.fixture(params=[name for name in EXECUTORS if EXECUTORS.find(name).shipped])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "processes":
        return EXECUTORS.call("processes(workers=2)")
    if request.param == "ray":
        request.getfixturevalue("cluster")
    return EXECUTORS.call(request.param)


def test_every_item_is_done_once_on_a_device_of_a_place(executor: Executor, tmp_path: Path) -> None:
    places = executor.places(["cpu"])
    messages = list(executor.map(partial(prepare, tmp_path), ITEMS, devices=places))
    told = [message for message in messages if not isinstance(message, Crashed)]
    assert sorted(item for item, _, _ in told) == ITEMS
    assert {device for _, device, _ in told} == set(places or [""])
    assert (os.getpid() in {process for _, _, process in told}) == (places == ())


def test_of_no_items_nothing_is_told(executor: Executor, tmp_path: Path) -> None:
    assert list(executor.map(partial(prepare, tmp_path), [])) == []


def test_what_a_worker_asks_is_answered_by_who_has_the_items(executor: Executor, tmp_path: Path) -> None:
    def answer(item: str) -> str:
        return f"{item}, by {os.getpid()}"

    messages = list(executor.map(partial(prepare_asking, tmp_path), ITEMS, answer=answer))
    told = {message[0]: message[1] for message in messages if not isinstance(message, Crashed)}
    assert told == {item: f"{item}, by {os.getpid()}" for item in ITEMS}


def test_errors_of_the_work_and_of_its_preparation_are_raised_here(executor: Executor, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the disk is full"):
        list(executor.map(partial(prepare, tmp_path), ["raise 0", "plain 1"]))
    with pytest.raises(FileNotFoundError, match="no data here"):
        list(executor.map(prepare_badly, ["plain 0"]))


def test_once_it_is_to_stop_it_ends_as_by_ctrl_c(executor: Executor, tmp_path: Path) -> None:
    told = list[object]()
    messages = executor.map(partial(prepare, tmp_path), [*ITEMS, "sleep 9"], stop=lambda: len(told) > 1)
    with pytest.raises(KeyboardInterrupt):
        told.extend(messages)
    assert len(told) >= 2


def test_a_device_in_another_process_needs_one() -> None:
    with pytest.raises(LREnsembleError, match=r"executor in_process has one device \(cpu, cpu:0 were given\)"):
        EXECUTORS.call("in_process").places(["cpu", "cpu:0"])
    assert EXECUTORS.call("processes").places(["cpu", "cpu:0"]) == ("cpu", "cpu:0")
    assert EXECUTORS.call("processes(workers=3)").places(["cpu"]) == ("cpu", "cpu", "cpu")
