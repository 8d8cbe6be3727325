"""Tables of what size and cost bring: teams and pools of every size, cost to a score, deep-ensemble equivalents."""

from __future__ import annotations

from collections.abc import Iterator

from lrensemble.evaluate.study.findings.differences import sign_of
from lrensemble.evaluate.study.record import Comparison, CostToScore, Equivalent, PoolSize
from lrensemble.evaluate.study.words import difference, measure_in_print, score, unit_in_print
from lrensemble.evaluate.tables import GainTable

SIZES = 7
"""Number of sizes beside one another in a table."""


def team_size_table(found: Comparison) -> Iterator[GainTable]:
    """Scores of greedy teams of at most so many members, by pool."""
    own = [each for each in found.team_sizes if each.way == "greedy"]
    measure = found.measures[0]
    cells = {(each.pool, each.size): score(measure, each.scores.get(measure)) for each in own}
    title = f"{found.task}: test {_named(measure)} of greedy teams of at most so many members"
    yield from _by_size(title, cells)


def pool_size_tables(found: Comparison) -> Iterator[GainTable]:
    """Scores of the default team of smaller pools at random, by pool; and all of the largest pool, size by size."""
    own = [each for each in found.pool_sizes if each.drawing == "drawn"]
    measure = found.measures[0]
    cells = {(each.pool, each.size): score(measure, each.team[measure].mean) for each in own if measure in each.team}
    title = f"{found.task}: test {_named(measure)} of the team of {found.method}, chosen from so many members at random"
    yield from _by_size(title, cells)
    largest = max(own, key=lambda each: each.size, default=None)
    if largest is None:
        return
    shown = [each for each in found.pool_sizes if each.pool == largest.pool and measure in each.team]
    shown.sort(key=lambda each: ("drawn", "balanced", "in order").index(each.drawing))
    title = f"{found.task}: smaller pools of {largest.pool}, test {_named(measure)}; 95 % of draws lie in the range"
    headings = ("members", "taken", "draws", "single", "team", "range", "gain")
    yield GainTable(title, headings, tuple(_pool_size(measure, each) for each in shown), None)


def cost_tables(found: Comparison) -> Iterator[GainTable]:
    """What each pool needs to reach the score of the reference's best single model, and of its team."""
    measure = found.measures[0]
    for target in ("best single", "default team"):
        own = [each for each in found.costs if each.measure == measure and each.target == target]
        if own:
            title = (
                f"{found.task}: members and cost until the team reaches the test {_named(measure)} of the {target} of "
                f"{found.reference}, {score(measure, own[0].score)} (> where the whole pool does not)"
            )
            headings = ("pool", "taken", "members", "epochs", "samples", "seconds")
            yield GainTable(title, headings, tuple(map(_cost, own)), None)


def equivalent_table(found: Comparison) -> Iterator[GainTable]:
    """Deep-ensemble equivalents, a column for each replicate."""
    if not found.equivalents:
        return
    places = sorted({each.replicate for each in found.equivalents})
    by_place = {(each.pool, each.replicate): each for each in found.equivalents}
    pools = list(dict.fromkeys(each.pool for each in found.equivalents))
    rows = []
    for pool in pools:
        sizes = [by_place[pool, place].size for place in places if (pool, place) in by_place]
        cells = [_equivalent(by_place[pool, place]) if (pool, place) in by_place else "–" for place in places]
        rows.append((pool, f"{sum(sizes) / len(sizes):.3g}", *cells))
    names = ", ".join(dict.fromkeys(each.pool for each in found.deep_ensembles))
    title = (
        f"{found.task}: deep-ensemble equivalent of each team: how many seeds ({names}) reach its NLL after "
        "temperature; in brackets, by one standard deviation over draws"
    )
    yield GainTable(title, ("pool", "size", *(f"replicate {place + 1}" for place in places)), tuple(rows), None)


def _named(measure: str) -> str:
    return measure_in_print(measure) + unit_in_print(measure)


def _by_size(title: str, cells: dict[tuple[str, int], str]) -> Iterator[GainTable]:
    sizes = sorted({size for _, size in cells})
    powers = [size for size in sizes if size & (size - 1) == 0 or size == sizes[-1]][-SIZES:]
    pools = list(dict.fromkeys(pool for pool, _ in cells))
    rows = [(pool, *(cells.get((pool, size), "–") for size in powers)) for pool in pools]
    if rows:
        yield GainTable(title, ("pool", *map(str, powers)), tuple(rows), None)


def _pool_size(measure: str, each: PoolSize) -> tuple[str, ...]:
    team, single = each.team[measure], each.single.get(measure)
    gain = "–" if single is None else difference(measure, sign_of(measure) * (team.mean - single.mean))
    ends = f"{score(measure, team.low)} … {score(measure, team.high)}" if team.high > team.low else "–"
    alone = score(measure, None if single is None else single.mean)
    return str(each.size), each.drawing, str(each.draws), alone, score(measure, team.mean), ends, gain


def _cost(each: CostToScore) -> tuple[str, ...]:
    over = "" if each.reached else "> "
    costs = [
        "–" if value is None else f"{over}{value:,.{digits}f}"
        for value, digits in ((each.cost.epochs, 1), (each.cost.samples, 0), (each.cost.seconds, 1))
    ]
    return each.pool, each.drawing, f"{over}{each.members:.3g}", *costs


def _equivalent(each: Equivalent) -> str:
    if each.value is None:
        return f"{each.beyond} {1 if each.beyond == '<' else each.most}"
    low, high = (end if end is None else f"{end:.1f}" for end in (each.low, each.high))
    return f"{each.value:.1f} ({low or '<1'} … {high or f'>{each.most}'})"
