"""The front door: what the verbs of the command line do, as plain functions.

`sweep` trains, `teams` chooses and judges, `written` writes pages and ensembles and predicts; `experiment` takes an
experiment in any form, `objects` networks and rates that are given as they are, `arrays` data, and `fingerprint` tells
two definitions apart.
"""

from lrensemble.front.sweep import run, tune
from lrensemble.front.teams import Teams, evaluate, select
from lrensemble.front.written import Exported, Written, export, predict, report
from lrensemble.pool.collect import collect

__all__ = [
    "Exported",
    "Teams",
    "Written",
    "collect",
    "evaluate",
    "export",
    "predict",
    "report",
    "run",
    "select",
    "tune",
]
