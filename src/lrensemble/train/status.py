"""How a pool stands that processes on several machines may be filling: seen from its folder alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lrensemble.errors import StorageError
from lrensemble.files.held import Seen, claims_in
from lrensemble.pool import Pool
from lrensemble.pool.processes import Process, processes_in
from lrensemble.train.pace import Pace, pace_of
from lrensemble.train.progress_lines import last_lines
from lrensemble.train.run.progress.record import UNUSABLE, Progress, read_progress
from lrensemble.train.run.runs import STATE, unfinished

GROUP = "group-"
RUN = re.compile(r"[0-9a-f]{12}", re.ASCII)
"""Id of a run, as the name of a claim."""


@dataclass(frozen=True)
class UnderWay:
    """A run that was begun, or something else that one process alone does, and who has it."""

    claim: Seen
    name: str
    """Name of the run; that of its claim where nobody has told it."""
    since: str | None
    """Time at which its holder began it, by that one's clock; None where it has not told."""
    epoch: int | None
    """Epochs done, as was told last."""
    epochs: int | None
    """Epochs in all."""
    saved_steps: int | None
    """Steps that its saved state has done; None where there is none."""
    saved_epochs: int | None
    """Whole epochs of them."""

    @property
    def is_run(self) -> bool:
        """Whether it is a run, and not a search that asks for trials, say."""
        return RUN.fullmatch(self.claim.name) is not None


@dataclass(frozen=True)
class Status:
    """Members, runs and processes of a pool."""

    members: Mapping[str, int]
    """Number of members by status; `failed` are runs that ended in an error."""
    under_way: tuple[UnderWay, ...]
    processes: tuple[Process, ...]
    pace: Pace


def status(pool: Pool) -> Status:
    """How a pool stands. Nothing of it is changed.

    Raises:
        PoolError: a member is damaged.
        StorageError: a folder cannot be read.
    """
    members = Counter[str](member.status for member in pool.members(include_diverged=True))
    if failed := len(pool.failures()):
        members["failed"] = failed
    claims, lines = claims_in(unfinished(pool)), last_lines(pool)
    states = _states(claims)
    under_way = tuple(_under_way(each, lines, states) for each in claims if not each.name.startswith(GROUP))
    processes = tuple(processes_in(pool.folder))
    shares = {each.claim.name: each.epoch / each.epochs for each in under_way if each.epoch and each.epochs}
    pace = pace_of(lines, processes, done=sum(members.values()), under_way=sum(shares.values()))
    return Status(dict(members), under_way, processes, pace)


def _states(claims: Iterable[Seen]) -> dict[str, Progress]:
    """Saved states by the ids of the runs that they are of."""
    found = dict[str, Progress]()
    for each in claims:
        try:
            progress = read_progress(each.folder / STATE)
        except (*UNUSABLE, StorageError):  # none, or one that is just being written
            continue
        found |= dict.fromkeys(progress.runs or (each.name,), progress)
    return found


def _under_way(claim: Seen, lines: Iterable[Mapping[str, Any]], states: Mapping[str, Progress]) -> UnderWay:
    name, since, last = claim.name, None, None
    for line in lines:
        if line.get("run") != claim.name:
            continue
        if line.get("event") == "began":
            last = None
            name = str(line.get("name", name))
            if claim.holder is not None and line.get("process") == claim.holder.process:
                since = str(line.get("time"))
        elif line.get("event") == "epoch":
            last = line
    saved = states.get(claim.name)
    place = saved.runs.index(claim.name) if saved is not None and claim.name in saved.runs else 0
    history = saved.histories[place] if saved is not None else ()
    return UnderWay(
        claim=claim,
        name=name,
        since=since,
        epoch=_count(last, "epoch"),
        epochs=_count(last, "epochs"),
        saved_steps=None if saved is None else saved.step,
        saved_epochs=None if saved is None else int(history[-1].get("epoch") or 0) if history else 0,
    )


def _count(line: Mapping[str, Any] | None, key: str) -> int | None:
    value = None if line is None else line.get(key)
    return value if isinstance(value, int) and value > 0 else None
