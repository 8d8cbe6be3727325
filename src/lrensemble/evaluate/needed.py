"""Members whose weights somebody may still want: those of stored teams, and the best few alone."""

from __future__ import annotations

from collections.abc import Sequence

from lrensemble.errors import SelectionError
from lrensemble.evaluate.selections import stored_teams
from lrensemble.evaluate.teams import Team, validation_of
from lrensemble.pool import Pool, Slimmed, drop_weights
from lrensemble.select import select
from lrensemble.spec import Spec, SpecLike, to_spec


def needed_members(pool: Pool, best: int = 5, methods: Sequence[SpecLike] = ()) -> frozenset[str]:
    """Ids of the members that a stored team has, stale or not, and of the best ones by themselves.

    Args:
        pool: the pool.
        best: how many of the best on `val`, by the metric that suits the pool.
        methods: whose teams count; all stored ones unless given.

    Raises:
        SelectionError: fewer than one, or no team of a method.
        PoolError: the pool has no finished member, or is damaged.
    """
    if best < 1:
        raise SelectionError(f"best = {best} is refused; at least the best single model is kept")
    members = pool.members()
    found = {id_ for team in _teams_of(pool, methods) for id_ in team.team}
    chosen = select(validation_of(pool), Spec("top_k", {"k": min(best, len(members))}))
    return frozenset(found | {members[place].id for place in chosen.team})


def _teams_of(pool: Pool, methods: Sequence[SpecLike]) -> list[Team]:
    """Stored teams of some methods; a bare name means that method with any arguments, and none means all.

    Raises:
        SelectionError: no team of one of them.
    """
    teams = stored_teams(pool)
    found = {str(spec): [team for team in teams if is_by(team, spec)] for spec in map(to_spec, methods)}
    for method, own in found.items():
        if not own:
            known = ", ".join(dict.fromkeys(team.method for team in teams)) or "none"
            raise SelectionError(f"{pool.folder} has no team by {method}; it has {known}")
    return [team for own in found.values() for team in own] if methods else list(teams)


def is_by(team: Team, method: Spec) -> bool:
    """Whether a method has chosen a team; a bare name is that of the method with any arguments."""
    own = to_spec(team.method)
    return own == method or (not method.arguments and own.name == method.name)


def slim(pool: Pool, best: int = 5, methods: Sequence[SpecLike] = ()) -> Slimmed:
    """Drop the weights of members that no stored team and none of the best needs; predictions stay.

    Every choice can be made again as before; a member without weights cannot be exported, unless it is trained again.

    Args:
        pool: the pool.
        best: how many of the best on `val` keep their weights in any case.
        methods: whose teams keep theirs; all stored ones unless given. A team of `all` keeps those of everybody.

    Raises:
        SelectionError: fewer than one, or no team of a method.
        PoolError: the pool has no finished member, or is damaged.
        StorageError: a file cannot be written or removed.
    """
    needed = needed_members(pool, best, methods)
    everyone = pool.members(include_diverged=True)
    return drop_weights(pool, [member.id for member in everyone if member.id not in needed])
