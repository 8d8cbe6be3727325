"""Diversity of whole predictions: how far apart are members' distributions over the classes? In nats.

Members that know only labels are certain of them here, so that divergences between them are at their extremes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrensemble.errors import PredictionsError
from lrensemble.metrics.diversity.base import DIVERSITY, ratio
from lrensemble.metrics.diversity.outcomes import Outcomes
from lrensemble.metrics.diversity.teams import Teams, Values
from lrensemble.numerics import SMALLEST_PROBABILITY

_BLOCK = 1 << 20
"""Number of probabilities in memory at a time, so that memory does not grow with the rows."""


@DIVERSITY.register(higher_is_more_diverse=True, needs="probabilities")
def kullback_leibler(rows: Outcomes, teams: Teams) -> Values:
    """KL divergence of two members, mean of both directions, over rows and pairs (Kullback & Leibler 1951).

    Σ p ln(p / q) over classes, 0 to 36.04: in logarithms, probabilities below 2.2e-16 count as that, as in NLL.
    Higher is more diverse. Without rows 0.

    Raises:
        PredictionsError: only predicted classes were given.
    """
    members = len(rows.wrong)
    cross_entropies = np.zeros((members, members))
    for block, weights in _blocks(rows):
        flat = block.reshape(members, -1)
        cross_entropies -= (block * weights[:, None]).reshape(members, -1) @ np.log(
            np.maximum(flat, SMALLEST_PROBABILITY)
        ).T
    directed = cross_entropies - cross_entropies.diagonal()[:, None]
    return teams.over_pairs(ratio(np.maximum(directed + directed.T, 0), 2 * rows.rows))


@DIVERSITY.register(higher_is_more_diverse=True, needs="probabilities")
def jensen_shannon(rows: Outcomes, teams: Teams) -> Values:
    """Jensen-Shannon divergence of two members, mean over rows and pairs (Lin 1991, sec. IV, with equal weights).

    H((p + q) / 2) - (H(p) + H(q)) / 2, with H the entropy, 0 to ln 2. Higher is more diverse. Without rows 0.

    Raises:
        PredictionsError: only predicted classes were given.
    """
    members = len(rows.wrong)
    divergences = np.zeros((members, members))
    for block, weights in _blocks(rows):
        entropies = [_entropy(one, weights) for one in block]
        for first, second in zip(*np.triu_indices(members, k=1), strict=True):
            of_mean = _entropy((block[first] + block[second]) / 2, weights)
            divergences[first, second] += of_mean - (entropies[first] + entropies[second]) / 2
    return teams.over_pairs(ratio(np.maximum(divergences + divergences.T, 0), rows.rows))


def _entropy(probs: Values, weights: Values) -> float:
    """Sum over rows of the entropy of [sample, class] distributions, each as often as it counts."""
    return float(-((probs * np.log(np.maximum(probs, SMALLEST_PROBABILITY))).sum(axis=1) @ weights))


def _blocks(rows: Outcomes) -> Iterator[tuple[Values, Values]]:
    """Probabilities [member, sample, class] as float64 and weights [sample], some rows at a time."""
    if rows.probs is None:
        raise PredictionsError("divergences need probabilities [member, sample, class]; predicted classes were given")
    step = max(1, _BLOCK // (rows.probs.shape[0] * rows.probs.shape[2]))
    for start in range(0, len(rows.weights), step):
        part = slice(start, start + step)
        yield rows.probs[:, part].astype(np.float64), rows.weights[part]
