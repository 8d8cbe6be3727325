"""Keep every model that a learning-rate sweep trains, and get the best ensemble out of them.

The method is Jin & Wu, "Boosting Deep Ensembles with Learning Rate Tuning", arXiv 2410.07564. The way of the data:

```
recipes --train--> pool --select--> team --evaluate--> result
                                     └-----export----> ensemble
```

The names below are loaded when they are first used, so that `import lrensemble` costs nothing. `run`, `tune`,
`collect`, `adopt`, `select`, `evaluate`, `report`, `export` and `predict` do what the verbs of the command line do.
Some share their name with a part of the package: `lrensemble.select` is the function, and
`from lrensemble.select import …` imports from the part.
"""

from lrensemble.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lrensemble.config import Experiment, Recipe, load_experiment
    from lrensemble.consensus import combine
    from lrensemble.errors import LREnsembleError
    from lrensemble.evaluate import Result, Team
    from lrensemble.export import Ensemble
    from lrensemble.front.adopted import adopt
    from lrensemble.front.benchmarks import benchmark
    from lrensemble.front.estimators import LREnsembleClassifier, LREnsembleRegressor
    from lrensemble.front.scored import score
    from lrensemble.front.sweep import run, tune
    from lrensemble.front.teams import evaluate, select
    from lrensemble.front.written import export, predict, report
    from lrensemble.policies import Policy, paper_grid
    from lrensemble.pool import Member, Pool, Task
    from lrensemble.pool.collect import collect
    from lrensemble.select import Selection, Validation, cross_fit, team_score
    from lrensemble.spec import Spec
    from lrensemble.studies.conduct import study
    from lrensemble.train.reproduce import reproduce

    __version__: str

_HOME = {
    "Ensemble": "export",
    "Experiment": "config",
    "LREnsembleClassifier": "front.estimators",
    "LREnsembleError": "errors",
    "LREnsembleRegressor": "front.estimators",
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
    "adopt": "front.adopted",
    "benchmark": "front.benchmarks",
    "collect": "pool.collect",
    "combine": "consensus",
    "cross_fit": "select",
    "evaluate": "front.teams",
    "export": "front.written",
    "load_experiment": "config",
    "paper_grid": "policies",
    "predict": "front.written",
    "report": "front.written",
    "reproduce": "train",
    "run": "front.sweep",
    "score": "front.scored",
    "select": "front.teams",
    "study": "studies",
    "team_score": "select",
    "tune": "front.sweep",
}

__all__ = [
    "Ensemble",
    "Experiment",
    "LREnsembleClassifier",
    "LREnsembleError",
    "LREnsembleRegressor",
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
    "adopt",
    "benchmark",
    "collect",
    "combine",
    "cross_fit",
    "evaluate",
    "export",
    "load_experiment",
    "paper_grid",
    "predict",
    "report",
    "reproduce",
    "run",
    "score",
    "select",
    "study",
    "team_score",
    "tune",
]


if not TYPE_CHECKING:  # where a type checker looks, a name that is misspelt is none
    lazily(__name__, _HOME)

    def __getattr__(name: str) -> "Any":
        """The version, read when it is asked for; all others are those of `lazily`, which are looked up after it."""
        if name != "__version__":
            raise AttributeError(f"module 'lrensemble' has no attribute {name!r}")
        from importlib.metadata import version

        return version("lrensemble")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
