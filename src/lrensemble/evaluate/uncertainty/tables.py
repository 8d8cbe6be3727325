"""Tables of uncertainty, the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Iterator

from lrensemble.evaluate.gain import Gain
from lrensemble.evaluate.result import Result
from lrensemble.evaluate.tables import GainTable
from lrensemble.evaluate.uncertainty.measured import COMPARED
from lrensemble.evaluate.uncertainty.record import Foreign, PredictorSets, Uncertainty
from lrensemble.evaluate.verdict import p_in_print, short, value_in_print

GAINS = ("gain", "95 % interval", "p")


def uncertainty_tables(result: Result, *, foreign_alone: bool = False) -> Iterator[GainTable]:
    """Tables of selective prediction, conformal sets and foreign rows; none where nothing was measured.

    Args:
        result: what was measured.
        foreign_alone: whether the tables of foreign rows are wanted alone.
    """
    found = result.uncertainty
    if found is None:
        return
    if not foreign_alone:
        yield _selective(result.task, found)
    if found.sets is not None and not foreign_alone:
        yield _sets(result.task, found)
    for split, foreign in found.foreign.items():
        yield _foreign(result.task, split, found, foreign)


def _selective(task: str, found: Uncertainty) -> GainTable:
    rows = []
    names = ("AURC", *(f"accuracy, surest {share} %" for share in found.single.accuracy))
    for place, (name, metric) in enumerate(zip(names, COMPARED, strict=True)):
        share = None if place == 0 else [*found.single.accuracy][place - 1]
        values = [
            "–" if who is None else f"{who.aurc:.4f}" if share is None else f"{100 * who.accuracy[share]:.2f}"
            for who in (found.single, found.team)
        ]
        rows.append((name, *values, *_gain(metric, found.gain.get(metric))))
    title = f"{task}: predictions that may abstain, on {found.rows:,} test rows"
    return GainTable(title, ("of the surest rows", "best single", "team", *GAINS), tuple(rows), None)


def _sets(task: str, found: Uncertainty) -> GainTable:
    own = found.sets
    assert own is not None
    rows = []
    for who, by_method in (("best single", own.single), (found.method or "", own.team)):
        for method, each in by_method.items():
            rows.append((f"{who}, {method.upper()}", *_cells(each)))
    title = (
        f"{task}: sets that hold the truth of {100 * own.coverage:.0f} % of rows; threshold from "
        f"{own.calibration_rows:,} test rows, measured on {own.measured_rows:,} others"
    )
    return GainTable(title, ("who, method", "covered, %", "95 % interval", "classes", "empty, %"), tuple(rows), None)


def _cells(each: PredictorSets) -> tuple[str, str, str, str]:
    interval = f"{100 * each.low:.1f} … {100 * each.high:.1f}"
    return f"{100 * each.covered:.1f}", interval, f"{each.size:.2f}", f"{100 * each.empty:.1f}"


def _foreign(task: str, split: str, found: Uncertainty, foreign: Foreign) -> GainTable:
    rows = []
    for who, by_measure in (("best single", foreign.single), (found.method or "", foreign.team)):
        for name, each in by_measure.items():
            gain = foreign.gain.get(name) if by_measure is foreign.team else None
            row = (f"{who}, {name.replace('_', ' ')}", f"{100 * each.auroc:.2f}", f"{100 * each.fpr95:.2f}")
            rows.append((*row, *_gain("roc_auc", gain)))
    title = f"{task}: {foreign.rows:,} rows of {short(split)} told from {found.rows:,} of test, by how unsure one is"
    return GainTable(title, ("who, by what", "AUROC, %", "FPR95, %", *GAINS), tuple(rows), None)


def _gain(metric: str, gain: Gain | None) -> tuple[str, str, str]:
    if gain is None:
        return "", "", ""
    value, low, high = (value_in_print(metric, each, unit=False) for each in (gain.value, gain.low, gain.high))
    return value, f"{low} … {high}", p_in_print(gain.p_value)
