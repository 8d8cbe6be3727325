"""Who writes: the process behind a draft or a claim, and whether it still lives."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

PATTERN = r"(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-(?P<started>\d+)"
"""A holder's text form, as a regular expression."""


@dataclass(frozen=True)
class Holder:
    """A process on a machine."""

    machine: str
    """Namespace of process numbers: a hash of the host, its boot and, on Linux, the container."""
    process: int
    started: int
    """Clock ticks from boot to the start of the process: its number may be given again. 0 where it is unknown."""

    def __str__(self) -> str:
        return f"{self.machine}-{self.process}-{self.started}"


def this_process() -> Holder:
    """The process that asks."""
    return _holder(os.getpid())


def read_holder(text: str) -> Holder | None:
    """The holder that a text names, if it names one."""
    match = re.fullmatch(PATTERN, text, re.ASCII)
    return Holder(match["machine"], int(match["process"]), int(match["started"])) if match else None


def alive(holder: Holder) -> bool | None:
    """Whether a process lives; None where it cannot be asked for: it is another machine's, or the system has no way."""
    if holder.machine != machine() or os.name != "posix":  # elsewhere the only question is one that ends a process
        return None
    try:
        os.kill(holder.process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and another user's
        pass
    except OverflowError:
        return False
    state, started = _process(holder.process)
    if state in ("Z", "X"):  # killed, and not yet fetched by its parent
        return False
    if not holder.started:  # perhaps another process by the same number
        return None
    return not started or started == holder.started


@functools.lru_cache(maxsize=1)
def _holder(process: int) -> Holder:
    """Kept by number, so that a forked child is not taken for its parent."""
    return Holder(machine(), process, _process(process)[1])


@functools.cache
def machine() -> str:
    """Namespace of process numbers of this machine."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        container = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        boot, container = "", 0
    return hashlib.sha256(f"{platform.node()} {boot} {container}".encode()).hexdigest()[:8]


def _process(process: int) -> tuple[str, int]:
    """State and start of a process as Linux tells them; nothing and 0 elsewhere."""
    try:
        content = Path(f"/proc/{process}/stat").read_bytes()
        # The name of the program stands in brackets and may hold brackets and blanks itself.
        fields = content[content.rindex(b")") + 2 :].split()
        return fields[0].decode("ascii"), int(fields[19])
    except (OSError, ValueError, IndexError):
        return "", 0
