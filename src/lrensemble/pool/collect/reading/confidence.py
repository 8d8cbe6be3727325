"""The confidence in a predicted class, as pipelines and services give it, beside the probability of class 1.

`{"label": "NEGATIVE", "score": 0.98}` says that class 1 has a probability of 0.02.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.reading.families import says_prediction
from lrensemble.pool.collect.reading.held import Held, as_names
from lrensemble.pool.collect.reading.kinds import class_values
from lrensemble.pool.collect.reading.roles import role_of

Array = NDArray[Any]

LEAST_ROWS = 20
"""Rows from which on it is told what is never below one half."""


def predicted_class(held: Held, truth: Array, score: Array) -> tuple[str, Array] | None:
    """The column of the class that a score is the confidence in, and the probability of class 1 [sample].

    None where no column says a class, or the score is that of class 1: then it is higher wherever that is predicted.

    Args:
        held: all columns.
        truth: [sample], of two classes.
        score: [sample], between 0 and 1.
    """
    classes = [str(value) for value in class_values(truth) or []]
    if len(classes) != 2 or not score.size or not np.nanmin(score) >= 0.5:
        return None
    for name, column in held.arrays.items():
        role = role_of(name)
        if column.shape != score.shape or (role not in ("top1", "labels") and not says_prediction(name)):
            continue
        if column.dtype.kind == "b":
            column = column.astype(np.int64)
        texts = as_names(column).astype(str)
        if not set(texts.tolist()) <= set(classes) or (role == "labels" and np.array_equal(column, truth)):
            continue
        is_one = texts == classes[1]
        if is_one.any() and not is_one.all() and np.nanmin(score[is_one]) < np.nanmax(score[~is_one]):
            return name, np.where(is_one, score, 1 - score)
    return None


def require_of_class_one(held: Held, name: str, truth: Array, score: Array) -> None:
    """Refuse a score that is never below one half and knows nothing of class 1, unless a form was asked for.

    Such a one is hardly a probability of class 1. Whether it knows of it the Mann-Whitney statistic tells (Hanley &
    McNeil 1982), by three standard errors.

    Raises:
        PredictionsError: what it seems to be, and how to say what it is.
    """
    values = class_values(truth) or []
    known = ~np.isnan(score)
    if len(values) != 2 or known.sum() < LEAST_ROWS or score[known].min() < 0.5:
        return
    is_one = truth[known] == values[1]
    ones, zeros = int(is_one.sum()), int((~is_one).sum())
    if not ones or not zeros or score[known].min() == score[known].max():
        return
    ranks = scipy.stats.rankdata(score[known])
    area = (ranks[is_one].sum() - ones * (ones + 1) / 2) / (ones * zeros)
    if area < 0.5 + 3 * math.sqrt((ones + zeros + 1) / (12 * ones * zeros)):
        raise PredictionsError(
            f"{held.path}: {name} is never below 0.5 and no higher where the truth is {values[1]}, so it seems to be "
            f"the confidence in a predicted class (it holds {held.listing()}); give that class in a column "
            "`predicted_label`, or a column a class, or say --kind probs if it is the probability of class "
            f"{values[1]}"
        )
