"""Choose teams from a pool on `val`, measure them on `test`, and say whether the gain can be believed.

`teams` chooses and stores, `evaluation` measures, `baselines` adds what must stand beside, `verdict` says it in a
sentence; `result` holds the records.
"""

from lrensemble.evaluate.changes import Changes, changes
from lrensemble.evaluate.evaluation import evaluate, gains, scores
from lrensemble.evaluate.result import Cost, Gain, MemberResult, Result, Scores, TeamResult, Verdict
from lrensemble.evaluate.stored import stored_result
from lrensemble.evaluate.teams import Team, choose, load, predict, save, validation_of
from lrensemble.evaluate.verdict import judged

__all__ = [
    "Changes",
    "Cost",
    "Gain",
    "MemberResult",
    "Result",
    "Scores",
    "Team",
    "TeamResult",
    "Verdict",
    "changes",
    "choose",
    "evaluate",
    "gains",
    "judged",
    "load",
    "predict",
    "save",
    "scores",
    "stored_result",
    "validation_of",
]
