"""The page that compares the pools of a dashboard: how each stands, and what those that are there say side by side."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from functools import partial

from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.verdict import in_print
from lrensemble.report.compared.together import comparison
from lrensemble.report.live.so_far import SoFar, scores_of
from lrensemble.report.live.watched import LONG, Content, Made, Standing, Watched
from lrensemble.report.section import Section, Table
from lrensemble.text import time_in_words

logger = logging.getLogger(__name__)

HEADINGS = (
    *("pool", "state", "members", "lost", "runs left", "time left", "val metric"),
    *("best single", "cross-fitted", "best team", "cross-fitted", "size"),
)
MINOR = frozenset({3, 4, 6, 7, 9, 11})
"""Columns that a narrow screen does without."""


class Together:
    """Several pools that are looked at again and again, by one thread of its own."""

    name = "Comparison"

    def __init__(self, pools: Sequence[Watched]) -> None:
        self._pools = pools
        self._standings: dict[int, Standing] = {}
        """How each was seen last, by its place."""
        self._further = Made()

    def look(self) -> Iterator[Content]:
        """What the page shows now; a pool whose best team takes long to choose keeps the others waiting only once."""
        for place, watched in enumerate(self._pools):
            began, before = time.monotonic(), self._standings.get(place)
            now = watched.standing()
            if now.state == "no pool yet" and before is not None and (before.pool or before.state == "removed"):
                now = Standing(now.name, "removed")
            self._standings[place] = now
            if time.monotonic() - began > LONG:
                yield self._content()
        try:
            self._compare()
        except (LREnsembleError, OSError):
            pass  # one of them was written or removed meanwhile: the next look tells
        except Exception as error:  # a fault of ours shall not end the page
            logger.warning("the pools cannot be compared: %r", error, exc_info=True)
        yield self._content()

    def _compare(self) -> None:
        """Make the sections below the first again, where they are due."""
        known = [each for each in self._standings.values() if each.pool is not None and each.pool.members()]
        signature = tuple((each.name, *each.signature) for each in known)
        at_work = any(each.state == "under way" for each in known)
        self._further.at(signature, partial(_compared, known), at_work=at_work)

    def _content(self) -> Content:
        rows = [_row(each) for each in self._standings.values()]
        title = f"{len(self._pools)} pools, compared"
        prose = [
            "Best single models and best teams are those of today's members, chosen on val alone. A cross-fitted score "
            "is that of choices made without the rows they are scored on; the other one flatters. Scores on other rows "
            "do not compare.",
        ]
        head = Section(title, prose, [Table(HEADINGS, rows, caption="How they stand", minor=MINOR)])
        return Content(title, (head, *(self._further.value or ())))


def _compared(known: Sequence[Standing]) -> tuple[Section, ...]:
    """Sections below the first, as in the page of a comparison: scores, costs, and what differs."""
    pools = {each.name: (each.pool, each.result) for each in known if each.pool is not None}
    return tuple(comparison(pools, {}))[1:] if pools else ()


def _row(each: Standing) -> list[str]:
    if each.found is None:
        return [each.name, each.state, *[""] * (len(HEADINGS) - 2)]
    members, pace = each.found.members, each.found.pace
    finished = members.get("finished", 0)
    left = "" if pace.left is None else f"{pace.left:.1f} of {pace.runs}"
    seconds = "" if pace.seconds_left is None else time_in_words(pace.seconds_left)
    begins = [each.name, each.state, f"{finished:,}", f"{sum(members.values()) - finished:,}", left, seconds]
    found = each.so_far
    if not isinstance(found, SoFar):
        return [*begins, *[""] * 6]
    single, team = (scores_of(one, found.metric) for one in (found.single, found.team))
    return [*begins, in_print(found.metric), *single, *team, str(len(found.team.team))]
