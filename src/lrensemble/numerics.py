"""Numerical contracts that hold alike wherever predictions are measured, combined, selected or shipped.

Two classes tie where one is given less than the other by no more than `TIE` of the other. The means of vote-like
probabilities, multiples of 1/k, are often equal as fractions, and which of them is higher in floating point depends on
the order of a sum, the library and the type. The tolerance is relative since rounding is: a sum of probabilities is off
by a part of itself, so that small probabilities keep their order, and no number of classes makes all of them tie.

* Rounding stays well below it. Equal means of 300 members differ by 2e-15 in float64 and by 1e-6 in float32, and
  members' log-probabilities stored in float32 add 5e-7 at most down to a probability of 3e-4.
* Votes stay well above it. Of n members that say multiples of 1/k, two classes differ by 1/(n k) of the higher one or
  more: 1.6e-4 for 512 members and k of 12.
* No short decimal lies on the border: a ratio of exactly 1 - 2^-18 needs a multiple of 262,143.

Predictions stored in float16 are 5e-4 apart, and their ties are those of the numbers stored.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

SMALLEST_PROBABILITY = np.finfo(np.float64).eps
"""What a probability counts as in a logarithm where it is less, zero among them: a row costs 36.04 nats at most.

scikit-learn's `log_loss` clips float64 there too. It is the same for probabilities of any type.
"""

TIE = 2.0**-18
"""The part of the higher of two probabilities, 3.8e-6, that the lower one may lack and still tie with it."""


def namespace(array: Any) -> Any:
    """Functions of the array API standard for a numpy array or a torch tensor.

    Numpy's own since 2.1; `array_api_compat` would wrap them first, and import `numpy.f2py` and more to do so.
    """
    return np if isinstance(array, (np.ndarray, np.generic)) else array_namespace(array)


def likeliest(probs: Any, axis: int = -1) -> Any:
    """The class that probabilities decide for: of those that tie with the highest, the lowest. As int64.

    Args:
        probs: not negative, numpy or torch, float32 or float64, with classes along `axis`; not logarithms.
        axis: of the classes; it is gone from what comes out.
    """
    xp = namespace(probs)
    ties = probs >= least_tie(xp.max(probs, axis=axis, keepdims=True))
    # For numpy the first that is true is found by its bytes alone; torch has no argmax of booleans.
    return xp.argmax(ties if xp is np else xp.astype(ties, xp.int32), axis=axis)


def exponential(logs: NDArray[np.floating]) -> NDArray[np.float64]:
    """Exponentials in float64 of numbers of any type: of float16, which has few, they are looked up, to the same bits.

    Args:
        logs: […] numpy, memory-mapped or not.
    """
    if logs.dtype == np.float16:
        return _of_halves().take(logs.view(np.uint16))
    numbers = logs.astype(np.float64)
    return np.exp(numbers, out=numbers)


@cache
def _of_halves() -> NDArray[np.float64]:
    """Exponentials of all numbers of float16, by their bits."""
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    with np.errstate(over="ignore", invalid="ignore"):  # infinity and NaN are among them
        return np.exp(halves.astype(np.float64))


def least_tie(probs: Any) -> Any:
    """The least that ties with probabilities: what is less is behind them. All decide by this one number."""
    # To the bit, probs * (1 - TIE): but that factor, all but 1, is left out by programs that simplify ONNX.
    return probs - probs * TIE
