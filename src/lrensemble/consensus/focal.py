"""The focal consensus: members count by how well they make good the errors of the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus.arrays import Array
from lrensemble.consensus.average import reweighted_mean
from lrensemble.consensus.base import CONSENSUS, Arguments, Floats, require_fitted
from lrensemble.numerics import likeliest


def _repairs(
    _: Arguments, probs: Floats, labels: NDArray[np.int64], weights: Floats, counts: Floats
) -> dict[str, object]:
    right = (likeliest(probs) == labels).astype(np.float64)
    wrong = (1 - right) * counts
    errors = wrong.sum(axis=1)
    focal_members = np.flatnonzero((errors > 0) & (weights > 0))
    repaired = right @ wrong[focal_members].T / errors[focal_members]  # [member, focal member]: 0 for the member itself
    others = len(focal_members) - np.isin(np.arange(len(probs)), focal_members)
    return {"repairs": tuple((repaired.sum(axis=1) / np.maximum(others, 1)).tolist())}


@CONSENSUS.register(learns=_repairs, repairs=[0.4, 0.6])
def focal(probs: Array, weights: Array, *, repairs: tuple[float, ...] = ()) -> Array:
    """Mean of probabilities weighted by each member's accuracy over the rows another one, the focal member, errs on.

    The rows are those of focal diversity (Wu et al. 2021); to weigh members by them is ours. A member's repairs are the
    mean over those others that err at all. Members that know only labels count as certain of them. Where nobody repairs
    anything, the plain mean.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1; multiplied with the repairs.
        repairs: of the members, learned by `fit`.

    Returns:
        [sample, class] probabilities.

    Raises:
        PredictionsError: not one number for each member; fit the consensus on validation rows first.
    """
    require_fitted("focal", (len(repairs),), (probs.shape[0],))
    return reweighted_mean(probs, weights, repairs)
