"""What the selectors led by diversity share: how alike the members of every team are, clusters by it, and which
team is returned.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics.diversity import all_teams, higher_is_more_diverse
from lrensemble.select.base import Selection
from lrensemble.select.methods.shared.scored import equal_team
from lrensemble.select.scoring.every_team import in_order
from lrensemble.select.scoring.kernels.statistics import predicted_classes
from lrensemble.select.scoring.kernels.subsets import members_of
from lrensemble.select.scoring.team_scores import first_best
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

Floats = NDArray[np.float64]


def inverse_diversity(validation: Validation, measure: SpecLike, focal: int | None = None) -> Floats:
    """[2^members] a diversity measure of every team at its mask, turned so that lower is more diverse (1 - d).

    `focal` restricts it to the rows that this member gets wrong.

    Raises:
        SpecError: no such measure.
        PredictionsError: a measure that needs probabilities.
    """
    predicted, weights = predicted_classes(validation), validation.weights
    values = all_teams(measure, predicted, validation.truth, focal=focal, weights=weights)
    return 1 - values if higher_is_more_diverse(measure) else values


def focal_inverse_diversity(validation: Validation, measure: SpecLike) -> Floats:
    """[member, 2^members] `inverse_diversity` over each member's own errors; NaN for a member without any."""
    wrong = (predicted_classes(validation) != validation.truth)[:, validation.counted].any(axis=1)
    return np.stack(
        [
            inverse_diversity(validation, measure, focal) if errs else np.full(2**validation.members, np.nan)
            for focal, errs in enumerate(wrong.tolist())
        ]
    )


def best_kept(
    validation: Validation,
    kept: NDArray[np.int64],
    accuracies: Floats,
    metric: SpecLike,
    consensus: SpecLike,
    tried: int,
    details: dict[str, Any],
) -> Selection:
    """The most accurate of the teams kept, as masks; ties to the smaller, then to the lowest indices.

    Where none was kept, as in a pool of one or two, all teams stand for it; `details["kept"]` says how many were.
    """
    order = in_order(kept if len(kept) else np.arange(1, len(accuracies)))
    team = members_of(int(order[first_best(accuracies[order])]))
    return equal_team(validation, team, metric, consensus, tried, details | {"kept": len(kept)})


def scaled(values: Floats) -> Floats:
    """Values from 0 to 1; all 0 where they are all the same."""
    spread = values.max() - values.min()
    return (values - values.min()) / spread if spread > 0 else np.zeros_like(values)


def two_clusters(accuracies: Floats, inverse_diversities: Floats) -> tuple[NDArray[np.bool_], Floats] | None:
    """Which teams [team] are in the cluster of lower accuracy, and that cluster's centre (accuracy, inverse
    diversity).

    k-means with two clusters, from the corners of most accurate and most diverse, and least of both. None where fewer
    than two points are distinct.
    """
    points = np.stack([accuracies, inverse_diversities], axis=1)
    if len(np.unique(points, axis=0)) < 2:
        return None
    corners = np.array([[accuracies.max(), inverse_diversities.min()], [accuracies.min(), inverse_diversities.max()]])
    if (corners[0] == corners[1]).all():
        return None
    from sklearn.cluster import KMeans  # imported here: a second that all other selectors do without

    found = KMeans(n_clusters=2, init=corners, n_init=1).fit(points)
    lower = int(found.cluster_centers_[0, 0] > found.cluster_centers_[1, 0])
    return found.labels_ == lower, np.asarray(found.cluster_centers_[lower], dtype=np.float64)
