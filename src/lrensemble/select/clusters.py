"""Two clusters of teams by accuracy and likeness, and the thresholds that focal selection takes from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def scaled(values: Floats) -> Floats:
    """Values from 0 to 1; all 0 where they are all the same."""
    spread = values.max() - values.min()
    return (values - values.min()) / spread if spread > 0 else np.zeros_like(values)


def two_clusters(accuracies: Floats, likenesses: Floats) -> tuple[NDArray[np.bool_], Floats] | None:
    """Which teams [team] are in the cluster of lower accuracy, and that cluster's centre (accuracy, likeness).

    k-means with two clusters, from the corners of most accurate and most diverse, and least of both. None where fewer
    than two points are distinct.
    """
    points = np.stack([accuracies, likenesses], axis=1)
    if len(np.unique(points, axis=0)) < 2:
        return None
    corners = np.array([[accuracies.max(), likenesses.min()], [accuracies.min(), likenesses.max()]])
    if (corners[0] == corners[1]).all():
        return None
    from sklearn.cluster import KMeans  # imported here: a second that all other selectors do without

    found = KMeans(n_clusters=2, init=corners, n_init=1).fit(points)
    lower = int(found.cluster_centers_[0, 0] > found.cluster_centers_[1, 0])
    return found.labels_ == lower, np.asarray(found.cluster_centers_[lower], dtype=np.float64)
