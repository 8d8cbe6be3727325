"""The claim of a study in a sentence, and what limits it: nothing that its intervals do not carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lrensemble.consensus.temperature import at_limit
from lrensemble.evaluate.study.difference import Difference, Reliability
from lrensemble.evaluate.study.findings.differences import half_width
from lrensemble.evaluate.study.record import TEMPERED, Comparison, Replicate
from lrensemble.evaluate.study.words import in_brief, in_words, measure_in_print
from lrensemble.spec import Spec
from lrensemble.text.counted import counted

FEW = 5
"""Number of replicates up to which a note says how wide their intervals are."""

SAME_COST = 0.02
"""Relative difference of costs up to which they count as equal."""


def claim_of(found: Comparison) -> str:
    """Which pools differ from the reference, by the first measure and after temperature scaling, and within what."""
    measures = [measure for measure in (found.measures[0], TEMPERED) if measure in found.over_reference]
    sentences = [_setting(found)]
    if measures:
        sentences += [_over_reference(found, measure) for measure in dict.fromkeys(measures)]
    sentences += [_over_single(found, found.measures[0])] if found.measures[0] in found.over_single else []
    return " ".join([*sentences, _limits(found)])


def notes_of(found: Comparison) -> tuple[str, ...]:
    """What to know before the figures are read: unequal costs, runs that were lost, what could not be done."""
    every = (_lost, _unequal, _missing, _few, _soups, _equivalents, _temperatures)
    return tuple(note for each in every if (note := each(found)))


def replicates_of(found: Comparison) -> int:
    """Number of replicates of the pool that has the most."""
    return max(map(len, found.pools.values()))


def _setting(found: Comparison) -> str:
    members = [one.members for own in found.pools.values() for one in own]
    size = f"{min(members)}" if min(members) == max(members) else f"{min(members)} to {max(members)}"
    return (
        f"{found.task}, {counted(found.rows[found.test], 'test row')}, "
        f"{counted(replicates_of(found), 'replicate')}, {counted(len(found.pools), 'pool')} of {size} members, "
        f"teams by {found.method}:"
    )


def _over_reference(found: Comparison, measure: str) -> str:
    table = found.over_reference[measure]
    name = measure_in_print(measure)
    parts = []
    for reliability, words in _OVER.items():
        for sign, verb in ((1, "better"), (-1, "worse")):
            own = {pool: one for pool, one in table.items() if one.reliability == reliability and sign * one.value > 0}
            if own:
                parts.append(f"{words} {verb} than {found.reference!r}: {_listed(measure, own)}")
    undecided = {pool: one for pool, one in table.items() if one.reliability == "none"}
    if undecided:
        over = "" if replicates_of(found) == 1 else " over rows and replicates together"
        told = ", ".join(f"{pool} ({in_brief(measure, one)})" for pool, one in undecided.items())
        parts.append(f"no difference from {found.reference!r} that is reliable{over}: {told}")
    return f"In test {name}, {'; '.join(parts)} (95 % intervals, adjusted for {counted(len(table), 'comparison')})."


_OVER: Mapping[Reliability, str] = {
    "rows and replicates": "reliably, over rows and replicates together,",
    "rows alone": "for these trained pools (over rows alone)",
}


def _listed(measure: str, own: Mapping[str, Difference]) -> str:
    return ", ".join(f"{pool} ({in_words(measure, one)})" for pool, one in own.items())


def _over_single(found: Comparison, measure: str) -> str:
    table = found.over_single[measure]
    won = [pool for pool, one in table.items() if one.reliability == "rows and replicates" and one.value > 0]
    alone = [pool for pool, one in table.items() if one.reliability == "rows alone" and one.value > 0]
    parts = [f"in {_names(won)} over rows and replicates"] if won else []
    parts += [f"in {_names(alone)} over rows alone"] if alone else []
    if not parts:
        return f"No pool's team is reliably better in {measure_in_print(measure)} than its own best single model."
    return f"The team reliably beats its pool's own best single model {', '.join(parts)}."


def _names(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]


def _limits(found: Comparison) -> str:
    count = replicates_of(found)
    alone = (
        "With one replicate nothing is known of other base seeds; "
        if count == 1
        else f"Intervals over replicates rest on {counted(count, 'base seed')}; "
    )
    return alone + "nothing is said of other data, networks or budgets."


def _lost(found: Comparison) -> str:
    def lines() -> Iterator[str]:
        for name, own in found.pools.items():
            statuses = dict[str, int]()
            for one in own:
                for status, count in one.lost.items():
                    statuses[status] = statuses.get(status, 0) + count
            if statuses:
                yield f"{name} ({', '.join(f'{count} {status}' for status, count in statuses.items())})"

    listed = list(lines())
    return f"Runs that were lost count as cost: {'; '.join(listed)}." if listed else ""


def _unequal(found: Comparison) -> str:
    """Pools whose cost in samples differs from that of the reference."""
    base = _samples(found.pools[found.reference])
    if not base:
        return ""
    ratios = {name: (samples := _samples(own)) and samples / base for name, own in found.pools.items()}
    other = [f"{name} {ratio:.2f}" for name, ratio in ratios.items() if ratio and abs(ratio - 1) > SAME_COST]
    unknown = [name for name, ratio in ratios.items() if not ratio]
    parts = [f"cost in training rows seen, times that of {found.reference}: {', '.join(other)}"] if other else []
    parts += [f"cost unknown: {', '.join(unknown)}"] if unknown else []
    return f"Not at equal cost: {'; '.join(parts)}." if parts else ""


def _samples(replicates: tuple[Replicate, ...]) -> float | None:
    known = [one.cost.samples for one in replicates]
    return sum(one for one in known if one is not None) / len(known) if None not in known else None


def _missing(found: Comparison) -> str:
    empty = [name for name, own in found.pools.items() if any(one.team is None for one in own)]
    fewer = [name for name, own in found.pools.items() if len(own) < replicates_of(found)]
    parts = [f"no member can be chosen in some replicate of {_names(empty)}"] if empty else []
    parts += [f"fewer replicates of {_names(fewer)}: compared where both pools have one"] if fewer else []
    return f"{'; '.join(parts).capitalize()}." if parts else ""


def _equivalents(found: Comparison) -> str:
    if TEMPERED not in found.measures:
        return "No deep-ensemble equivalents: they are defined on calibrated probabilities of classes."
    if not found.deep_ensembles:
        return "No deep-ensemble equivalents: no pool has two members that differ by seed alone."
    return ""


def _few(found: Comparison) -> str:
    """How wide intervals over few replicates are."""
    count, pools = replicates_of(found), len(found.pools) - 1
    if not 1 < count <= FEW or not pools:
        return ""
    reach, of_more = (half_width(each, pools) for each in (count, 2 * count))
    return (
        f"With {count} replicates and {counted(pools, 'comparison')}, an interval over replicates reaches {reach:.1f} "
        f"standard deviations of a difference to either side; with {2 * count} it would be {of_more:.1f}."
    )


def _soups(found: Comparison) -> str:
    """How many teams have no soup, and why the first of them has none."""
    none = [each for each in found.soups if not each.scores]
    if not none:
        return ""
    return f"No soup of {len(none)} of {counted(len(found.soups), 'team')}; of {none[0].pool}: {none[0].reason}."


def _temperatures(found: Comparison) -> str:
    names = [name for name, own in found.pools.items() if any(_at_limit(one) for one in own)]
    return f"The temperature of {_names(names)} ended at the border of what is tried: doubt its NLL." if names else ""


def _at_limit(one: Replicate) -> bool:
    known = [each.temperature for each in (one.single, one.team) if each is not None and each.temperature is not None]
    return any(at_limit(Spec("tempered", {"temperature": value})) for value in known)
