"""Several pools and studies on one page: what each holds, what its team gains, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lrensemble.evaluate import Result
from lrensemble.evaluate.study import Comparison
from lrensemble.evaluate.study.tables import difference_table, pool_table
from lrensemble.evaluate.tables import GainTable
from lrensemble.evaluate.verdict import in_print, score_in_print, value_in_print
from lrensemble.files import write_whole
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool
from lrensemble.report.compared.study_figures import differences
from lrensemble.report.escape import escape_html
from lrensemble.report.look import look_at
from lrensemble.report.page import page
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table, plotly_script
from lrensemble.report.sections.trained import duration, trained
from lrensemble.text.counted import counted

HEADINGS: tuple[str, ...] = (
    *("pool", "members", "lost", "training", "best single", "team", "size", "team scores"),
    *("gain", "95 % interval", "verdict"),
)


def write_comparison(
    pools: Mapping[str, tuple[Pool, Result | None]], studies: Mapping[str, Comparison], path: Path | str
) -> list[Section]:
    """Write the page that compares pools and studies, and return its sections.

    Args:
        pools: pools by name, each with the result of its evaluation; None of one that is not evaluated.
        studies: comparisons by name.
        path: path of the page.

    Raises:
        MissingExtraError: plotly is not installed.
        StorageError: the page cannot be written; nothing half-written is left.
    """
    script = plotly_script()
    sections = list(comparison(pools, studies))
    write_whole(Path(path), page("Pools and studies, compared", sections, script).encode())
    return sections


def comparison(pools: Mapping[str, tuple[Pool, Result | None]], studies: Mapping[str, Comparison]) -> Iterator[Section]:
    """Sections of the page: a head, the pools of each task, what differs between them, and each study."""
    reports = {name: ReportData(pool, result) for name, (pool, result) in pools.items()}
    groups = _by_rows(reports)
    counts = [f"{counted(len(each), word)}" for each, word in _counted(pools, studies)]
    prose = [
        "Gains and intervals are of each pool's team over its own best single model, both chosen on val. Whether two "
        "pools differ is told by a study: lrensemble study."
    ]
    if len(groups) > 1:
        prose.append(
            "Pools stand in one table where their test rows are the same: scores on other rows do not compare."
        )
    yield Section(f"{' and '.join(counts)}, compared", prose)
    for number, group in enumerate(groups):
        yield _pools(
            group, number, several=len({next(iter(each.values())).pool.task.name for each in groups}) < len(groups)
        )
    if len(reports) > 1 and (section := _what_differs(reports)) is not None:
        yield section
    for number, (name, found) in enumerate(studies.items()):
        yield _study(name, found, number)


def _counted(*given: Any) -> list[tuple[Any, str]]:
    return [(each, word) for each, word in zip(given, ("pool", "study"), strict=True) if each]


def _by_rows(reports: Mapping[str, ReportData]) -> list[dict[str, ReportData]]:
    """Pools in groups of the same test rows and truth, in their order."""
    groups: dict[object, dict[str, ReportData]] = {}
    for name, report in reports.items():
        task = report.pool.task
        tests = tuple((split, task.splits[split].rows, task.splits[split].labels) for split in task.test_sets)
        groups.setdefault(tests or (task.splits["val"].rows, task.splits["val"].labels), {})[name] = report
    return list(groups.values())


def _pools(group: Mapping[str, ReportData], number: int, *, several: bool) -> Section:
    """Section with a table of pools over the same rows, their members' scores, and their scores against their cost."""
    first = next(iter(group.values()))
    title = f"Pools of {first.pool.task.name}" + (f", rows {number + 1}" if several else "")
    figures = [_members(group, number), _costs(group, number)]
    return Section(
        title,
        [f"By test {in_print(first.headline)}."],
        [Table(HEADINGS, [_row(name, report) for name, report in group.items()], minor=frozenset({1, 2, 3, 5, 6, 7}))],
        [figure for figure in figures if figure is not None],
    )


def _row(name: str, report: ReportData) -> list[str]:
    """Row of a pool, by the metric that people know best."""
    members, lost = len(report.members), len(report.everybody) - len(report.members) + len(report.pool.failures())
    seconds = _seconds(report)
    begins = [name, str(members), str(lost), "" if seconds is None else duration(seconds)]
    result = report.judged
    if result is None:
        return [*begins, *[""] * 6, "not evaluated yet"]
    headline = result.headline
    single = result.best_single.test
    begins.append("" if single is None else score_in_print(headline, single.by(headline)))
    key = result.verdict.method
    if key is None:
        return [*begins, *[""] * 5, result.verdict.kind]
    team = result.teams[key]
    gain = team.gain.get(headline)
    said = ["", ""]
    if gain is not None:
        low, high = (value_in_print(headline, end, unit=False) for end in (gain.low, gain.high))
        said = [value_in_print(headline, gain.value, unit=False), f"{low} … {high}"]
    return [
        *begins,
        key,
        str(len(team.team)),
        score_in_print(headline, team.test.by(headline)),
        *said,
        result.verdict.kind,
    ]


