"""Some of a pool's members in the place of all, where all are too many for a method: the best by their own scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrensemble.select.base import Selection
from lrensemble.select.scoring.team_scores import team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

TABLE_MEMBERS = 16
"""A table of all teams is made of so many members at most, unless a limit is given: 65,535 teams."""


@dataclass(frozen=True, eq=False)
class Part:
    """Members to choose among, as a pool of their own."""

    validation: Validation
    """These members alone, in rising order."""
    members: tuple[int, ...]
    """Their positions in the whole pool."""
    whole: bool
    """Whether they are all."""

    def places(self, team: Sequence[int]) -> tuple[int, ...]:
        """Positions in the whole pool of a team of the part."""
        return tuple(self.members[member] for member in team)

    def restored(self, selection: Selection) -> Selection:
        """The selection in terms of the whole pool; `details["among"]` lists the members that were looked at."""
        if self.whole:
            return selection
        details: dict[str, Any] = {**selection.details, "complete": False, "among": list(self.members)}
        return replace(selection, team=self.places(selection.team), details=details)


def best_members(validation: Validation, count: int, metric: SpecLike, consensus: SpecLike) -> Part:
    """The `count` members with the best scores of their own, ties to the lowest index; all where there are no more."""
    if count >= validation.members:
        return Part(validation, tuple(range(validation.members)), whole=True)
    scores = team_scorer(validation, metric, consensus)(np.eye(validation.members))
    return part_of(validation, sorted(np.argsort(-scores, kind="stable")[:count].tolist()))


def members_of_table(validation: Validation, limit: int | None, metric: SpecLike, consensus: SpecLike) -> Part:
    """The members that a table of all teams is made of: the 16 best, or all where a limit is given."""
    return best_members(validation, TABLE_MEMBERS if limit is None else validation.members, metric, consensus)


def part_of(validation: Validation, members: Sequence[int]) -> Part:
    """These members, in rising order, as a pool of their own."""
    if len(members) == validation.members:
        return Part(validation, tuple(range(validation.members)), whole=True)
    return Part(validation.of_members(members), tuple(members), whole=False)
