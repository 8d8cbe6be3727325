"""What the workers of these tests do; in a module, since a worker is a fresh interpreter that imports it."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

Told = tuple[str, str, int]
Task = Callable[[str], Iterator[Told]]


class OddError(Exception):
    """Cannot be read back from its pickle: it needs two arguments and keeps one."""

    def __init__(self, place: str, number: int) -> None:
        super().__init__(f"{place}, {number}")


def prepare(folder: Path, device: str = "") -> Task:
    return partial(do, folder, device)


def prepare_asking(folder: Path, ask: Callable[[str], str]) -> Task:
    return partial(do_asking, folder, ask)


def do_asking(folder: Path, ask: Callable[[str], str], item: str) -> Iterator[Told]:
    """Ask, and tell the answer; `killed-once` dies at first with its question asked and the answer there."""
    first = not (folder / item).exists()
    (folder / item).touch()
    answer = ask(item)
    if item.startswith("killed-once") and first:
        os.kill(os.getpid(), signal.SIGKILL)
    yield item, answer, os.getpid()


def prepare_meeting(folder: Path, device: str) -> Task:
    assert device == "auto"
    return partial(do_meeting, folder)


def do_meeting(folder: Path, item: str) -> Iterator[Told]:
    """Tell which GPUs there are, once another item is under way as well."""
    (folder / f"meeting {item}").touch()
    deadline = time.monotonic() + 60
    while len([*folder.glob("meeting *")]) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    yield item, os.environ.get("CUDA_VISIBLE_DEVICES", ""), os.getpid()


def prepare_with_array(array: NDArray[np.int64]) -> Task:
    return partial(do_sum, array)


def do_sum(array: NDArray[np.int64], item: str) -> Iterator[Told]:
    """Tell the sum of an array, and whose memory it has."""
    assert item
    kind = f"{'writable' if array.flags.writeable else 'read-only'}, {'its own' if array.flags.owndata else 'a view'}"
    yield str(array.sum()), kind, os.getpid()


def prepare_badly() -> Task:
    raise FileNotFoundError("no data here")


def do(folder: Path, device: str, item: str) -> Iterator[Told]:
    """Tell (item, device, process), then do what the first word of the item says."""
    kind = item.partition(" ")[0]
    begun = folder / item
    first = not begun.exists()
    begun.touch()
    yield item, device, os.getpid()
    if kind == "killed" or (kind == "killed-once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "left":
        os._exit(0)
    if kind == "exit":
        sys.exit(0)
    if kind == "raise":
        raise OSError("the disk is full")
    if kind == "odd":
        raise OddError("here", 3)
    if kind == "function":
        yield cast("Told", lambda: None)
    while kind == "sleep" or (kind == "held" and first):
        time.sleep(0.05)
