"""Choose the team whose members work best together. Selection works on arrays and sees validation rows only.

`base` holds the records, `methods` the selectors, one file each, and `scoring` how scores of teams are computed;
`cross_fit` and `stability` judge a selector honestly, on folds and resamples.
"""

from __future__ import annotations

import time
from dataclasses import replace

from lrensemble.select import methods  # noqa: F401  (register the selectors)
from lrensemble.select.base import SELECTORS, Selection, aim, check_method, check_seed
from lrensemble.select.cautions import caution
from lrensemble.select.cross_fit import CrossFit, cross_fit
from lrensemble.select.returned import choosing
from lrensemble.select.scoring.every_team import TeamTable, check_table_path, team_table
from lrensemble.select.scoring.learned import learned_nothing
from lrensemble.select.scoring.team_scores import fitted_consensus, team_score
from lrensemble.select.stability import Stability, stability
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

__all__ = [
    "SELECTORS",
    "CrossFit",
    "Selection",
    "Stability",
    "TeamTable",
    "Validation",
    "caution",
    "check_method",
    "check_table_path",
    "cross_fit",
    "fitted_consensus",
    "learned_nothing",
    "select",
    "stability",
    "team_score",
    "team_table",
]


def select(
    validation: Validation,
    method: SpecLike = "greedy",
    *,
    metric: SpecLike | None = None,
    consensus: SpecLike | None = None,
    seed: int = 0,
) -> Selection:
    """Choose a team.

    Args:
        validation: predictions and labels of the validation rows.
        method: a selector by name, with its arguments: `greedy(size=25)`.
        metric: what the team aims at: `accuracy`, `nll`, `mse`, … By default NLL of classes, or accuracy where a member
            knows only labels; the mean squared error of values, or their Gaussian NLL where all give variances.
        consensus: how members' predictions are combined. By default the mean, or the mixture of normal distributions.
        seed: of selectors that draw; the others ignore it.

    Raises:
        UnknownNameError, SpecError: a name or an argument that is not known.
        SelectionError: the selector cannot choose as asked.
    """
    start = time.perf_counter()
    spec = check_method(method)
    metric, consensus = aim(validation, metric, consensus)
    selection = choosing(validation, spec)(validation, metric=metric, consensus=consensus, seed=check_seed(seed))
    seconds = time.perf_counter() - start
    return replace(selection, method=str(spec), seconds=seconds, caution=caution(validation, selection))
