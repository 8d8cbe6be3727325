"""Tables of benchmarks: accuracy, and the likelihood of the right answer."""

from __future__ import annotations

from collections.abc import Iterator

from lrensemble.evaluate.benchmarks.record import Benchmarks, OnBenchmark
from lrensemble.evaluate.result import Scores
from lrensemble.evaluate.tables import GainTable
from lrensemble.evaluate.verdict import in_print, p_in_print, score_in_print, value_in_print
from lrensemble.metrics import METRICS
from lrensemble.text.counted import counted

HEADINGS = ("benchmark", "questions", "chance", "base", "single", "team", "gain", "95 % interval", "p")


def benchmark_tables(found: Benchmarks) -> Iterator[GainTable]:
    """One table for accuracy and one for NLL, a benchmark a row."""
    count = len(found.benchmarks)
    for metric in ("accuracy", "nll"):
        percent = " in percent" if METRICS.facts(metric).unit == "fraction" else ""
        title = (
            f"{found.choice.task}: {in_print(metric)}{percent} on benchmarks; gain of the team over the best single "
            f"model, p adjusted for {counted(count, 'benchmark')}"
        )
        rows = tuple(_row(metric, name, each) for name, each in found.benchmarks.items())
        yield GainTable(title, HEADINGS, rows, None)


def _row(metric: str, name: str, found: OnBenchmark) -> tuple[str, ...]:
    scores = [score_in_print(metric, None if each is None else each.by(metric)) for each in _who(found)]
    chance = score_in_print(metric, found.chance) if metric == "accuracy" else ""
    gain = found.gain.get(metric)
    if gain is None:
        return (name, f"{found.questions:,}", chance, *scores, "–", "–", "–")
    value, low, high = (value_in_print(metric, each, unit=False) for each in (gain.value, gain.low, gain.high))
    return (
        name,
        f"{found.questions:,}",
        chance,
        *scores,
        value,
        f"{low} … {high}",
        p_in_print(found.adjusted_p[metric]),
    )


def _who(found: OnBenchmark) -> tuple[Scores | None, ...]:
    return found.base, found.single, found.team
