"""The plan that processes share with `faults.c`: which call meets a fault, and which calls there were."""

from __future__ import annotations

import errno
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KINDS = (
    "read",
    "open",
    "create",
    "write",
    "sync",
    "rename",
    "unlink",
    "rmdir",
    "mkdir",
    "link",
    "symlink",
    "truncate",
    "allocate",
    "times",
)
"""Of calls, in the order of the enumeration in faults.c. `read` opens a file or a folder for reading, `open` a file
that is there for writing, and `create` one that is not."""

ACTIONS = ("none", "kill", "tear", "fail", "shorten")
Action = Literal["kill", "tear", "fail", "shorten"]

_HEAD = struct.Struct("<4i5q4096s")
_LOG = 4 << 20


@dataclass(frozen=True)
class Call:
    """A system call on something in the folder that is watched."""

    process: int
    kind: str
    path: str
    to: str = ""
    """Where something is renamed to."""


@dataclass(frozen=True)
class Fault:
    """What happens at a call."""

    at: int
    """Number of the call, from 1."""
    action: Action
    """Killed before it; killed when half of it is written; refused; half of it written, as the system may."""
    error: str = ""
    """Why it is refused: `ENOSPC`, …"""
    lasting: tuple[str, ...] = ()
    """Kinds of calls that are refused from then on."""

    def __str__(self) -> str:
        lasting = " from then on" if self.lasting else ""
        return f"{self.action} {self.error}{lasting}".replace("fail ", "")


class Plan:
    """A plan in a file that is mapped into memory; made before the first process that is to share it."""

    @staticmethod
    def make(path: Path) -> None:
        """Make the file, with nothing planned."""
        with path.open("wb") as file:
            file.truncate(_HEAD.size + _LOG)

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)

    def arm(self, root: Path, fault: Fault | None, leader: int) -> None:
        """Count calls below a folder from now on, and let one meet a fault; `leader` dies with whoever dies by it."""
        action, at, error = 0, 0, 0
        lasting: tuple[str, ...] = ()
        if fault is not None:
            action, at, lasting = ACTIONS.index(fault.action), fault.at, fault.lasting
            error = getattr(errno, fault.error) if fault.error else 0
        kinds = sum(1 << KINDS.index(kind) for kind in lasting)
        head = _HEAD.pack(1, action, error, bool(lasting), at, 0, 0, kinds, leader, str(root).encode())
        self._memory[: _HEAD.size] = head

    def disarm(self) -> None:
        """Let all calls pass, uncounted."""
        self._memory[:4] = bytes(4)

    def calls(self) -> list[Call]:
        """Those that were counted since the plan was armed."""
        _, _, _, _, _, _, logged, *_ = _HEAD.unpack(self._memory[: _HEAD.size])
        text = self._memory[_HEAD.size : _HEAD.size + min(logged, _LOG)].decode(errors="surrogateescape")
        calls = list[Call]()
        for line in text.splitlines():
            first, kind, *path = line.split(" ", 2)
            if first == ">":
                last = calls.pop()
                calls.append(Call(last.process, last.kind, last.path, " ".join((kind, *path))))
            else:
                calls.append(Call(int(first), kind, path[0]))
        return calls
