"""What processes that share a pool must have in common: a file system that keeps its promises, versions, clocks."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from lrensemble.environment import versions
from lrensemble.errors import StorageError, TrainingError
from lrensemble.files import warn_once
from lrensemble.files.claims import BEATS, lease_seconds
from lrensemble.files.shared import OF_ONE_MACHINE, broken_promises, copies, file_system_of
from lrensemble.pool.processes.presence import FOLDER, Process

TASKS = {
    "SLURM_ARRAY_TASK_ID": "a task of a Slurm array",
    "SLURM_PROCID": "a task of Slurm",
    "JOB_COMPLETION_INDEX": "a pod of a Kubernetes Job",
}
"""Variables that schedulers set for the processes that they start, and what such a process is."""


SECONDS_TO_SEE = 30.0
"""Seconds until a file that another machine has written is seen, at most: network file systems ask now and then."""


def check_shared(folder: Path, *, several: bool, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a folder that several processes cannot share; where there is one process, warn of it.

    Its file system is tried where there are several; one process alone is told what is known by its name.

    Args:
        folder: of a pool, which is there.
        several: whether it is known that others are at work, or will be.
        environment: variables by which schedulers tell a process what it is.

    Raises:
        StorageError: its file system breaks a promise that claims rely on, or it cannot be written to.
    """
    kind, task = file_system_of(folder), next((what for name, what in TASKS.items() if name in environment), None)
    wrong = broken_promises(folder) if several or task else []
    if behind := copies(kind):
        wrong.append(f"copies where others rename ({behind})")
    if wrong:
        line = (
            f"{folder} lies on {kind or 'a file system'}, which {' and '.join(wrong)}: of processes that train in it "
            "at once, two could train and write the same"
        )
        if several or task:
            raise StorageError(
                f"{line}; give a folder on a local disk, or on a shared one such as NFS, Lustre or CephFS"
            )
        warn_once(f"{line}; start one at a time")
    elif task and kind in OF_ONE_MACHINE:
        warn_once(
            f"{folder} lies on {kind}, which is most likely seen by {platform.node()} alone, and this is {task}: those "
            "on other machines would each train all of it; give --out a folder that all of them share"
        )


def check_seen(folder: Path, holder: str) -> None:
    """Refuse a folder in which a process that trains in it has not left its file: one of the same name elsewhere.

    Args:
        folder: of a pool.
        holder: the process, which may be on another machine, whose changes are seen here after a while.

    Raises:
        StorageError: it was not seen.
    """
    deadline = time.monotonic() + SECONDS_TO_SEE
    while not (folder / FOLDER / f"{holder}.json").exists():
        if time.monotonic() > deadline:
            raise StorageError(
                f"{folder} on {platform.node()} is not the one in which the sweep writes; give --out a folder that all "
                "machines share"
            )
        time.sleep(1.0)


def check_others(folder: Path, others: Iterable[Process], *, ahead: float | None = None, strict: bool = False) -> None:
    """Warn of processes that train in the same pool by other versions or by another clock, or refuse to join them.

    Args:
        folder: of the pool.
        others: processes in it; of those that are not at work nothing is asked.
        ahead: seconds by which the clock of this machine is ahead of that of the file system, where it is known.
        strict: whether another version of torch is refused.

    Raises:
        TrainingError: another version of lrensemble; or of torch, where that is strict.
        StorageError: files of another machine are of the future, so that nobody knows the age of a claim.
    """
    own, allowed = versions(), lease_seconds() / BEATS
    for each in others:
        if not each.is_at_work:
            continue
        if each.silent < -allowed:
            raise StorageError(
                f"files of {each} in {folder} are {-each.silent:.0f} s in the future: the file system takes their "
                "times from the machines, whose clocks differ, and so nobody knows how old a claim is; set the clocks"
            )
        _check_versions(folder, each, own, strict)
        if ahead is not None and abs(between := each.said.ahead - ahead) > allowed:
            warn_once(
                f"the clock of {each.said.host} is {abs(between):.0f} s {'ahead of' if between > 0 else 'behind'} that "
                f"of {platform.node()}; claims go by the clock of the file system, but times in progress.jsonl are off"
            )


def _check_versions(folder: Path, other: Process, own: Mapping[str, str], strict: bool) -> None:
    theirs = other.said.versions
    for name in ("lrensemble", "torch", "python"):
        if name not in theirs or theirs[name] == own[name]:
            continue
        line = f"{other} trains in {folder} with {name} {theirs[name]}, and this one has {name} {own[name]}"
        if name == "lrensemble":
            raise TrainingError(f"{line}; install the same, or give another folder")
        if name == "torch" and strict:
            raise TrainingError(f"{line}, by which bits differ; install the same, or leave reproducible out")
        if name == "torch":
            warn_once(f"{line}: the same recipe may end in other bits; the version is recorded with each member")
        elif theirs[name].split(".")[:2] != own[name].split(".")[:2]:
            warn_once(line)
