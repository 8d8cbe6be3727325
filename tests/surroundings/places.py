"""Where a command is run: what surrounds it is missing, full, read-only or another user's."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

NOBODY = "65534"
MARGIN = 300 * 1024
"""Bytes that a small disk has beside what lies on it."""


@dataclass(frozen=True)
class Place:
    """Surroundings of a command."""

    name: str
    wrap: Callable[[str, Path], str] = lambda command, _: command
    """The shell command that runs another one there, whose files lie in a folder."""
    change: Mapping[str, str | None] = field(default_factory=dict)
    """Variables of the environment; None takes one away."""
    needs_root: bool = False
    silent: bool = False
    """Whether nothing that is written to standard output arrives: then a command may refuse to go on."""
    may_refuse: bool = False
    """Whether a refusal in one line is as right as success."""

    def can_be_tried(self) -> bool:
        """Whether this user and this system have what the place is made with."""
        if not self.needs_root:
            return sys.platform != "win32"
        tried = "mount --bind / / && mount -o remount,ro,bind / && command -v setpriv"
        return (
            shutil.which("unshare") is not None
            and not subprocess.run(["unshare", "-m", "sh", "-c", tried], capture_output=True, check=False).returncode
        )


def _read_only(command: str, work: Path) -> str:
    """All of the system is read-only but the folder of the work, as in a hardened container."""
    kept = shlex.quote(str(work))
    inside = f"mount --bind {kept} {kept} && mount --bind / / && mount -o remount,ro,bind / && cd {kept} && {command}"
    return f"unshare -m sh -c {shlex.quote(inside)}"


def _all_read_only(command: str, work: Path) -> str:
    """The folder of the work as well."""
    kept = shlex.quote(str(work))
    inside = f"mount --bind {kept} {kept} && mount -o remount,ro,bind {kept} && cd {kept} && {command}"
    return f"unshare -m sh -c {shlex.quote(inside)}"


def _another_user(command: str, _: Path) -> str:
    """A user who may read all, this interpreter too, and write nothing that is another's."""
    rights = "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search"
    return f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups {rights} sh -c {shlex.quote(command)}"


def _small_disk(command: str, work: Path) -> str:
    """The work lies on a disk of its own that holds it and 300 kB more."""
    kept = shlex.quote(str(work))
    size = MARGIN + sum(4096 * (1 + path.stat().st_size // 4096) for path in work.rglob("*"))
    inside = (
        f"cp -a {kept} {kept}.copy && mount -t tmpfs -o size={size} none {kept} && cp -a {kept}.copy/. {kept} && "
        f"rm -r {kept}.copy && cd {kept} && {command}; status=$?; "
        f"find {kept} -name '*.draft' | sed 's/^/LEFT /' >&2; exit $status"
    )
    return f"unshare -m sh -c {shlex.quote(inside)}"


PLACES = (
    Place("as it is"),
    Place("LANG=C", change={"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    Place("Latin-1", change={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}),
    Place("stdout full", lambda command, _: f"{command} > /dev/full", silent=True),
    Place("stdout closed", lambda command, _: f"{command} >&-", silent=True),
    Place("both closed", lambda command, _: f"{command} >&- 2>&-", silent=True),
    Place("HOME unset", change={"HOME": None, "XDG_CACHE_HOME": None}),
    Place("32 files", lambda command, _: f"ulimit -n 32; {command}", may_refuse=True),
    Place("read-only root", _read_only, {"HOME": "/nowhere", "XDG_CACHE_HOME": None}, needs_root=True),
    Place("read-only pool", _all_read_only, needs_root=True, may_refuse=True),
    Place(
        "another user", _another_user, {"HOME": "/nowhere", "XDG_CACHE_HOME": None}, needs_root=True, may_refuse=True
    ),
    Place("300 kB disk", _small_disk, needs_root=True, may_refuse=True),
)
