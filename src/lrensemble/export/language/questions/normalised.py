"""`acc_norm` of a team by `answer_probabilities`: each member's likelihoods are divided by characters, normalised over
the answers, and only then averaged. The harness divides what it is given, and so cannot: it is done here, on what the
members said, and put in the place of the harness's own number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy

from lrensemble.export.language.questions.asked import Asked

METRIC, FILTER = "acc_norm", "none"


def with_normalised(found: Mapping[str, Any], asked: Asked) -> Mapping[str, Any]:
    """What the harness found of a team, with `acc_norm` as its consensus has it; rows that have no one right answer,
    and their tasks, are left alone. What is given is changed.

    Args:
        found: results and samples of the harness.
        asked: the team, which was asked these questions.
    """
    for task, samples in found.get("samples", {}).items():
        values = [_value(sample, asked) for sample in samples]
        scores = found["results"].get(task, {})
        if not values or None in values or f"{METRIC},{FILTER}" not in scores:
            continue
        right = np.array(values, dtype=np.float64)
        for sample, value in zip(samples, right.tolist(), strict=True):
            sample[METRIC] = value
        scores[f"{METRIC},{FILTER}"] = float(right.mean())
        error = right.std(ddof=1) / math.sqrt(len(right)) if len(right) > 1 else "N/A"
        scores[f"{METRIC}_stderr,{FILTER}"] = error
    return found


def _value(sample: Mapping[str, Any], asked: Asked) -> float | None:
    """Whether a question is answered right; None where it is none of choices with one right answer."""
    arguments = list(sample.get("arguments", ()))
    if not all(isinstance(each, tuple) and list(map(type, each)) == [str, str] for each in arguments):
        return None
    pairs = [each for each in arguments if each[0] == arguments[0][0]]  # others are asked without their context
    texts = [text.removeprefix(" ") for _, text in pairs]
    right = _place(sample.get("target"), texts)
    if METRIC not in sample or right is None or not all(texts):
        return None
    said = np.array([[own[0] for own in each] for each in asked.heard(pairs)]).T / [len(text) for text in texts]
    team = scipy.special.logsumexp(scipy.special.log_softmax(said, axis=1), axis=0, b=asked.ensemble.weights[:, None])
    return float(team.argmax() == right)


def _place(target: Any, texts: list[str]) -> int | None:
    if isinstance(target, str) and target in texts:
        return texts.index(target)
    known = isinstance(target, int) or (isinstance(target, str) and target.isdecimal())
    return int(target) if known and int(target) < len(texts) else None
