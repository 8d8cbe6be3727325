"""The team of a pool that is shipped, of those that were chosen there."""

from __future__ import annotations

from lrensemble.errors import ExportError
from lrensemble.evaluate import Team, judged, load
from lrensemble.evaluate.needed import is_by
from lrensemble.pool import Pool
from lrensemble.spec import to_spec


def chosen_team(pool: Pool, method: str | None = None) -> Team:
    """The stored team that the verdict judges, or the one of a method.

    Where no team beats the best single model, that model stands for it, as a team of one.

    Args:
        pool: pool with stored teams.
        method: method in text form; a bare name also means that method with any arguments.

    Raises:
        SpecError: the method cannot be read.
        ExportError: no team, or none of that method.
    """
    teams = load(pool)
    if not teams:
        raise ExportError(f"{pool.folder} has no chosen team; choose some first: lrensemble select {pool.folder}")
    if method is None:
        first = judged(pool, teams)[0]
        return first.team or first.single
    found = [team for team in teams if is_by(team, to_spec(method))]
    if not found:
        known = ", ".join(dict.fromkeys(team.method for team in teams))
        raise ExportError(f"{pool.folder} has no team by {method!r}; it has {known}; others: lrensemble select -m")
    first = judged(pool, found)[0]
    return first.team or found[0]