def _seconds(report: ReportData) -> float | None:
    known = [member.seconds for member in report.everybody]
    return sum(each for each in known if each is not None) if known and None not in known else None


def _members(group: Mapping[str, ReportData], number: int) -> Figure | None:
    """Box of the val scores of each pool's members that learned something, with a point for each."""
    headline = next(iter(group.values())).headline
    scale = _scale(headline)
    traces = []
    for place, (name, report) in enumerate(group.items()):
        sound = [each for each in report.member_results if each.val is not None and each.id not in report.useless]
        scored = [(each.name, own) for each in sound if each.val and (own := each.val.by(headline)) is not None]
        look = look_at(place)
        traces.append(
            {
                "type": "box",
                "name": escape_html(name),
                "y": [round(scale * own, 4) for _, own in scored],
                "text": [escape_html(label) for label, _ in scored],
                "boxpoints": "all",
                "pointpos": 0,
                "jitter": 0.4,
                "marker": {"color": look.colour, "symbol": look.symbol},
                "showlegend": False,
            }
        )
    if not any(trace["y"] for trace in traces):
        return None
    layout = {"yaxis": {"title": {"text": _axis("val", headline)}}, "xaxis": {"type": "category"}}
    caption = "Members of each pool by their val scores; those that learned nothing are left out."
    return Figure(f"members_{number}", traces, layout, caption, small=True)


def _costs(group: Mapping[str, ReportData], number: int) -> Figure | None:
    """Test scores of each pool's best single model and team against the seconds that the pool was trained."""
    traces = []
    for place, (name, report) in enumerate(group.items()):
        result, seconds = report.judged, _seconds(report)
        if result is None or seconds is None or result.best_single.test is None:
            continue
        key, scale = result.verdict.method, _scale(result.headline)
        scores = [("best single", result.best_single.test.by(result.headline))]
        scores += [] if key is None else [(key, result.teams[key].test.by(result.headline))]
        known = [(label, own) for label, own in scores if own is not None]
        look = look_at(place)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": escape_html(name),
                "x": [round(seconds, 1)] * len(known),
                "y": [round(scale * own, 4) for _, own in known],
                "text": [escape_html(label) for label, _ in known],
                "line": {"color": look.colour, "dash": look.dash},
                "marker": {"symbol": [f"{look.symbol}-open", look.symbol][: len(known)], "size": 11},
            }
        )
    if not traces:
        return None
    headline = next(iter(group.values())).headline
    layout = {
        "xaxis": {"title": {"text": "seconds of training"}},
        "yaxis": {"title": {"text": _axis("test", headline)}},
    }
    caption = "Test score against the cost of the pool: open, its best single model; filled, its team."
    return Figure(f"pool_costs_{number}", traces, layout, caption, small=True)


def _what_differs(reports: Mapping[str, ReportData]) -> Section | None:
    """Section with the facts of training in which the pools differ."""
    facts = {name: dict(section.facts) for name, report in reports.items() if (section := trained(report)) is not None}
    keys = dict.fromkeys(key for own in facts.values() for key in own)
    rows = [[key, *(own.get(key, "") for own in facts.values())] for key in keys]
    rows = [row for row in rows if len(set(row[1:])) > 1]
    if len(facts) < 2 or not rows:
        return None
    return Section("What differs between the pools", tables=[Table(["fact", *facts], rows)])


def _study(name: str, found: Comparison, number: int) -> Section:
    """Section with the claim of a study, its pools, and their differences by the first measure."""
    measure = found.measures[0]
    tables: Sequence[GainTable] = [
        pool_table(found),
        *(
            [difference_table(found, measure, found.over_reference[measure], f"the team of {found.reference}")]
            if found.over_reference.get(measure)
            else []
        ),
    ]
    figures = []
    if found.over_reference.get(measure):
        drawn = differences(found, f"over_reference_{number}", found.over_reference)
        figures.append(drawn)
    return Section(
        f"Study {name}: {found.task}",
        [found.claim, *found.notes],
        [Table(each.headings, each.rows, caption=each.title) for each in tables],
        figures,
    )


def _axis(split: str, metric: str) -> str:
    return f"{split} {in_print(metric)}" + (", %" if _scale(metric) > 1 else "")


def _scale(metric: str) -> int:
    return 100 if METRICS.facts(metric).unit == "fraction" else 1
