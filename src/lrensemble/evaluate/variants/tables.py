"""The table of variants, the same in the terminal and on the page, and what it says in sentences."""

from __future__ import annotations

from lrensemble.evaluate.gain import Gain
from lrensemble.evaluate.tables import GainTable
from lrensemble.evaluate.variants.record import Kind, VariantComparison, VariantResult
from lrensemble.evaluate.verdict import in_print, p_in_print, score_in_print, short, value_in_print
from lrensemble.metrics import METRICS
from lrensemble.text.counted import counted

JUDGED: dict[Kind, str] = {
    "better": "better",
    "worse": "worse",
    "no reliable difference": "no better",
    "the same": "the same",
}
"""Outcome against the best single model, in a cell."""


def variants_table(found: VariantComparison) -> GainTable:
    """One row for the best single model, the team and every variant: scores, gains, cost, and the outcome."""
    metrics = list(dict.fromkeys((found.headline, found.metric)))
    headings = ["variant"]
    for metric in metrics:
        name = in_print(metric) + (", %" if METRICS.facts(metric).unit == "fraction" else "")
        headings += [name, f"{name}: over the best single", f"{name}: over the team"]
    headings += ["networks", "parameters", "MB", "ms", "× single", "against the best single"]
    rows = [
        (each.what, *(cell for metric in metrics for cell in _scores(metric, each)), *_cost(each), _judged(each))
        for each in found.variants
    ]
    return GainTable(title(found), tuple(headings), tuple(rows), None)


def short_table(found: VariantComparison) -> GainTable:
    """The same rows in eighty columns: one metric, variants by name, the gain over the best single model alone."""
    metric = found.headline
    name = "acc. %" if metric == "accuracy" else in_print(metric)
    headings = ("variant", name, "gain", "95 % interval", "runs", "MB", "× single", "so")
    rows = []
    for each in found.variants:
        score, over_single, _ = _scores(metric, each)
        gain, _, interval = over_single.partition(", p ")[0].removesuffix(")").partition(" (")
        networks, _, size, _, ratio = _cost(each)
        judged = "not made" if each.not_made else _judged(each)
        rows.append((each.name, score, gain, interval, networks.partition(" of ")[0], size, ratio, judged))
    return GainTable(title(found), headings, tuple(rows), None)


def title(found: VariantComparison) -> str:
    """What the table is of, on which rows, and how time was measured."""
    compared = sum(each.kind is not None for each in found.variants)
    timed = "" if found.inputs is None else f"; ms for {found.batch} rows at once, {timing(found)}"
    gains = "" if not compared else f"; gains with 95 % interval and p{_adjusted(compared)}"
    return (
        f"{found.task}: variants of {found.method} on {found.rows:,} rows of {short(found.split)}, look {found.looks} "
        f"at them{gains}{timed}"
    )


def _adjusted(rows: int) -> str:
    return "" if rows == 1 else f", adjusted for {rows} rows of the table"


def timing(found: VariantComparison) -> str:
    """On what time was measured, and how."""
    where = f"{counted(found.threads, 'thread')} of the CPU" if found.device == "cpu" else "the GPU"
    return f"on {where}, all in turns, medians" + ("" if found.inputs == "val" else ", random inputs")


def sentences(found: VariantComparison) -> list[str]:
    """A sentence for each row that says whether it is better than the best single model, and one for each reason why
    others were not made.
    """
    metric = in_print(found.metric)
    made = [f"{_capital(each.what)}: {_outcome(each, metric)}." for each in found.variants if each.kind is not None]
    reasons = dict[str, list[str]]()
    for each in found.variants:
        if each.not_made:
            reasons.setdefault(each.not_made, []).append(each.name)
    return [*made, *(f"Not made, {', '.join(names)}: {reason}" for reason, names in reasons.items())]


def _outcome(each: VariantResult, metric: str) -> str:
    assert each.kind is not None
    return {
        "better": f"better than the best single model in {metric}",
        "worse": f"worse than the best single model in {metric}",
        "no reliable difference": f"no better than the best single model in {metric}, as far as these rows tell",
        "the same": "it is the best single model",
    }[each.kind]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _scores(metric: str, each: VariantResult) -> tuple[str, str, str]:
    score = "–" if each.test is None else score_in_print(metric, each.test.by(metric))
    return score, _gain(metric, each.gain.get(metric)), _gain(metric, each.gain_over_team.get(metric))


def _gain(metric: str, gain: Gain | None) -> str:
    """Value, adjusted interval and p; a value alone where the predictions are the very same."""
    if gain is None:
        return ""
    value = value_in_print(metric, gain.value, unit=False)
    if gain.adjusted_p is None or gain.adjusted_low is None or gain.adjusted_high is None:
        return value
    low, high = (value_in_print(metric, end, unit=False) for end in (gain.adjusted_low, gain.adjusted_high))
    return f"{value} ({low} … {high}), p {p_in_print(gain.adjusted_p)}"


def _cost(each: VariantResult) -> tuple[str, str, str, str, str]:
    networks = "" if each.networks is None else str(each.networks)
    return (
        networks if each.runs is None else f"{each.runs:.2f} of {networks}",
        "" if each.parameters is None else f"{each.parameters:,}",
        "" if each.bytes is None else f"{each.bytes / 1e6:.2f}",
        "" if each.latency is None else f"{1000 * each.latency.seconds:.2f}",
        "" if each.latency is None else f"{each.latency.ratio:.2f}",
    )


def _judged(each: VariantResult) -> str:
    if each.not_made:
        return f"not made: {each.not_made}"
    return "" if each.kind is None else JUDGED[each.kind]
