"""What every executor promises: the same items, messages, answers, errors and ends, wherever the work is done."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.executors.worker_tasks import prepare, prepare_asking, prepare_badly

from lrensemble.executors import Crashed, Executor

ITEMS = [f"plain {index}" for index in range(5)]


def every_item_is_done_once_on_a_device_of_a_place(executor: Executor, folder: Path) -> None:
    places = executor.places(["cpu"])
    messages = list(executor.map(partial(prepare, folder), ITEMS, devices=places))
    told = [message for message in messages if not isinstance(message, Crashed)]
    assert sorted(item for item, _, _ in told) == ITEMS
    assert {device for _, device, _ in told} == set(places or [""])
    assert (os.getpid() in {process for _, _, process in told}) == (places == ())


def of_no_items_nothing_is_told(executor: Executor, folder: Path) -> None:
    assert list(executor.map(partial(prepare, folder), [])) == []


def what_a_worker_asks_is_answered_by_who_has_the_items(executor: Executor, folder: Path) -> None:
    def answer(item: str) -> str:
        return f"{item}, by {os.getpid()}"

    messages = list(executor.map(partial(prepare_asking, folder), ITEMS, answer=answer))
    told = {message[0]: message[1] for message in messages if not isinstance(message, Crashed)}
    assert told == {item: f"{item}, by {os.getpid()}" for item in ITEMS}


def errors_of_the_work_and_of_its_preparation_are_raised_here(executor: Executor, folder: Path) -> None:
    with pytest.raises(OSError, match="the disk is full"):
        list(executor.map(partial(prepare, folder), ["raise 0", "plain 1"]))
    with pytest.raises(FileNotFoundError, match="no data here"):
        list(executor.map(prepare_badly, ["plain 0"]))


def once_it_is_to_stop_it_ends_as_by_ctrl_c(executor: Executor, folder: Path) -> None:
    told = list[object]()
    messages = executor.map(partial(prepare, folder), [*ITEMS, "sleep 9"], stop=lambda: len(told) > 1)
    with pytest.raises(KeyboardInterrupt):
        told.extend(messages)
    assert len(told) >= 2


CONTRACT: list[Callable[[Executor, Path], None]] = [
    every_item_is_done_once_on_a_device_of_a_place,
    of_no_items_nothing_is_told,
    what_a_worker_asks_is_answered_by_who_has_the_items,
    errors_of_the_work_and_of_its_preparation_are_raised_here,
    once_it_is_to_stop_it_ends_as_by_ctrl_c,
]
