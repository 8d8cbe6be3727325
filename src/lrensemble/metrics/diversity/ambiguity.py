"""Diversity of values: how far members are apart, which is what their mean gains over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lrensemble.errors import PredictionsError
from lrensemble.metrics.diversity.base import DIVERSITY, ratio
from lrensemble.metrics.diversity.teams import Teams, Values
from lrensemble.rows import check_weights


@dataclass(frozen=True)
class ValueRows:
    """Values that the members give over some rows, and how often each row counts."""

    values: Values
    """Values [member, sample, output]."""
    weights: Values
    """Weights [sample]."""

    @property
    def members(self) -> int:
        """Number of members."""
        return len(self.values)

    @property
    def rows(self) -> float:
        """Number of rows, as often as they count."""
        return float(self.weights.sum())


def value_rows(predictions: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> ValueRows:
    """Read values, checked once for all measures.

    Args:
        predictions: [member, sample, output] values, which variances may follow; those are not looked at.
        truth: [sample, output] values.
        weights: [sample] how often each row counts, not negative; once each where not given.

    Raises:
        PredictionsError: another shape, no member, values that are not finite, or weights that do not fit.
    """
    given, known = np.asarray(predictions), np.asarray(truth)
    if known.ndim != 2 or given.ndim != 3 or len(given) == 0 or given.shape[1] != len(known):
        raise PredictionsError(
            f"predictions have shape {given.shape} and the truth {known.shape}; "
            "give [member, sample, output] and [sample, output] values of the same rows"
        )
    if given.shape[2] not in (known.shape[1], 2 * known.shape[1]):
        raise PredictionsError(
            f"predictions have {given.shape[2]} columns for {known.shape[1]} outputs; "
            "give one for each, or the means and then the variances"
        )
    values = np.asarray(given[:, :, : known.shape[1]], dtype=np.float64)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        member, row, output = (int(place) for place in bad[0])
        raise PredictionsError(
            f"predictions: member {member}, row {row}, output {output} is {values[member, row, output]}; "
            "give finite values"
        )
    times = np.ones(len(known)) if weights is None else check_weights(np.asarray(weights), len(known))
    return ValueRows(values, times)


@DIVERSITY.register(higher_is_more_diverse=True, targets=("values",))
def ambiguity(rows: ValueRows, teams: Teams) -> Values:
    """Mean squared deviation of members from their mean, over rows and outputs (Krogh & Vedelsby 1995).

    The mean squared error of the mean of members is the mean of theirs less this, exactly. (L - 1) / (2 L) times the
    mean squared distance of two members. In the squared unit of the values, from 0. Higher is more diverse.
    """
    sizes = np.maximum(teams.sizes(), 1)
    return np.asarray((sizes - 1) / (2 * sizes) * ratio(teams.over_pairs(_squared_distances(rows)), rows.rows))


def _squared_distances(rows: ValueRows) -> Values:
    """Weighted sum over rows [member, member] of the squared distance of two members, mean over outputs.

    From differences, and not from a Gram matrix: members that say the same are at no distance, not at that of rounding.
    """
    members = rows.members
    distances = np.zeros((members, members))
    for member in range(members - 1):
        differences = rows.values[member + 1 :] - rows.values[member]
        found = np.einsum("mso,mso,s->m", differences, differences, rows.weights) / max(1, differences.shape[2])
        distances[member, member + 1 :] = distances[member + 1 :, member] = found
    return distances
