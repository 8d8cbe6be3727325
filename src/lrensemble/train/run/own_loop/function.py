"""Function of the user's that trains a run: found by its path, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lrensemble.config import Recipe
from lrensemble.data import Dataset
from lrensemble.errors import ConfigError, SpecError, TrainingError
from lrensemble.registry.functions import Call, NoFacts, Registered
from lrensemble.registry.paths import FORM, function_at
from lrensemble.spec import Spec

KEY = "train.function"
"""Path of the key of an experiment that names it."""

TrainFunction = Callable[[Recipe, Dataset], object]

_CALL = Call(("recipe", "dataset"))


def train_function(spec: Spec) -> TrainFunction:
    """The function that a spec names, with the spec's arguments.

    Raises:
        SpecError: no path, or it cannot be imported, called as (recipe, dataset), or given these arguments.
        UntrustedError: a file from elsewhere names it, and nobody has asked for it.
    """
    if ":" not in spec.name:
        raise SpecError(f"{KEY} = {spec.name!r} is refused; give {FORM}, a function of (recipe, dataset)")
    written = function_at(spec.name, KEY)
    what = f"{KEY} {spec.name!r}"
    _CALL.require(what, written)
    found = Registered[object, NoFacts](spec.name, KEY, written, written, _CALL.own(written), spec, NoFacts())
    found.check(spec.arguments, ())
    return partial(written, **spec.arguments)


def check_execution_of(spec: Spec | None, execution: str) -> str:
    """Line for people on what runs of a function do without; empty where there is no function.

    Raises:
        TrainingError: execution in one program with others.
    """
    if spec is None:
        return ""
    if execution == "fused":
        raise TrainingError(
            f"execution = 'fused' is refused: {KEY} = {spec} trains one run at a time; give auto, one-by-one or workers"
        )
    return (
        f"{KEY} = {spec} trains each run alone: none is fused, pruned or gone on with midway; one that is interrupted "
        "begins again"
    )


def refuse_function(spec: Spec | None, what: str, instead: str) -> None:
    """Refuse what needs the library's own loop.

    Args:
        spec: `train.function`; nothing is refused where there is none.
        what: what needs it, with the path of its key.
        instead: what to do.

    Raises:
        ConfigError: there is a function.
    """
    if spec is not None:
        raise ConfigError(f"{what} needs the loop of this library, and {KEY} = {spec} has its own; {instead}")
