"""Processes at work in a pool: each leaves a small file while it is, by which others know of it and agree with it."""

from lrensemble.pool.processes.presence import (
    FOLDER,
    OwnPresence,
    Process,
    expected,
    joined,
    processes_at_work,
    processes_in,
)
from lrensemble.pool.processes.sharing import check_others, check_seen, check_shared

__all__ = [
    "FOLDER",
    "OwnPresence",
    "Process",
    "check_others",
    "check_seen",
    "check_shared",
    "expected",
    "joined",
    "processes_at_work",
    "processes_in",
]
