"""The page of a study: its claim, and every figure behind it, in one self-contained file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lrensemble.evaluate.study.record import TEMPERED, Comparison
from lrensemble.evaluate.study.tables import (
    difference_table,
    diversity_table,
    pool_table,
    selector_tables,
    soup_table,
)
from lrensemble.evaluate.study.tables_of_sizes import cost_tables, equivalent_table, pool_size_tables, team_size_table
from lrensemble.evaluate.study.words import marked, measure_in_print, over_both, over_replicates, over_rows
from lrensemble.evaluate.tables import GainTable
from lrensemble.files import write_whole
from lrensemble.report.compared.study_figures import (
    costs,
    deep_ensembles,
    differences,
    diversity,
    pool_sizes,
    selectors,
    team_sizes,
)
from lrensemble.report.page import page
from lrensemble.report.section import Section, Table, plotly_script
from lrensemble.text.counted import counted


def study_page(found: Comparison, path: Path | str) -> list[Section]:
    """Write the page of a study, and return its sections.

    Args:
        found: the compared pools.
        path: path of the page.

    Raises:
        MissingExtraError: plotly is not installed.
        StorageError: the page cannot be written; nothing half-written is left.
    """
    script = plotly_script()
    sections = list(sections_of(found))
    write_whole(Path(path), page(f"{found.task}: a study", sections, script).encode())
    return sections


def sections_of(found: Comparison) -> Iterator[Section]:
    """Sections of the page, in their order."""
    count = len(found.pools)
    yield Section(
        f"{found.task}: {counted(count, 'pool')}, compared",
        [found.claim, *found.notes, _looked_at(found)],
        _tables([pool_table(found)]),
    )
    if any(found.over_reference.values()):
        yield _against_reference(found)
    yield Section(
        "Each team over its own pool's best single model",
        ["Both were chosen on val. What an ensemble brings, whatever the pool is compared with."],
        _tables(
            difference_table(found, m, own, "the pool's own best single model") for m, own in found.over_single.items()
        ),
        [differences(found, "over_single", found.over_single)],
    )
    yield Section(
        "What each selector makes of each pool",
        ["Each selector chose on val; gains are over the best single model of the same pool on the same rows."],
        _tables(selector_tables(found)),
        [selectors(found)],
    )
    yield Section("Size of the team", _OF_TEAMS, _tables(team_size_table(found)), team_sizes(found))
    yield Section("Size of the pool", _OF_POOLS, _tables(pool_size_tables(found)), pool_sizes(found))
    yield Section("Cost to the same score", _OF_COST, _tables(cost_tables(found)), [costs(found)])
    if found.deep_ensembles:
        yield Section("How many seeds", _OF_SEEDS, _tables(equivalent_table(found)), [deep_ensembles(found)])
    if found.diversity:
        yield Section("Diversity", _OF_DIVERSITY, _tables(diversity_table(found)), [diversity(found)])
    if found.soups:
        why = [f"{each.pool}, replicate {each.replicate + 1}: {each.reason}." for each in found.soups if each.reason]
        yield Section("Averages of weights", [*_OF_SOUPS, *why], _tables(soup_table(found)))
    if len(found.pools) > 2:
        yield _every_pair(found)


_OF_TEAMS = [
    "Greedy: at most so many members, chosen on val. Top k: the best on val by themselves, with equal weights. Drawn: "
    "members at random that learned something, with equal weights, the mean over draws. Means over replicates."
]
_OF_POOLS = [
    "Smaller pools, the team chosen anew in each. Drawn: at random. Balanced: with as many members of each "
    "policy as can be. In order: those that were trained first. Draws of one pool share members: the range in which "
    "95 % of them lie shows how much depends on who is in the pool, and is no confidence interval."
]
_OF_COST = [
    "Where the mean score of the team of smaller pools first reaches a score of the reference, on the line between two "
    "sizes. Members that were lost count in proportion, the runs that a part of a pool is taken from in full. Drawn "
    "pools are what a smaller budget brings where members do not depend on one another; where a search or a chain "
    "trained them, look at those in order."
]
_OF_SEEDS = [
    "Deep-ensemble equivalent (Ashukha et al. 2020): how many members that differ by seed alone have the same NLL, "
    "both after temperature scaling on val. Shaded: one standard deviation over draws of members."
]
_OF_DIVERSITY = ["On test rows, where the scores are from; nothing was chosen by it."]
_OF_SOUPS = ["The average of a team's weights as one network, at the cost of one member, or why there is none."]


def _against_reference(found: Comparison) -> Section:
    return Section(
        f"Teams against that of {found.reference}",
        [
            "Intervals over rows are of these trained pools, and tell what other rows would change. Intervals over "
            "replicates are of these rows, and tell what other base seeds would change (Student's t). Over both: other "
            "rows and other base seeds. All are 95 %, adjusted for all pools of a table. A difference is called "
            "reliable where the interval over both excludes zero; where there is one replicate, over rows alone.",
        ],
        _tables(
            difference_table(found, measure, own, f"the team of {found.reference}")
            for measure, own in found.over_reference.items()
        ),
        [differences(found, "over_reference", found.over_reference)],
    )


def _every_pair(found: Comparison) -> Section:
    measure = found.measures[0]
    rows = [
        (
            pair.first,
            pair.second,
            marked(measure, pair.difference),
            over_rows(measure, pair.difference.rows),
            over_replicates(measure, pair.difference.replicates),
            over_both(measure, pair.difference),
        )
        for pair in found.pairs.get(measure, ())
    ]
    return Section(
        "Every two pools",
        [f"First less second by test {measure_in_print(measure)}, adjusted for all {len(rows)} pairs."],
        [Table(("first", "second", "difference", "over rows", "over replicates", "over both"), rows)],
    )


def _looked_at(found: Comparison) -> str:
    most = max(found.looks.values(), default=1)
    temperature = " Temperatures are fitted on val." if TEMPERED in found.measures else ""
    rows = ", ".join(f"{count:,} rows of {split}" for split, count in found.rows.items())
    return f"Measured on {rows}; look {most} at the test rows. No test truth was used to choose anything.{temperature}"


def _tables(tables: Iterable[GainTable]) -> list[Table]:
    return [Table(each.headings, each.rows, caption=each.title) for each in tables]
