"""Scores of all subsets of the members with equal weights, by the way that is shortest for so many teams and rows.

Few teams times rows go through a product of matrices, more of them through whole arrays, and many through a kernel,
which has to be loaded or compiled. Folds of the same rows share what they can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, averaged, is_average, is_linear
from lrensemble.metrics import METRICS
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.kernels.exhaustive import arrays
from lrensemble.select.scoring.kernels.exhaustive.all_teams import MAX_MEMBERS, BlockScorer, block_scorer, split
from lrensemble.select.scoring.kernels.statistics import of_labels
from lrensemble.select.scoring.team_scores import Scorer, team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

Floats = NDArray[np.float64]

FEW = 2**18
"""Below so many teams times rows, matrix products score all teams."""

SOME = 2**25
"""Below so many, whole arrays do."""

SHARED = 2**22
"""Views times teams whose scores are kept, at most."""

MOST_WAYS = 64
"""Rows are scored by the way in which they count in all views: with more ways than this, every view by itself."""

BATCH = 4096
"""Teams that are scored together where there is no kernel."""


def subset_scorer(validation: Validation, metric: SpecLike, consensus: SpecLike) -> BlockScorer | None:
    """What scores blocks of teams, by the shortest way; None where there is no short one."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    products = is_average(consensus) if metric == Spec("accuracy") else is_linear(consensus)
    if products and _by_products(metric) and _work(validation) <= FEW:
        scorer = team_scorer(validation, metric, consensus)
        return lambda _: one_block(scorer, validation.members)
    return _scorer_of_folds(validation, metric, consensus) or _scorer(validation, metric, consensus)


def _by_products(metric: Spec) -> bool:
    """Whether the metric of many teams is found by a product of matrices."""
    return metric in (Spec("accuracy"), Spec("nll")) or METRICS.facts(metric).quadratic


def _work(validation: Validation) -> int:
    """Teams times rows."""
    return len(validation.truth) << validation.members


def _scorer(validation: Validation, metric: Spec, consensus: Spec) -> BlockScorer | None:
    """What scores the teams of one view: whole arrays, or a kernel where there is one."""
    plain = is_linear(consensus) and not validation.accelerated
    if plain and metric == Spec("nll") and _work(validation) < SOME:
        rows = validation.counted
        of_label, weights = of_labels(validation, consensus.name)[:, rows], validation.row_weights[rows]
        return lambda _: arrays.log_likelihoods(of_label, weights)
    if plain and metric == Spec("accuracy") and _work(validation) < SOME:
        return _accuracy_by_arrays(validation, consensus)
    return block_scorer(validation, metric, consensus)


def _accuracy_by_arrays(validation: Validation, consensus: Spec) -> BlockScorer:
    """The accuracy of all teams; which rows they get wrong is found once for all views."""
    columns = contested_columns(validation, consensus.name)
    wrong = validation.once("wrong_rows", averaged(consensus.name), lambda: arrays.wrong_rows(columns))
    times, total, teams = validation.row_weights, validation.total_weight, 1 << validation.members
    most_right = total - times[columns.always_wrong].sum()
    return lambda _: np.asarray((most_right - arrays.counts(wrong, times[columns.row], teams)) / total)


def _scorer_of_folds(validation: Validation, metric: Spec, consensus: Spec) -> BlockScorer | None:
    """Scores of a view that belongs to others, such as folds: rows that count alike in all of them are scored once.

    The rows outside each of five folds are four fifths of all, and are five groups of rows in other combinations. None
    where rows count in many ways, as resampled ones do, or the tables would be large.
    """
    facts = METRICS.facts(metric)
    if facts.per_row is None or facts.quadratic:  # no mean over rows; or one of a matrix that all views have already
        return None

    def compute(weights: Floats | None) -> Sequence[Floats | None]:
        if weights is None or not 1 < len(weights) <= SHARED >> min(validation.members, MAX_MEMBERS):
            return [None] * (1 if weights is None else len(weights))
        ways, way_of_row = np.unique(weights, axis=1, return_inverse=True)
        if ways.shape[1] > MOST_WAYS:
            return [None] * len(weights)
        return _tables(validation, ways, way_of_row.reshape(-1), metric, consensus)

    table: Floats | None = validation.for_views(("every_team", metric, consensus), compute)
    return None if table is None else lambda halves: table[halves.top << halves.bits :][: 1 << halves.bits].copy()


def _tables(
    validation: Validation, ways: Floats, way_of_row: NDArray[np.int64], metric: Spec, consensus: Spec
) -> Sequence[Floats | None]:
    """[view, 2^members] scores of every team, from those on the rows of each way to count; None without a scorer.

    Args:
        validation: any of the views.
        ways: [view, way] how often a row of each way counts in each view.
        way_of_row: [sample]
        metric: a mean over rows.
        consensus: of the members.
    """
    totals = np.zeros((len(ways), 2**validation.members))
    for way in np.flatnonzero(ways.any(axis=0)).tolist():
        rows = way_of_row == way
        scorer = _scorer(validation.weighted(rows), metric, consensus)
        if scorer is None:
            return [None] * len(ways)
        scores = all_blocks(scorer, validation.members)
        scores[0] = 0.0  # of nobody
        totals += (ways[:, way] * np.count_nonzero(rows))[:, None] * scores
    totals /= (ways @ np.bincount(way_of_row))[:, None]
    return list(totals)


def all_blocks(scorer: BlockScorer, members: int) -> Floats:
    """[2^members] the score of every team at its mask; that of nobody means nothing."""
    halves = split(members)
    return np.concatenate([scorer(replace(halves, top=top)) for top in range(1 << (members - halves.bits))])


def one_block(scorer: Scorer, members: int) -> Floats:
    """[2^members] the score of every team at its mask, some teams at a time; minus infinity for the team of nobody."""
    masks = np.arange(1, 2**members)
    batches = [scorer(weights_of(masks[start : start + BATCH], members)) for start in range(0, len(masks), BATCH)]
    return np.concatenate([[-np.inf], *batches])


def weights_of(masks: NDArray[np.int64], members: int) -> Floats:
    """[team, member] one for the members of each mask, zero for the others."""
    return ((masks[:, None] >> np.arange(members)) & 1).astype(np.float64)
