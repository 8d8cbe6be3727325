"""Adopter of LightGBM: its boosters, its estimators, and the text files that it saves."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from lrensemble.adopt.estimators import checked, classes_of, facts_of, history_of, method_of, name_of, own_of, tool_of
from lrensemble.adopt.features import check_features
from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.paths import begins_with, content_of
from lrensemble.config import Network
from lrensemble.errors import AdoptError, DataError
from lrensemble.networks.lightgbm import HEAD, booster_of
from lrensemble.spec import Spec

OF_CLASSES = ("binary", "multiclass", "multiclassova", "cross_entropy", "cross_entropy_lambda")
"""Objectives that give probabilities."""

PARAMETERS = (
    *("boosting", "objective", "seed", "learning_rate", "num_iterations", "num_leaves", "max_depth"),
    *("min_data_in_leaf", "bagging_fraction", "feature_fraction", "lambda_l1", "lambda_l2"),
)
"""Hyper-parameters that are kept, of those that its files hold."""


def _takes(given: Any) -> bool:
    return tool_of(given) == "lightgbm" or begins_with(given, HEAD)


@ADOPTERS.register(takes=_takes, where="FILE.txt", module="lightgbm")
def lightgbm(given: Any, asked: Asked) -> list[Found]:
    """A Booster, LGBMClassifier or LGBMRegressor, or a file of save_model; after early stopping, its best iterations.

    Args:
        given: the model, or path of the file.
        asked: what is known of it; `gives` says what an objective of one's own gives.

    Raises:
        AdoptError: not fitted, of another kind of truth than the pool, or no file of LightGBM.
        MissingExtraError: lightgbm is not installed.
    """
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        try:
            content = content_of(path)
            booster = booster_of(content)
        except DataError as error:
            raise AdoptError(f"{path}: {error}") from None
        return [_found(booster, content, asked, asked.name or path.stem, facts={"file": path.name})]
    if hasattr(given, "predict_proba") or hasattr(given, "booster_"):
        checked(given, asked)
        one = _found(given.booster_, None, asked, asked.name or name_of(given), facts=facts_of(given, "lightgbm"))
        history = history_of(given.evals_result_)
        return [
            replace(one, own=own_of(method_of(given, asked), asked.inputs), classes=classes_of(given), history=history)
        ]
    one = _found(given, None, asked, asked.name or "Booster")
    return [replace(one, own=own_of(given.predict, asked.inputs))]


def _found(
    booster: Any, content: bytes | None, asked: Asked, name: str, *, facts: dict[str, Any] | None = None
) -> Found:
    """A booster in its text format.

    Raises:
        AdoptError: its objective is not that of the pool's truth, or it was fitted to other columns than the data have.
    """
    if content is None:
        content = booster.model_to_string().encode()
    text = content.decode("utf-8", errors="replace")
    found = re.search(r"^objective=(\w+)", text, re.MULTILINE)
    objective = found[1] if found else ""
    if not objective and not asked.gives and not asked.of_values:
        raise AdoptError(f"{name} has an objective of its own; say what it gives: gives='logits' or 'probs'")
    if objective and (objective in OF_CLASSES) == asked.of_values and not asked.gives:
        needs = asked.target.truth_kind
        raise AdoptError(
            f"{name} has the objective {objective}, and the pool's truth is {needs}; adopt a model of those, or "
            "say what it gives (gives='probs', 'logits', 'values')"
        )
    check_features(name, _names_of(booster), asked.inputs.features)
    kept = re.findall(rf"^\[({'|'.join(PARAMETERS)}): (\S+)\]$", text, re.MULTILINE)
    return Found(
        name,
        Network(
            model=Spec("lightgbm"),
            file="network.txt",
            gives=asked.gives or asked.target.estimator_gives,
        ),
        content=content,
        facts={**facts_of(booster, "lightgbm", dict(kept)), **(facts or {})},
    )


def _names_of(booster: Any) -> list[str]:
    """Names of the columns that it was fitted to; none where LightGBM has numbered them."""
    names = booster.feature_name()
    return [] if names == [f"Column_{place}" for place in range(len(names))] else names
