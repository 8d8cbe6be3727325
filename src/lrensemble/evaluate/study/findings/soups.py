"""Averages of the weights of teams, where they are possible: networks of one shape that began from one start.

How networks are averaged and run is handed in: what trains and exports lies above.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.predictors import Floats
from lrensemble.evaluate.study.findings.chosen import Opened
from lrensemble.evaluate.study.record import Averaged
from lrensemble.metrics import METRICS
from lrensemble.pool import Member, Pool


@dataclass(frozen=True, eq=False)
class Soup:
    """A network of averaged weights."""

    ingredients: tuple[str, ...]
    """Ids of the members whose weights were averaged; chosen on `val`."""
    predictions: Floats
    """[sample, column] on test, as metrics see them."""


Averager = Callable[[Pool, Sequence[str]], Soup]
"""From a pool and ids of its members to their soup; raises `LREnsembleError` where there is none."""


def soup(name: str, replicate: int, one: Opened, averager: Averager | None) -> Averaged | None:
    """Soup of the default team of a pool, or the reason why there is none; None where nothing can be chosen."""
    if one.reader is None:
        return None
    ids = one.teams["team"].members
    members = [member for member in one.reader.members if member.id in ids]
    reason = why_not(members) or ("" if averager else "no networks at hand: only predictions were compared")
    found = None
    if not reason and averager is not None:
        try:
            found = averager(one.pool, ids)
        except LREnsembleError as error:
            reason = str(error)
    if found is not None and len(found.ingredients) < 2:
        found, reason = None, "no other member's weights made the average better than the best member on val"
    scores = {}
    if found is not None:
        test = one.reader.test
        weights = () if test.weights is None else (test.weights,)
        for metric in one.reader.aim.metrics:
            scores[metric] = float(METRICS.call(metric, found.predictions, test.truth, *weights))
    ingredients = 0 if found is None else len(found.ingredients)
    return Averaged(pool=name, replicate=replicate, ingredients=ingredients, scores=scores, reason=reason)


def why_not(members: Sequence[Member]) -> str:
    """Reason why weights of members cannot be averaged, as far as their records tell; empty where they may be."""
    if len(members) < 2:
        return "the team is of one member"
    if not all(member.has_weights for member in members):
        return "not all members have weights"
    recipes = [member.recipe or {} for member in members]
    if len({str(recipe.get("model")) for recipe in recipes}) > 1:
        return "members of several architectures"
    return ""
