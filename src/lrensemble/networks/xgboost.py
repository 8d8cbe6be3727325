"""Networks of XGBoost: boosted trees in its UBJ or JSON format."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError
from lrensemble.networks.base import NETWORKS, Runs
from lrensemble.networks.library import library

OF_MARGINS = ("multi:softmax", "binary:logitraw")
"""Objectives whose probabilities are computed here, for they give a class, or the logarithm of the odds."""


@NETWORKS.register(suffix=".ubj", flat=True, raw=True)
def xgboost(content: bytes, *, missing: float | None = None) -> Runs:
    """Boosted trees of XGBoost in its UBJ or JSON format, on one thread; they give what they gave, bit by bit.

    Objectives that give a class alone (`multi:softmax`) or the logarithm of the odds (`binary:logitraw`) give
    probabilities here.

    Args:
        content: of the file.
        missing: number that stands for what is missing, beside NaN.

    Raises:
        DataError: no such file.
        MissingExtraError: xgboost is not installed.
    """
    tool = library("xgboost", "xgboost", "a network of XGBoost")
    booster = booster_of(content)
    features, of_margins = booster.num_features(), objective_of(booster) in OF_MARGINS
    of_linear = _learner(booster)["gradient_booster"]["name"] == "gblinear"

    def run(given: NDArray[Any]) -> NDArray[Any]:
        if given.shape[1] != features:  # XGBoost itself takes too few, and reads on
            raise ValueError(f"it takes {features} features")
        stands = math.nan if missing is None else missing
        if of_linear:  # as XGBoost's own estimators predict; the other way differs in the last bits
            matrix = tool.DMatrix(given, missing=stands, nthread=1)
            found = booster.predict(matrix, output_margin=of_margins, validate_features=False)
        else:
            kind = "margin" if of_margins else "value"
            found = booster.inplace_predict(given, predict_type=kind, missing=stands, validate_features=False)
        found = np.asarray(found)
        return _probabilities(found) if of_margins else found

    return run


def booster_of(content: bytes) -> Any:
    """The booster of a file's content.

    Raises:
        DataError: no such file.
        MissingExtraError: xgboost is not installed.
    """
    tool = library("xgboost", "xgboost", "a network of XGBoost")
    booster = tool.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(content))
    except Exception as error:  # its own kind, with a trace of its C++
        first = str(error).partition("\n")[0]
        reason = re.sub(r"^\[[\d:]+\] \S+?:\d+: ", "", first)[:160]
        raise DataError(f"this is no model that XGBoost can read: {reason}") from None
    return booster


def objective_of(booster: Any) -> str:
    """Name of what it learned by: `multi:softprob`."""
    return str(_learner(booster)["objective"]["name"])


def _learner(booster: Any) -> Any:
    return json.loads(booster.save_config())["learner"]


def _probabilities(margins: NDArray[Any]) -> NDArray[Any]:
    """Probabilities of the second class [sample] of log-odds, or [sample, class] of logits."""
    if margins.ndim == 1:
        odds: NDArray[Any] = 1 / (1 + np.exp(-margins))
        return odds
    raised = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
