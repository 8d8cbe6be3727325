"""Focal selection in two phases (Wu et al., CVPR 2021): teams whose members make good the errors of one of them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.limits import Table
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.diversity import (
    Floats,
    best_kept,
    focal_inverse_diversity,
    inverse_diversity,
    scaled,
    two_clusters,
)
from lrensemble.select.methods.shared.reduced import members_of_table
from lrensemble.select.scoring.every_team import score_every_team
from lrensemble.select.scoring.kernels.statistics import predicted_classes
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

DRAWS, DRAWN_ROWS = 3, 100
"""What `compat` draws for every focal member."""

PERCENT = 100.0
"""Accuracies are clustered in percent, as published: their scale decides how much they count beside diversity."""


@SELECTORS.register(targets=("classes", "choices"), needs="labels", measure="generalized_diversity")
def focal_fq(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    measure: str = "generalized_diversity",
    compat: Literal["none", "ensemblebench"] = "none",
    limit: Table | None = None,
) -> Selection:
    """The most accurate of the teams that pass both phases of focal selection (Wu et al. 2021, algorithm 1).

    Phase one, for each focal member and team size: teams are clustered by accuracy and diversity on the rows that the
    member gets wrong; those more diverse than a threshold pass. Phase two, for each size: the diversities of a team's
    members are averaged, with weights by the rank of their accuracy inside the team, and the teams below the centre of
    the less accurate cluster are kept.

    Sizes run from 2 to all but one. Exact over all rows; `compat="ensemblebench"` repeats the authors' program where it
    differs: three draws of 100 rows, thresholds rounded to three decimals, and `argsort` in the place of the rank.

    Args:
        validation: the rows to choose on.
        metric: what the score is given in; the choice is by accuracy of the mean of probabilities.
        consensus: how the chosen team is combined; no say in the choice.
        seed: of the draws under `compat`.
        measure: a diversity measure of predicted classes.
        compat: `none` or `ensemblebench`.
        limit: refuse to score more teams than this; unless given, a larger pool gives way to its 16 most accurate
            members, which `details["among"]` lists.

    Raises:
        SelectionError: there are more teams than `limit`.
        SpecError, PredictionsError: no such measure, or one that needs probabilities.
    """
    check_metric(validation, metric, consensus)
    part = members_of_table(validation, limit, "accuracy", "mean")
    accuracies = score_every_team(part.validation, "accuracy", "mean", limit)
    inverse = focal_inverse_diversity_by(part.validation, measure, compat, seed)
    inverse, passed = phase_one(accuracies, inverse, rounded=compat != "none")
    scores = phase_two_scores(accuracies, inverse, by_argsort=compat != "none")
    kept = phase_two(accuracies, scores, passed)
    details = {"measure": measure, "passed_phase_one": len(passed)}
    found = best_kept(part.validation, kept, accuracies, metric, consensus, len(accuracies) - 1, details)
    return part.restored(found)


def phase_one(accuracies: Floats, inverse: Floats, *, rounded: bool = False) -> tuple[Floats, NDArray[np.int64]]:
    """Inverse diversities [member, team] scaled for each focal member and size; the masks that pass for any member."""
    members, teams = inverse.shape
    masks = np.arange(teams)
    sizes = np.bitwise_count(masks)
    rescaled, passed = np.full_like(inverse, np.nan), np.zeros(teams, dtype=bool)
    for focal in range(members):
        for size in range(2, members):
            group = masks[(masks >> focal & 1 == 1) & (sizes == size)]
            if not len(group) or np.isnan(inverse[focal, group]).any():
                continue
            rescaled[focal, group] = scaled(inverse[focal, group])
            threshold = float(rescaled[focal, group].mean())
            clusters = two_clusters(PERCENT * accuracies[group], rescaled[focal, group])
            if clusters is not None:
                threshold = min(threshold, float(rescaled[focal, group][clusters[0]].min()))
            threshold = round(threshold, 3) if rounded else threshold
            passed[group[rescaled[focal, group] < threshold]] = True
    return rescaled, np.flatnonzero(passed)


def phase_two_scores(accuracies: Floats, rescaled: Floats, *, by_argsort: bool = False) -> Floats:
    """[team] the mean of a team's inverse diversities, weighted by the rank of each member's accuracy inside the team.

    The least accurate member has rank one. Members that err nowhere have no say; NaN where nobody has one.
    """
    members, teams = rescaled.shape
    own = accuracies[1 << np.arange(members)]
    inside = (np.arange(teams)[None] >> np.arange(members)[:, None]) & 1
    order = np.argsort(own, kind="stable")
    ranks = np.empty((members, teams))
    ranks[order] = np.cumsum(inside[order], axis=0)
    weights = _argsort_weights(own, inside) if by_argsort else ranks * inside
    weights = np.where(np.isnan(rescaled), 0.0, weights)
    total = weights.sum(axis=0)
    sums = (weights * np.nan_to_num(rescaled)).sum(axis=0)
    return np.asarray(np.divide(sums, total, out=np.full(teams, np.nan), where=total > 0))


def phase_two(accuracies: Floats, scores: Floats, passed: NDArray[np.int64]) -> NDArray[np.int64]:
    """The masks kept of those that passed phase one: at each size, those below the centre of the less accurate cluster.

    Where fewer than two points of a size are distinct, all that passed stay.
    """
    sizes, kept = np.bitwise_count(passed), []
    for size in np.unique(sizes):
        group = passed[(sizes == size) & ~np.isnan(scores[passed])]
        clusters = two_clusters(PERCENT * accuracies[group], scores[group])
        kept.append(group if clusters is None else group[scores[group] < clusters[1][1]])
    return np.concatenate(kept) if kept else passed


def _argsort_weights(own: Floats, inside: NDArray[np.int64]) -> Floats:
    """[member, team] as the authors' program has them: `argsort` of the members' accuracies, taken for ranks."""
    weights = np.zeros(inside.shape)
    for team in range(inside.shape[1]):
        present = np.flatnonzero(inside[:, team])
        weights[present, team] = np.argsort(own[present])
    return weights


def focal_inverse_diversity_by(validation: Validation, measure: SpecLike, compat: str, seed: int) -> Floats:
    """[member, 2^members] inverse diversity over all errors of each member, or draws of them as the authors do it."""
    return (
        focal_inverse_diversity(validation, measure)
        if compat == "none"
        else drawn_inverse_diversity(validation, measure, seed)
    )


def drawn_inverse_diversity(validation: Validation, measure: SpecLike, seed: int) -> Floats:
    """[member, 2^members] inverse diversity as the mean of three draws of 100 of the focal member's errors."""
    generator = np.random.default_rng(seed)
    wrong = (predicted_classes(validation) != validation.truth) & (validation.row_weights > 0)
    total = np.zeros((validation.members, 2**validation.members))
    for _ in range(DRAWS):
        for focal, errs in enumerate(wrong):
            if errs.any():
                drawn = validation.weighted(_drawn(validation.row_weights * errs, generator))
                total[focal] += inverse_diversity(drawn, measure)
            else:
                total[focal] += np.nan
    return total / DRAWS


def _drawn(weights: Floats, generator: np.random.Generator) -> Floats:
    """[sample] how often each row is drawn, with replacement, by chances in proportion to weights [sample]."""
    rows = np.flatnonzero(weights)
    if (weights == np.floor(weights)).all():
        drawn = generator.choice(np.repeat(rows, weights[rows].astype(np.int64)), size=DRAWN_ROWS)
    else:
        drawn = generator.choice(rows, size=DRAWN_ROWS, p=weights[rows] / weights.sum())
    return np.bincount(drawn, minlength=len(weights)).astype(np.float64)
