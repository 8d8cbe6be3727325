"""Tables of a study, the same in the terminal and on the page; they fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lrensemble.evaluate.study.claim import replicates_of
from lrensemble.evaluate.study.difference import Difference
from lrensemble.evaluate.study.record import TEMPERED, Comparison
from lrensemble.evaluate.study.tables_of_sizes import cost_tables, equivalent_table, pool_size_tables, team_size_table
from lrensemble.evaluate.study.words import (
    marked,
    measure_in_print,
    over_both,
    over_replicates,
    over_rows,
    score,
    unit_in_print,
)
from lrensemble.evaluate.tables import GainTable
from lrensemble.text.counted import counted

POOLS_ABREAST = 4
"""Number of pools beside one another in a table of selectors."""


def tables(found: Comparison) -> Iterator[GainTable]:
    """All tables of a study, what it claims first."""
    yield pool_table(found)
    for measure in main_measures(found):
        if measure in found.over_reference:
            yield difference_table(found, measure, found.over_reference[measure], f"the team of {found.reference}")
    for measure in main_measures(found):
        if measure in found.over_single:
            yield difference_table(found, measure, found.over_single[measure], "the pool's own best single model")
    yield from selector_tables(found)
    yield from team_size_table(found)
    yield from pool_size_tables(found)
    yield from cost_tables(found)
    yield from equivalent_table(found)
    yield from diversity_table(found)
    yield from soup_table(found)


def main_measures(found: Comparison) -> list[str]:
    """Measures that differences are told by: the one that people know best, and NLL after temperature, or the aim."""
    last = TEMPERED if TEMPERED in found.measures else found.metric
    return list(dict.fromkeys((found.measures[0], last)))


def pool_table(found: Comparison) -> GainTable:
    """Pools with their cost, and scores of their best single models and default teams."""
    measure = found.measures[0]
    rows = []
    for name, own in found.pools.items():
        known = [one for one in own if one.team is not None and one.single is not None]
        sizes = [len(one.team.members) for one in known if one.team is not None]
        rows.append(
            (
                name,
                _mean([float(one.members) for one in own], "{:.4g}"),
                _mean([float(sum(one.lost.values())) for one in own], "{:.3g}"),
                _mean([one.cost.epochs for one in own], "{:,.0f}"),
                _mean([one.cost.seconds for one in own], "{:,.0f}"),
                _scores(measure, [one.single.by(measure) for one in known if one.single is not None]),
                _scores(measure, [one.team.by(measure) for one in known if one.team is not None]),
                _mean([float(size) for size in sizes], "{:.3g}"),
            )
        )
    title = (
        f"{found.task}: pools, their cost and test {measure_in_print(measure)}{unit_in_print(measure)}, "
        f"mean over {counted(replicates_of(found), 'replicate')}"
    )
    headings = ("pool", "members", "lost", "epochs", "seconds", "single", "team", "size")
    return GainTable(title, headings, tuple(rows), None)


def difference_table(found: Comparison, measure: str, table: dict[str, Difference], over: str) -> GainTable:
    """Differences by one measure, with intervals over rows, over replicates, and over both together."""
    title = (
        f"{found.task}: test {measure_in_print(measure)} of teams over {over}, in "
        f"{'points' if unit_in_print(measure) else 'its own unit'}, positive is better; 95 % intervals, adjusted for "
        f"{counted(len(table), 'pool')} (* reliable over rows, with one replicate; ** over rows and replicates)"
    )
    rows = [
        (
            name,
            marked(measure, one),
            over_rows(measure, one.rows, "…"),
            over_replicates(measure, one.replicates, "…"),
            over_both(measure, one, "…"),
        )
        for name, one in table.items()
    ]
    return GainTable(title, ("pool", "gain", "over rows", "over replicates", "over both"), tuple(rows), None)


def selector_tables(found: Comparison) -> Iterator[GainTable]:
    """What each selector makes of each pool, a few pools beside one another."""
    measure, names = found.measures[0], list(found.pools)
    title = (
        f"{found.task}: what each selector makes of each pool: test "
        f"{measure_in_print(measure)}{unit_in_print(measure)} and gain over the best single model (marks as "
        "above, adjusted for all)"
    )
    for start in range(0, len(names) if found.selectors else 0, POOLS_ABREAST):
        own = names[start : start + POOLS_ABREAST]
        rows = [(method, *(_selected(found, method, name) for name in own)) for method in found.selectors]
        yield GainTable(title if start == 0 else "", ("selector", *own), tuple(rows), None)


def _selected(found: Comparison, method: str, name: str) -> str:
    one, measure = found.selectors[method][name], found.measures[0]
    if measure not in one.scores:
        return "–"
    if measure not in one.gain:
        return score(measure, one.scores[measure])
    gain = one.gain[measure]
    return f"{score(measure, one.scores[measure])} {marked(measure, gain)}"


def diversity_table(found: Comparison) -> Iterator[GainTable]:
    """Diversity of the members of pools and of their teams."""
    if not found.diversity:
        return
    names = list(found.diversity[0].of_pool)
    headings = ("members of", *(name.replace("_", " ").removeprefix("member ") for name in names))
    rows = []
    for own in found.diversity:
        rows.append((own.pool, *(f"{own.of_pool.get(name, float('nan')):.3f}" for name in names)))
        rows.append(("its team", *(f"{own.of_team.get(name, float('nan')):.3f}" for name in names)))
    most = max(own.rows for own in found.diversity)
    replicates = counted(replicates_of(found), "replicate")
    title = f"{found.task}: diversity on {counted(most, 'test row')}, mean over {replicates}"
    yield GainTable(title, headings, tuple(rows), None)


def soup_table(found: Comparison) -> Iterator[GainTable]:
    """Averages of weights beside the teams, mean over the replicates that have one."""
    if not found.soups:
        return
    measure, rows = found.measures[0], []
    for name, replicates in found.pools.items():
        own = [each for each in found.soups if each.pool == name]
        made = [each for each in own if each.scores]
        teams = [team.by(measure) for each in made if (team := replicates[each.replicate].team) is not None]
        sizes = _mean([float(each.ingredients) for each in made], "{:.3g}")
        soups = _scores(measure, [each.scores[measure] for each in made])
        rows.append((name, f"{len(made)} of {len(own)}", sizes, soups, _scores(measure, teams)))
    title = (
        f"{found.task}: soups, the average of a team's weights as one network: test {measure_in_print(measure)}"
        f"{unit_in_print(measure)}, beside the teams they are of"
    )
    yield GainTable(title, ("pool", "soups", "members", "soup", "team"), tuple(rows), None)


def _mean(values: Sequence[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    return form.format(sum(known) / len(known)) if known and len(known) == len(values) else "–"


def _scores(measure: str, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return score(measure, sum(known) / len(known) if known and len(known) == len(values) else None)
