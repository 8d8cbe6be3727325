"""From the calls of an undisturbed command to the faults that it is to survive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.crash.plan import KINDS, Call, Fault

WRITING = tuple(kind for kind in KINDS if kind != "read")
GROWING = ("create", "write", "mkdir", "link", "symlink", "allocate")
"""Calls that a full disk refuses; others it may refuse once, at most."""
ERRORS = {
    "read": ("EIO", "EACCES", "EINTR"),
    "open": ("EIO", "EACCES", "EINTR"),
    "create": ("EIO", "EACCES", "EINTR"),
    "write": ("EIO", "EINTR"),
    "sync": ("EIO", "ENOSPC", "EINTR"),
    "rename": ("EIO", "ENOSPC", "EACCES"),
    "unlink": ("EIO", "EACCES"),
    "rmdir": ("EIO", "EACCES"),
    "mkdir": ("EIO", "EACCES"),
    "link": ("EIO", "EACCES"),
    "symlink": ("EIO", "EACCES"),
    "truncate": ("EIO", "EINTR"),
    "allocate": ("EIO", "EINTR"),
    "times": ("EIO", "EACCES"),
}
"""By kind of call, why it may be refused once."""
DATABASE = "/search.db"
_RANDOM = re.compile(r"[0-9a-f]{4,}|\d+")


def faults_of(calls: Sequence[Call]) -> Iterator[Fault]:
    """All faults of a command: at every call that changes something, and at the first and last reading of a file.

    A process that is killed between two readings leaves what one leaves that is killed at the next change.
    """
    for place, call in enumerate(calls):
        if call.kind == "read":
            if _is_first_or_last(place, calls):
                yield from (Fault(place + 1, "fail", error) for error in ERRORS["read"])
            continue
        yield Fault(place + 1, "kill")
        if DATABASE in call.path:  # SQLite's own calls, hundreds, which its authors test as well
            yield Fault(place + 1, "fail", "ENOSPC" if call.kind in GROWING else "EIO", WRITING)
            continue
        if call.kind == "write":
            yield Fault(place + 1, "tear")
            yield Fault(place + 1, "shorten")
        if call.kind in GROWING:
            yield Fault(place + 1, "fail", "ENOSPC", GROWING)
        yield Fault(place + 1, "fail", "EROFS" if call.kind != "write" else "EIO", WRITING)
        yield from (Fault(place + 1, "fail", error) for error in ERRORS[call.kind])


def _is_first_or_last(place: int, calls: Sequence[Call]) -> bool:
    alike = [i for i, call in enumerate(calls) if (call.kind, call.path) == (calls[place].kind, calls[place].path)]
    return place in (alike[0], alike[-1])


def steady(path: str) -> str:
    """A path without what differs from one run to the next: drafts' and looks' random names, numbers of processes."""
    return _RANDOM.sub("#", path)
