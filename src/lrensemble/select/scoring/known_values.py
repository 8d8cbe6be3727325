"""What a team scores in every row, from statistics that its selector has read: the definition's values to the last bit.

A selector that ends with the score of its team need not look at every class of every member again: the log loss is that
of what the label is given, and a row is right where every contested column is won.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, averaged, is_linear
from lrensemble.metrics import METRICS
from lrensemble.metrics.scores import log_losses
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.kernels.one_team import wrong_rows
from lrensemble.select.scoring.kernels.statistics import of_labels
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

Floats = NDArray[np.float64]


def known_values(
    validation: Validation, team: Sequence[int], weights: Sequence[float] | None, metric: SpecLike, consensus: SpecLike
) -> Floats | None:
    """[sample] what the metric is the mean of, on the rows that count; None where no statistic at hand says it.

    Of members that do not give all probabilities, the statistics are read for it: they hold all that is known.

    Args:
        validation: the rows, and what was read of them.
        team: members, rising.
        weights: of the members; equal where None.
        metric: what is measured.
        consensus: how members are combined.
    """
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if not is_linear(consensus):
        return None
    given = np.ones(len(team)) if weights is None else np.asarray(weights, dtype=np.float64)
    shares, averages = given / given.sum(), averaged(consensus.name)
    all_known = validation.lacking("probabilities") is None
    if metric == Spec("nll") and (not all_known or validation.knows(*OF_LABEL[averages == "votes"])):
        mean = _mean_of_label(of_labels(validation, consensus.name)[list(team)], shares)[validation.counted]
        return log_losses(mean[:, None], np.zeros(len(mean), dtype=np.int64))
    if metric == Spec("accuracy") and (not all_known or validation.knows("columns", averages)):
        columns = contested_columns(validation, consensus.name)
        right = np.ones(columns.rows)
        right[columns.always_wrong] = 0.0
        right[columns.row[wrong_rows(columns, np.asarray(team, dtype=np.int64), shares)]] = 0.0
        return right[validation.counted]
    return None


OF_LABEL = ("of_labels", None), ("predicted_classes", None)
"""What was read where probabilities are averaged, and where votes are."""


def _mean_of_label(of_label: Floats, shares: Floats) -> Floats:
    """[sample] the weighted mean of values [member, sample], added member by member as the consensus adds them."""
    total = np.zeros(of_label.shape[1])
    for values, share in zip(of_label, shares, strict=True):
        total += values * share
    return total
