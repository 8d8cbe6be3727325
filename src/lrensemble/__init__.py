"""Keep every model that a learning-rate sweep trains, and get the best ensemble out of them.

The method is Jin & Wu, "Boosting Deep Ensembles with Learning Rate Tuning", arXiv 2410.07564. The way of the data:

```
recipes --train--> pool --select--> team --evaluate--> result
                                     └-----export----> ensemble
```

The names below are loaded when they are first used, so that `import lrensemble` costs nothing. Functions that share the
name of their part are imported from there: `from lrensemble.select import select`, `from lrensemble.evaluate import
evaluate`.
"""

# Nothing is imported here that Python itself has not imported already: of `python -m lrensemble` in a folder of
# somebody's, `__main__` is the first that can take that folder out of the places of libraries.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lrensemble.config import Experiment, Recipe, load_experiment
    from lrensemble.consensus import combine
    from lrensemble.errors import LREnsembleError
    from lrensemble.evaluate import Result, Team, choose
    from lrensemble.export import Ensemble
    from lrensemble.metrics import score
    from lrensemble.policies import Policy, paper_grid
    from lrensemble.pool import Member, Pool, Task
    from lrensemble.pool.collect import collect
    from lrensemble.select import Selection, Validation, cross_fit, team_score
    from lrensemble.spec import Spec
    from lrensemble.studies.conduct import study
    from lrensemble.train.reproduce import reproduce
    from lrensemble.train.tune import tune

_HOME = {
    "Ensemble": "export",
    "Experiment": "config",
    "LREnsembleError": "errors",
    "Member": "pool",
    "Policy": "policies",
    "Pool": "pool",
    "Recipe": "config",
    "Result": "evaluate",
    "Selection": "select",
    "Spec": "spec",
    "Task": "pool",
    "Team": "evaluate",
    "Validation": "select",
    "choose": "evaluate",
    "collect": "pool.collect",
    "combine": "consensus",
    "cross_fit": "select",
    "load_experiment": "config",
    "paper_grid": "policies",
    "reproduce": "train",
    "score": "metrics",
    "study": "studies",
    "team_score": "select",
    "tune": "train",
}

__all__ = [
    "Ensemble",
    "Experiment",
    "LREnsembleError",
    "Member",
    "Policy",
    "Pool",
    "Recipe",
    "Result",
    "Selection",
    "Spec",
    "Task",
    "Team",
    "Validation",
    "choose",
    "collect",
    "combine",
    "cross_fit",
    "load_experiment",
    "paper_grid",
    "reproduce",
    "score",
    "study",
    "team_score",
    "tune",
]


def __getattr__(name: str) -> "Any":
    from importlib import import_module

    if name == "__version__":
        return import_module("importlib.metadata").version("lrensemble")
    if name not in _HOME:
        raise AttributeError(f"module 'lrensemble' has no attribute {name!r}")
    return getattr(import_module(f"lrensemble.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
