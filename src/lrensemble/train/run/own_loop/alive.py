"""A block that may last for hours: the claim on its run is kept, and what interrupts the program interrupts it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from lrensemble.files.beating import beating
from lrensemble.train.run.progress.claims import Claims
from lrensemble.train.run.session import Interrupt


@contextmanager
def kept_alive(claims: Claims) -> Iterator[None]:
    """Touch claims while the block lasts: nobody sees the steps of a loop that is not ours."""
    with beating(claims.beat, claims.state.lease):
        yield


@contextmanager
def interrupted_immediately(interrupt: Interrupt) -> Iterator[None]:
    """Raise what asks the program to end in the middle of the block: there is no step to wait for.

    Raises:
        KeyboardInterrupt: it was asked to end, even where the block has caught that itself: what it hands back is then
            not what it was to be.
    """
    interrupt.immediate = True
    try:
        yield
    except SystemExit as stop:  # as some loops end when they are interrupted
        if interrupt.number is None:
            raise RuntimeError(f"it ended the program, with status {stop.code}") from stop
    finally:
        interrupt.immediate = False
    if interrupt.number is not None:
        raise interrupt.error()


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Make what the block draws from the global generators of Python, numpy and torch a function of a seed, and leave
    no trace of it.
    """
    before = random.getstate(), np.random.get_state()
    devices = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        for index in devices:
            torch.cuda.default_generators[index].manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])
