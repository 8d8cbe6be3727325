"""Adopter of XGBoost: its boosters, its estimators, and the files that it saves."""

from __future__ import annotations

import math
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lrensemble.adopt.estimators import checked, classes_of, facts_of, history_of, method_of, name_of, own_of, tool_of
from lrensemble.adopt.features import check_features
from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.paths import begins_with, content_of
from lrensemble.config import Network
from lrensemble.errors import AdoptError, DataError
from lrensemble.networks import library
from lrensemble.networks.xgboost import OF_MARGINS, booster_of, objective_of
from lrensemble.spec import Spec

HEADS = (re.compile(rb'\{\s*"(learner|version)"\s*:'), re.compile(rb"\{L\0{7}\x07(learner|version)"))
"""How its JSON and its UBJ begin; other files are called `.json` as well."""


def _takes(given: Any) -> bool:
    return tool_of(given) == "xgboost" or begins_with(given, *HEADS)


@ADOPTERS.register(takes=_takes, where="FILE.ubj or .json", module="xgboost")
def xgboost(given: Any, asked: Asked, *, missing: float | None = None) -> list[Found]:
    """A Booster, XGBClassifier or XGBRegressor, or a file of save_model; after early stopping, its best rounds.

    Args:
        given: the model, or path of the file.
        asked: what is known of it.
        missing: number that stands for what is missing, beside NaN; an estimator knows its own.

    Raises:
        AdoptError: not fitted, of another kind of truth than the pool, or no file of XGBoost.
        MissingExtraError: xgboost is not installed.
    """
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        try:
            booster = booster_of(content_of(path))
        except DataError as error:
            raise AdoptError(f"{path}: {error}") from None
        return [_found(booster, asked, asked.name or path.stem, missing, {"file": path.name})]
    if not hasattr(given, "get_booster"):
        one = _found(given, asked, asked.name or "Booster", missing, {})
        return [replace(one, own=_own_of(given, asked, missing))]
    checked(given, asked)
    parameters = {key: value for key, value in given.get_params().items() if value is not None}
    stands = None if given.missing is None or math.isnan(given.missing) else float(given.missing)
    facts = facts_of(given, "xgboost", parameters)
    one = _found(given.get_booster(), asked, asked.name or name_of(given), stands, facts)
    return [
        replace(
            one,
            own=own_of(method_of(given, asked), asked.inputs),
            classes=classes_of(given),
            history=history_of(getattr(given, "evals_result_", None) or {}),
        )
    ]


def _found(booster: Any, asked: Asked, name: str, missing: float | None, facts: dict[str, Any]) -> Found:
    """A booster in its UBJ format, cut after its best round.

    Raises:
        AdoptError: its objective is not that of the pool's truth, or it was fitted to other columns than the data have.
    """
    objective = objective_of(booster)
    needs = asked.target.truth_kind
    if objective == "binary:hinge":
        raise AdoptError(f"{name} has the objective {objective}, which gives a class alone; train with binary:logistic")
    if objective.startswith(("binary:", "multi:")) == asked.of_values and asked.gives is None:
        raise AdoptError(
            f"{name} has the objective {objective}, and the pool's truth is {needs}; adopt a model of those, or "
            "say what it gives (gives='probs', 'logits', 'values')"
        )
    check_features(name, booster.feature_names or (), asked.inputs.features)
    best = _best_rounds(booster)
    if 0 < best < booster.num_boosted_rounds():
        booster = booster[:best]
    content = bytes(booster.save_raw("ubj"))
    arguments = {} if missing is None else {"missing": missing}
    kept = {"objective": objective, "rounds": booster.num_boosted_rounds()}
    return Found(
        name,
        Network(
            model=Spec("xgboost", arguments),
            file="network.ubj",
            gives=asked.gives or asked.target.estimator_gives,
        ),
        content=content,
        facts={**facts_of(booster, "xgboost", kept), **facts},
    )


def _best_rounds(booster: Any) -> int:
    """Number of rounds until its best one, where it was stopped early; else 0, which stands for all."""
    return 1 + int(booster.attributes().get("best_iteration", -1))


def _own_of(booster: Any, asked: Asked, missing: float | None) -> Any:
    """What a booster gives by itself; nothing where that is a class alone."""
    if objective_of(booster) in OF_MARGINS:
        return None
    tool = library("xgboost", "xgboost", "a model of XGBoost")

    def predict(given: NDArray[Any]) -> Any:
        matrix = tool.DMatrix(given, missing=math.nan if missing is None else missing)
        return booster.predict(matrix, iteration_range=(0, _best_rounds(booster)), validate_features=False)

    return own_of(predict, asked.inputs)
