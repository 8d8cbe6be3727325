"""Hierarchical pruning (Wu et al., ICDM 2021): a team that holds a poor smaller team is not looked at."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.limits import Count, Table
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.focal_fq import focal_inverse_diversity_by, phase_one, phase_two_scores
from lrensemble.select.methods.shared.diversity import Floats, best_kept
from lrensemble.select.methods.shared.reduced import members_of_table
from lrensemble.select.scoring.every_team import score_every_team
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

Share = Annotated[float, Field(ge=0, lt=1)]


@SELECTORS.register(targets=("classes", "choices"), needs="labels", target=3)
def hierarchical(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    measure: str = "generalized_diversity",
    target: Annotated[Count, Field(ge=2)] = 5,
    share: Share = 0.1,
    compat: Literal["none", "ensemblebench"] = "none",
    limit: Table | None = None,
) -> Selection:
    """The most accurate of the teams that survive HQ pruning (Wu et al. 2021, ICDM, algorithm 1).

    For sizes 2, 3, … up to the target: first the teams go that hold a smaller team already pruned, then the worst share
    by focal diversity, weighted as in `focal_fq`; of equals the less accurate goes first.

    Args:
        validation: the rows to choose on.
        metric: what the score is given in; the choice is by accuracy of the mean of probabilities.
        consensus: how the chosen team is combined; no say in the choice.
        seed: of the draws under `compat`.
        measure: a diversity measure of predicted classes.
        target: largest team; all but one member in a smaller pool.
        share: of the teams of a size that are pruned.
        compat: `ensemblebench` for draws of rows and `argsort` in the place of ranks, as in `focal_fq`; or `none`.
        limit: refuse to score more teams than this; unless given, a larger pool gives way to its 16 most accurate
            members, which `details["among"]` lists.

    Raises:
        SelectionError: there are more teams than `limit`.
        SpecError, PredictionsError: no such measure, or one that needs probabilities.
    """
    check_metric(validation, metric, consensus)
    part = members_of_table(validation, limit, "accuracy", "mean")
    accuracies = score_every_team(part.validation, "accuracy", "mean", limit)
    rescaled, _ = phase_one(accuracies, focal_inverse_diversity_by(part.validation, measure, compat, seed))
    scores = phase_two_scores(accuracies, rescaled, by_argsort=compat != "none")
    survivors = prune(accuracies, scores, min(target, part.validation.members - 1), share)
    details = {"measure": measure}
    found = best_kept(part.validation, survivors, accuracies, metric, consensus, len(accuracies) - 1, details)
    return part.restored(found)


def prune(accuracies: Floats, scores: Floats, target: int, share: float) -> NDArray[np.int64]:
    """The masks of sizes 2 to `target` that survive; a team without a score stays."""
    masks = np.arange(len(scores))
    sizes, pruned = np.bitwise_count(masks), np.zeros(len(scores), dtype=bool)
    survivors = []
    for size in range(2, target + 1):
        group = masks[(sizes == size) & ~pruned]
        worst_first = np.lexsort((accuracies[group], -np.nan_to_num(scores[group], nan=-np.inf)))
        gone = group[worst_first[: int(share * len(group))]]
        pruned[gone] = True
        survivors.append(np.setdiff1d(group, gone))
        # A superset of one more member inherits the verdict, and hands it on when its own size is reached.
        for member in range(int(np.log2(len(scores)))):
            with_member = masks[(sizes == size) & pruned] | 1 << member
            pruned[with_member] = True
    return np.concatenate(survivors) if survivors else np.empty(0, dtype=np.int64)
