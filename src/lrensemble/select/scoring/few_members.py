"""Scores of every team of a few members, where there are kernels for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, is_linear
from lrensemble.metrics import METRICS
from lrensemble.select.scoring.kernels.columns import Columns, contested_columns
from lrensemble.select.scoring.kernels.small_teams import TeamBatch, arranged, judge, wrong_rows
from lrensemble.select.scoring.kernels.small_teams_of_votes import LARGEST, votes_of, wrong_by_votes
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

Floats = NDArray[np.float64]
BatchScorer = Callable[[TeamBatch], Floats]
"""From teams of one size to their scores [team] with equal weights, higher is better."""

MOST_WEIGHTS = 64
"""Rows of each weight are counted by themselves: with more different weights than this, teams grow one by one."""


def batch_scorer(validation: Validation, metric: SpecLike, consensus: SpecLike, largest: int) -> BatchScorer | None:
    """What scores teams of up to `largest` members, prepared once; None where there is no kernel."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if metric != Spec("accuracy") or not is_linear(consensus):
        return None
    columns, times = contested_columns(validation, consensus.name), validation.row_weights
    repeats = times[columns.row]
    if len(np.unique(repeats)) > MOST_WEIGHTS:
        return None
    count = _vote_counter(columns, repeats, largest) or _margin_counter(columns, repeats, largest)
    total = validation.total_weight
    most_right = total - times[columns.always_wrong].sum()
    return lambda batch: np.asarray((most_right - count(batch)) / total)


def _vote_counter(columns: Columns, repeats: Floats, largest: int) -> BatchScorer | None:
    """What counts the wrong rows of teams whose members all give whole votes; None where they do not."""
    if largest > LARGEST or not columns.votes.all():
        return None
    parts = [
        (weight, votes_of(columns, np.flatnonzero(repeats == weight)))
        for weight in np.unique(repeats[repeats > 0]).tolist()
    ]

    def count(batch: TeamBatch) -> Floats:
        wrong = np.zeros(batch.first[-1])
        for weight, votes in parts:
            wrong += weight * wrong_by_votes(votes, batch)
        return wrong

    return count


def _margin_counter(columns: Columns, repeats: Floats, largest: int) -> BatchScorer:
    """What counts the wrong rows of any teams."""
    blocks, decide = arranged(columns, repeats, largest), judge(columns)
    members = columns.rival.shape[1]
    return lambda batch: wrong_rows(blocks, decide, members, batch)
