"""The claims that training needs: one on each run, and one on the state, which is that of the run where it is alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from lrensemble.errors import StorageError
from lrensemble.files.claims import Claim, Held, claim
from lrensemble.pool import Pool
from lrensemble.train.run.progress.record import UNUSABLE, read_progress
from lrensemble.train.run.runs import STATE, Elsewhere, Run, entries_of, state_of, unfinished


def group_id(runs: Sequence[str]) -> str:
    """The name of a group's state: a function of the ids of its runs and of their order."""
    return "group-" + hashlib.sha256(" ".join(runs).encode()).hexdigest()[:12]


def begun_groups(pool: Pool) -> list[tuple[str, ...]]:
    """The ids of the runs of every group whose state lies in the pool; not of a state that is damaged."""
    found = list[tuple[str, ...]]()
    for name in [folder.name for folder in entries_of(unfinished(pool)) if folder.name.startswith("group-")]:
        if path := state_of(pool, name):
            try:
                found.append(read_progress(path).runs)
            except UNUSABLE:
                continue
            except StorageError:
                if path.exists():  # or else another process has moved it just now, and has the group
                    raise
    return found


def steps_done(pool: Pool, name: str) -> int:
    """Steps that a saved state has done; 0 where there is none, or none that can be read."""
    path = state_of(pool, name)
    try:
        return 0 if path is None else read_progress(path).step
    except (*UNUSABLE, StorageError):
        return 0


@dataclass(frozen=True)
class Claims:
    """What this process may train together: one run, or a group."""

    runs: tuple[Run, ...]
    """[member]; of a group that was begun also those that the pool has by now."""
    state: Claim
    members: dict[str, Claim]
    """By id, of the runs that the pool does not have."""

    def beat(self) -> None:
        """Tell others that the work goes on.

        Raises:
            LostClaimError: another process has taken one of them over.
        """
        for each in self._all:
            each.beat()

    def are_held(self) -> bool:
        """Whether no other process has taken one of them over, as far as one sees."""
        return all(each.folder.is_dir() for each in self._all)

    def release(self) -> None:
        """Leave state and runs to others."""
        for each in self._all:
            each.release()

    def finish(self) -> None:
        """Remove the state; all runs are in the pool."""
        for each in self._all:
            each.finish()

    @cached_property
    def _all(self) -> list[Claim]:
        alone = any(self.state is each for each in self.members.values())
        return [*self.members.values(), *([] if alone else [self.state])]


def claim_group(runs: Sequence[Run], pool: Pool) -> tuple[Claims | None, list[Elsewhere]]:
    """Claim the runs of a group that nobody else has; with them, what others have.

    The group is claimed before its runs, so that of processes that have formed the same one, the first has all of it. A
    group that was begun is claimed as a whole or not at all: its state is of use to all of it alone.

    Raises:
        StorageError: the pool cannot be written.
    """
    home, known, name = unfinished(pool), {run.id: run for run in runs}, group_id([run.id for run in runs])
    state = claim(home, name)
    if isinstance(state, Held):
        return None, [Elsewhere(run, str(state), name) for run in runs if run.id not in pool]
    begun = (state.folder / STATE).exists()
    asked = {run.id: claim(home, run.id) for run in runs if run.id not in pool}
    others = [Elsewhere(known[id_], str(each), id_) for id_, each in asked.items() if isinstance(each, Held)]
    own = {id_: each for id_, each in asked.items() if isinstance(each, Claim)}
    for id_ in [id_ for id_ in own if id_ in pool]:  # it came there between the two looks
        own.pop(id_).finish()
    if begun and others:
        state.release()
        return None, [*others, *_left(own, known, to=others[0])]
    members = tuple(runs) if begun else tuple(run for run in runs if run.id in own)
    if own and len(members) < len(runs):  # others have the rest, so that this is another group
        state.finish()
        name = group_id([run.id for run in members])
        if isinstance(state := claim(home, name), Held):
            return None, [*others, *_left(own, known, to=Elsewhere(members[0], str(state), name))]
    if not own:
        state.finish()
        return None, others
    return Claims(members, state, own), others


def _left(claims: Mapping[str, Claim], known: Mapping[str, Run], *, to: Elsewhere) -> list[Elsewhere]:
    """Give claims back, since another process has what they are of no use without."""
    for each in claims.values():
        each.release()
    return [replace(to, run=known[id_]) for id_ in claims]
