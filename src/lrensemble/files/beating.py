"""A claim that is touched from a thread, for work that has no steps between which its holder could touch it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lrensemble.errors import LostClaimError, StorageError
from lrensemble.files.claims import BEATS


@contextmanager
def beating(beat: Callable[[], None], lease: int) -> Iterator[None]:
    """Touch claims while the block lasts.

    So a block that hangs keeps them for as long as its process lives. A claim that was lost is noticed afterwards, by
    whoever writes into it.

    Args:
        beat: touches them.
        lease: seconds for which they hold.
    """
    ended = threading.Event()

    def beat_on() -> None:
        with suppress(LostClaimError):
            while not ended.wait(lease / (2 * BEATS)):
                with suppress(StorageError, OSError):  # of a network, say: the next touch may reach it
                    beat()

    thread = threading.Thread(target=beat_on, daemon=True, name="beating")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
