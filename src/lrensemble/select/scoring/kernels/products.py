"""Products of many probabilities in the range of float64: a sum of logarithms is the logarithm of a product."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.jit import compiled

Floats = NDArray[np.float64]


@compiled
def aligned(rows: int, columns: int) -> Floats:
    """Room for numbers whose rows, of a multiple of eight, begin where a load of eight crosses no line of the cache."""
    room = np.empty(rows * columns + 8)
    offset = (64 - room.ctypes.data % 64) % 64 // 8
    return room[offset : offset + rows * columns].reshape(rows, columns)


@compiled
def split_exponents(products: Floats, exponents: Floats, weight: float) -> None:
    """Bring products back between 1 and 2, and add the exponents of two that they lose, by the weight of the rows.

    So one logarithm is taken at the end, and not one for a group of rows: the bits of a positive number that is not
    subnormal are its exponent, plus 1023, and then those of its mantissa.
    """
    bits = products.view(np.int64)
    for subset in range(products.size):
        exponents[subset] += weight * ((bits[subset] >> 52) - 1023)
        bits[subset] = (bits[subset] & 0xFFFFFFFFFFFFF) | (1023 << 52)


@compiled
def take_logs(products: Floats, logs: Floats, weight: float) -> None:
    """Add the logarithms of the products [subset], by their weight, and begin anew."""
    for subset in range(products.size):
        logs[subset] += weight * np.log(products[subset])
        products[subset] = 1.0
