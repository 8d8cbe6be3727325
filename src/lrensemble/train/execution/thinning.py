"""Rule of a sweep about weights: those of the best members stay, the others go as soon as they are not among the best.

A member that is not among the best now never is later, when more have come, so that any number of processes may thin a
pool at once; and what a kill leaves undone, the next thinning does.
"""

from __future__ import annotations

import logging

from lrensemble.errors import LREnsembleError
from lrensemble.files import names_in
from lrensemble.metrics import higher_is_better
from lrensemble.pool import Member, Pool, drop_weights, members_in_teams
from lrensemble.pool.member import WEIGHTS
from lrensemble.train.execution.events import Ended, Event, Planned
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.watched import watched_metric

logger = logging.getLogger(__name__)


class Thinning:
    """The rule of a sweep (`sweep.keep_weights`), by which its members lose their weights as they end.

    Weights that cannot be dropped are a warning: the sweep goes on.
    """

    def __init__(self, pool: Pool, factory: RunFactory) -> None:
        """Take the rule of an experiment; without one, nothing is ever dropped."""
        self._pool, self._best = pool, factory.experiment.sweep.keep_weights
        self._metric = "" if self._best is None else watched_metric(factory, None)
        self._seen = list[str]()

    def note(self, event: Event) -> None:
        """Drop what may go, now that this has happened."""
        if self._best is None or not may_have_come(event):
            return
        try:
            now = sorted(names_in(self._pool.folder / "members"))
            if now != self._seen:  # all members of a group come at once, and end one after another
                thin(self._pool, self._best, self._metric)
            self._seen = now
        except LREnsembleError as error:
            logger.warning("sweep.keep_weights: no weights are dropped: %s", error)


def may_have_come(event: Event) -> bool:
    """Whether the pool may have members now that it did not have before."""
    return isinstance(event, Planned) or (isinstance(event, Ended) and event.status == "finished")


def thin(pool: Pool, best: int, metric: str) -> None:
    """Drop the weights of members that were trained here, but for those of the best and of chosen teams.

    Args:
        pool: the pool.
        best: how many members keep their weights in any case.
        metric: that they are compared by, on `val`; ties to the lower place in the pool.

    Raises:
        PoolError: a damaged member or team; nothing is dropped then.
        StorageError: a file cannot be read or written.
    """
    members = pool.members()
    ranked = sorted(members, key=lambda member: (-_score(member, metric), member.order, member.id))
    needed = {member.id for member in ranked[:best]} | members_in_teams(pool)
    done = drop_weights(pool, [each.id for each in members if each.id not in needed and _can_be_trained_again(each)])
    if done.members:
        line = "the weights of %d more members are gone (%.1f MB): those of the best %d stay"
        logger.info(line, len(done.members), done.freed / 1e6, best)


def _score(member: Member, metric: str) -> float:
    """Score, higher is better; a member that has none, as of another tool, is behind all others."""
    value = member.scores.get("val", {}).get(metric)
    return float("-inf") if value is None else value if higher_is_better(metric) else -value


def _can_be_trained_again(member: Member) -> bool:
    """Whether weights lie there that a sweep has trained; those from elsewhere are never dropped by a rule."""
    return member.made_with is not None and (member.has_weights or (member.folder / WEIGHTS).exists())
