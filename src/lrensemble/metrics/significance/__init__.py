"""Is the difference between two predictors on the same rows real? Paired intervals and tests, for one and for many."""

from lrensemble.metrics.significance.holm import holm
from lrensemble.metrics.significance.max_t import simultaneous
from lrensemble.metrics.significance.mcnemar import mcnemar_exact, mcnemar_mid_p
from lrensemble.metrics.significance.means import (
    CONFIDENT_MISTAKE,
    Comparison,
    Interval,
    paired_means,
    paired_proportions,
)
from lrensemble.metrics.significance.scores import compared_rows, paired_scores, simultaneous_scores

__all__ = [
    "CONFIDENT_MISTAKE",
    "Comparison",
    "Interval",
    "compared_rows",
    "holm",
    "mcnemar_exact",
    "mcnemar_mid_p",
    "paired_means",
    "paired_proportions",
    "paired_scores",
    "simultaneous",
    "simultaneous_scores",
]
