"""Temperature scaling, of members before they are combined or of what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.consensus.arrays import Array, clipped_nll, safe_log, softmax
from lrensemble.consensus.base import CONSENSUS, Arguments, Floats, combine, fit
from lrensemble.limits import Factor
from lrensemble.spec import Spec, SpecLike

LOWEST, HIGHEST = 0.05, 20.0
"""Range that temperatures are searched in."""

NEAR_LIMIT = 1e-3
"""Relative distance from an end of the range below which a temperature counts as at the end."""

_CELLS = 1 << 16
"""Probabilities that are scaled together: they stay in the cache."""

_GRID = np.geomspace(LOWEST, HIGHEST, 25)


def _temperature(
    arguments: Arguments, probs: Floats, labels: NDArray[np.int64], weights: Floats, counts: Floats
) -> dict[str, object]:
    inner = fit(arguments["consensus"], probs, labels, weights, counts)
    of_label: Callable[[float], Floats] = (
        _of_label(combine(inner, probs, weights), labels)
        if arguments["when"] == "after"
        else lambda temperature: _at(labels, combine(inner, _scaled(probs, temperature), weights))
    )
    return {"consensus": inner, "temperature": _lowest(lambda temperature: clipped_nll(of_label(temperature), counts))}


def _below_highest(probs: Floats) -> Floats:
    """Logarithms of probabilities [sample, class] less the highest of their row."""
    logs = np.where(probs > 0, safe_log(probs), -np.inf)
    logs -= logs.max(axis=1, keepdims=True)
    return logs


def _at(labels: NDArray[np.int64], probs: Floats) -> Floats:
    """What labels [sample] are given by probabilities [sample, class]."""
    return np.asarray(probs[np.arange(len(labels)), labels])


def _of_label(probs: Floats, labels: NDArray[np.int64]) -> Callable[[float], Floats]:
    """What labels [sample] are given by probabilities [sample, class] that are scaled, by the temperature."""
    step = max(1, _CELLS // probs.shape[1])
    parts = (slice(start, start + step) for start in range(0, len(probs), step))
    blocks = [(_below_highest(probs[part]), labels[part]) for part in parts]

    def of_label(temperature: float) -> Floats:
        scaled = ((np.exp(block / temperature), own) for block, own in blocks)
        return np.concatenate([_at(own, each) / each.sum(axis=1) for each, own in scaled])

    return of_label


@CONSENSUS.register(learns=_temperature, consensus="mean", when="after", temperature=1.5)
def tempered(
    probs: Array,
    weights: Array,
    *,
    consensus: Any = "mean",
    when: Literal["before", "after"] = "after",
    temperature: Annotated[Factor, Field(gt=0)] = 1.0,
) -> Array:
    """Any other consensus with temperature scaling: p to the power 1/T, normalised (Guo et al. 2017, sec. 4.2).

    Above 1 a temperature softens, below it sharpens. *After* scales the combined probabilities and never changes the
    likeliest class; *before* scales every member's, by the same temperature (Rahaman & Thiery 2021 compare the two).
    `fit` fits the inner consensus and then minimises NLL over T in [0.05, 20]; never worse on its own rows than T = 1.
    What has zero keeps it, and members that know only labels stay certain of them.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.
        consensus: the inner one, as spec or text.
        when: scale before or after combining.
        temperature: T, learned by `fit`.

    Returns:
        [sample, class] probabilities.
    """
    if when == "after":
        return _scaled(CONSENSUS.call(consensus, probs, weights), temperature)
    return CONSENSUS.call(consensus, _scaled(probs, temperature), weights)


def at_limit(consensus: SpecLike) -> bool:
    """Whether a temperature, of this consensus or of one inside it, is at the end of where `fit` looks for it.

    The loss falls beyond, and probabilities scaled with it say little: members that are always right on few rows want
    no temperature at all, and members that know nothing an infinite one.
    """
    spec = CONSENSUS.check(consensus)
    temperature, inner = spec.arguments.get("temperature"), spec.arguments.get("consensus")
    if isinstance(inner, str | Spec) and at_limit(inner):
        return True
    known = spec.name == "tempered" and isinstance(temperature, float | int)
    return known and not LOWEST * (1 + NEAR_LIMIT) < float(str(temperature)) < HIGHEST * (1 - NEAR_LIMIT)


def _lowest(loss: Callable[[float], float]) -> float:
    """The temperature of the lowest loss, to four decimals; 1 unless another is better.

    The best of a grid, refined between its neighbours.
    """
    from scipy.optimize import minimize_scalar  # imported here: a fifth of a second that others do without

    best = int(np.argmin([loss(temperature) for temperature in _GRID]))
    neighbours = _GRID[max(best - 1, 0)], _GRID[min(best + 1, len(_GRID) - 1)]
    refined = minimize_scalar(loss, bounds=neighbours, method="bounded", options={"xatol": 1e-5}).x
    return min((1.0, round(float(_GRID[best]), 4), round(float(refined), 4)), key=loss)


def _scaled(probs: Array, temperature: float) -> Array:
    return softmax(safe_log(probs) / temperature, probs > 0)
