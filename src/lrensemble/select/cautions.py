"""Cautions beside a score: how much of it may be owed to chance, and where probabilities of zero dominate it."""

from __future__ import annotations

import math

import numpy as np

from lrensemble.metrics import METRICS
from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.base import Selection
from lrensemble.select.cross_fit import CrossFit
from lrensemble.select.scoring.kernels.statistics import of_labels
from lrensemble.select.validation import Floats, Validation
from lrensemble.spec import Spec, SpecLike

WORTH_A_WORD = 0.075
"""Least bound on optimism that is worth a caution, as a share of the metric's range."""

ZEROS_DOMINATE = 0.5
"""Share of an NLL in clipped rows above which a caution is given."""


def caution(validation: Validation, selection: Selection, honest: CrossFit | None = None) -> str:
    """What to know of a selection's score, in a sentence or two; empty where there is nothing.

    Where the method was cross-fitted, the optimism that was measured stands in the place of its bound.

    Args:
        validation: the rows of the selection.
        selection: by any method.
        honest: how the method does on rows that had no say.
    """
    rows = int(np.count_nonzero(validation.row_weights))
    searched = (
        _of_search(selection.tried, rows, selection.metric) if honest is None else _of_cross_fit(selection, honest)
    )
    return "; ".join(filter(None, (searched, _of_zeros(validation, selection))))


def bound_on_optimism(tried: int, rows: int, metric: SpecLike) -> float | None:
    """How much better the best of several teams may look than it is, on average at worst; None where nothing is known.

    The largest of T means of n independent rows within a range r exceeds its expectation by r sqrt(ln T / (2 n)) at
    most (Massart 2000, lemma 5.2, with Hoeffding's variance factor r² / 4). Teams that are alike deceive less. A metric
    without a range, or that is no mean over rows, has no such bound.

    Args:
        tried: teams that were scored, each once.
        rows: that they were scored on.
        metric: what they were compared by.
    """
    facts = METRICS.facts(metric)
    span = facts.highest - facts.lowest
    if facts.per_row is None or not math.isfinite(span):
        return None
    return span * math.sqrt(math.log(max(tried, 1)) / (2 * rows))


def _of_search(tried: int, rows: int, metric: SpecLike) -> str:
    """Where many teams were scored on few rows."""
    bound, facts = bound_on_optimism(tried, rows, metric), METRICS.facts(metric)
    if bound is None or bound < WORTH_A_WORD * (facts.highest - facts.lowest):
        return ""
    return f"of {tried:,} teams scored on {rows:,} rows, the best may owe up to {_formatted(metric, bound)} to chance"


def _of_cross_fit(selection: Selection, honest: CrossFit) -> str:
    """Where the score is higher than the cross-fitted one by more than the standard error of that."""
    optimism = selection.score - honest.score
    if selection.tried < 2 or not optimism > honest.standard_error:
        return ""
    lost = _formatted(selection.metric, optimism)
    return f"on rows that had no say in its choice it is worse by {lost}: go by the cross-fitted score"


def _of_zeros(validation: Validation, selection: Selection) -> str:
    """Where labels that were given a probability of zero carry most of a team's NLL.

    Such a row counts as 36 nats, by convention and not by anything that a member said.
    """
    if METRICS.check(selection.metric) != Spec("nll"):
        return ""
    of_label: Floats = np.asarray(selection.weights) @ of_labels(validation, "mean")[list(selection.team)]
    losses = -np.log(np.clip(of_label, SMALLEST_PROBABILITY, 1)) * validation.row_weights
    clipped = of_label <= SMALLEST_PROBABILITY
    share = float(losses[clipped].sum() / losses.sum()) if losses.any() else 0.0
    if share <= ZEROS_DOMINATE:
        return ""
    return (
        f"{100 * share:.0f} % of the NLL comes from {int(clipped.sum()):,} rows whose label has probability zero, "
        "counted as 36 nats each: aim at brier or accuracy, or soften the predictions"
    )


def _formatted(metric: SpecLike, amount: float) -> str:
    facts = METRICS.facts(metric)
    name = METRICS.check(metric).name.replace("_", " ")
    return f"{100 * amount:.1f} points of {name}" if facts.unit == "fraction" else f"{amount:.4f} of {name}"
