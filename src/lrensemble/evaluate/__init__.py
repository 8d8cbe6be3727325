"""Choose teams from a pool on `val`, score them on `test`, and test whether the gain is reliable.

`teams` chooses, `selections` stores, `judged` fixes on `val` which team is judged; `evaluation` scores on the test
sets, with `measurements` of members and teams, which are `predictors` whose rows are read in one pass (`streaming`),
and gains from `comparison`; `verdict` puts them into a sentence, and `further` into one for each further test set.
`baselines` adds the teams that need no search, `looks` counts every look at test, `result` holds the records, `stored`
their file, and `needed` says whose weights are still wanted. `benchmarks` judges a team of language models by answers.
"""

from lrensemble.evaluate.changes import Changes, changes
from lrensemble.evaluate.comparison import gains
from lrensemble.evaluate.evaluation import evaluate
from lrensemble.evaluate.judged import Judged, judged
from lrensemble.evaluate.looks import Look, looks
from lrensemble.evaluate.needed import needed_members, slim
from lrensemble.evaluate.result import (
    Cost,
    FurtherTest,
    Gain,
    MemberResult,
    Reference,
    ReferenceScores,
    Result,
    Scores,
    TeamResult,
    TeamScores,
    Tempered,
    Verdict,
)
from lrensemble.evaluate.scores import scores
from lrensemble.evaluate.selections import load, save, stale
from lrensemble.evaluate.stored import read_result, stored_result, write_result
from lrensemble.evaluate.teams import (
    DEFAULT_METRIC,
    Procedure,
    Team,
    choose,
    cross_fitted_team,
    default_consensus,
    default_methods,
    default_metric,
    methods_of,
    predict,
    validation_of,
    why_not_chosen,
)
from lrensemble.evaluate.untrusted import untrusted

__all__ = [
    "DEFAULT_METRIC",
    "Changes",
    "Cost",
    "FurtherTest",
    "Gain",
    "Judged",
    "Look",
    "MemberResult",
    "Procedure",
    "Reference",
    "ReferenceScores",
    "Result",
    "Scores",
    "Team",
    "TeamResult",
    "TeamScores",
    "Tempered",
    "Verdict",
    "changes",
    "choose",
    "cross_fitted_team",
    "default_consensus",
    "default_methods",
    "default_metric",
    "evaluate",
    "gains",
    "judged",
    "load",
    "looks",
    "methods_of",
    "needed_members",
    "predict",
    "read_result",
    "save",
    "scores",
    "slim",
    "stale",
    "stored_result",
    "untrusted",
    "validation_of",
    "why_not_chosen",
    "write_result",
]
