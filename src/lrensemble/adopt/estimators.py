"""What fitted models with the interface of scikit-learn say of themselves, whoever made them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from inspect import signature
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lrensemble.adopt.features import check_features
from lrensemble.adopt.found import Asked
from lrensemble.config import Inputs
from lrensemble.errors import AdoptError
from lrensemble.targets import TruthKind

TOOLS = ("lightgbm", "xgboost", "sklearn")
"""Modules of tools with models of this kind; those that build on another come first."""

LONGEST_NAME = 80

QUIET = ("missing", "n_jobs", "nthread", "objective", "verbose", "verbosity")
"""Hyper-parameters that a name does not say."""


def tool_of(given: Any) -> str:
    """Module of the tool that an object is of, by its nearest base: `sklearn`, `lightgbm`, `xgboost`, or nothing."""
    roots = [each.__module__.partition(".")[0] for each in type(given).__mro__]
    return next((root for root in roots if root in TOOLS), "")


def checked(model: Any, asked: Asked) -> None:
    """Refuse a model that is not fitted, or that does not give what the pool's rows need.

    Raises:
        AdoptError: what is wrong, and what to do.
    """
    from sklearn.base import is_classifier, is_regressor
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    name = type(model).__name__
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise AdoptError(f"{name} is not fitted yet; fit it first") from None
    except TypeError:
        raise AdoptError(f"{name} is no estimator; give a fitted classifier or regressor") from None
    if not (is_classifier(model) or is_regressor(model)):
        raise AdoptError(f"{name} is neither a classifier nor a regressor; give one that is")
    if is_regressor(model) != asked.of_values:
        needs = asked.target.truth_kind
        gives = next(kind for kind in get_args(TruthKind) if kind != needs)
        raise AdoptError(
            f"{name} predicts {gives}, and the pool's truth is {needs}; adopt it into a pool with truth='{gives}'"
        )
    if not hasattr(model, asked.target.estimator_method):
        raise AdoptError(
            f"{name} has no predict_proba, and a class alone says too little; fit CalibratedClassifierCV({name}(…))"
        )
    check_features(name, getattr(model, "feature_names_in_", ()), asked.inputs.features)
    if isinstance(getattr(model, "classes_", None), list):
        raise AdoptError(
            f"{name} predicts several truths of each row; adopt one model for each, into a pool of its own"
        )


def classes_of(model: Any) -> list[str] | None:
    """Names of the classes in the order of its columns, as a pool calls them."""
    found = getattr(model, "classes_", None)
    if found is None:
        return None
    array = np.asarray(found)
    if array.dtype.kind == "b" or (array.dtype.kind == "f" and bool((array == np.floor(array)).all())):
        array = array.astype(np.int64)
    return list(map(str, array.tolist()))


def own_of(predict: Callable[[NDArray[Any]], Any], inputs: Inputs) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """From raw inputs to what a model gives in its tool, on features that are prepared as stated."""
    axes = (1, -1, *[1] * (len(inputs.shape) - 1))
    mean, std = (np.array(each, np.float32).reshape(axes) for each in (inputs.mean, inputs.std))

    def own(raw: NDArray[Any]) -> NDArray[Any]:
        given = raw if raw.dtype == np.float64 else raw.astype(np.float32)
        if mean.any() or (std != 1).any():
            given = (given.astype(np.float32) - mean) / std
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # arrays do not have the names of features
            return np.asarray(predict(given.reshape(len(given), -1)))

    return own


def method_of(model: Any, asked: Asked) -> Callable[[NDArray[Any]], Any]:
    """The method of a fitted model that gives what is asked of the target: probabilities, or values."""
    method: Callable[[NDArray[Any]], Any] = getattr(model, asked.target.estimator_method)
    return method


def facts_of(model: Any, tool: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a member keeps of how its model was trained.

    Args:
        model: the model.
        tool: distribution that made it: `scikit-learn`.
        parameters: hyper-parameters; those of `get_params` unless given.
    """
    if parameters is None:
        parameters = {key: value for key, value in model.get_params().items() if not hasattr(value, "get_params")}
    plain = {key: _plain(value) for key, value in parameters.items()}
    return {"tool": f"{tool} {version(tool)}", "class": type(model).__name__, "parameters": plain}


def name_of(model: Any) -> str:
    """`LogisticRegression(C=0.1)`, with what differs from the defaults, and its learning rate; of a pipeline its steps;
    the class alone where that is long.
    """
    if hasattr(model, "steps"):
        return " + ".join(name_of(step) for _, step in model.steps)
    kind = type(model).__name__
    if not hasattr(model, "get_params"):
        return kind
    bases = [vars(each)["__init__"] for each in reversed(type(model).__mro__) if "__init__" in vars(each)]
    defaults = {name: each.default for base in bases for name, each in signature(base).parameters.items()}
    changed = [
        f"{key}={value!r}"
        for key, value in model.get_params(deep=False).items()
        if key not in QUIET and (repr(value) != repr(defaults.get(key)) or (key == "learning_rate" and value))
    ]
    text = " ".join(f"{kind}({', '.join(changed)})".split()) if changed else kind
    return text if len(text) <= LONGEST_NAME else kind


def history_of(evaluations: Mapping[str, Mapping[str, Sequence[float]]]) -> list[dict[str, object]]:
    """One record for each round of boosting, of the curves that it was evaluated by: `valid_0 multi_logloss`."""
    curves = {f"{rows} {metric}": each for rows, found in evaluations.items() for metric, each in found.items()}
    rounds = min(map(len, curves.values()), default=0)
    return [
        {"epoch": place + 1, "step": place + 1, **{name: float(each[place]) for name, each in curves.items()}}
        for place in range(rounds)
    ]


def _plain(value: Any) -> Any:
    """A hyper-parameter as JSON has it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return getattr(value, "__name__", None) or " ".join(repr(value).split())[:200]
