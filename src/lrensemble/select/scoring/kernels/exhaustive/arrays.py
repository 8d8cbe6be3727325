"""Scores of every team of a small pool by numpy alone: to load a kernel, or to compile it, would take longer.

Rows are looked at one after another, every team at once: what the subsets of the lower half of the members give a row
plus what those of the upper half do is one addition of whole arrays.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.scoring.kernels.columns import Columns
from lrensemble.select.scoring.kernels.incremental_arrays import wrong_by_adding
from lrensemble.select.scoring.kernels.incremental_nll import TOGETHER

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

PAIRS = 2**18
"""Pairs of a row and a team that are decided together."""

Bits = NDArray[np.uint8]
"""[…, 2^members / 8] one bit for every team, eight in a byte, the lowest first."""


def log_likelihoods(of_label: Floats, weights: Floats) -> Floats:
    """[2^members] the mean log of each team's mean likelihood, the NLL negated; that of nobody means nothing.

    Args:
        of_label: [member, sample] what each member gives the label.
        weights: [sample] how often each row counts, above zero.
    """
    members = len(of_label)
    low, high = _sums_of_halves(of_label.T)
    sizes = np.bitwise_count(np.arange(1 << members)).astype(np.float64).reshape(high.shape[1], low.shape[1])
    sizes[0, 0] = 1
    least, below = SMALLEST_PROBABILITY * sizes, of_label.min(axis=0) < SMALLEST_PROBABILITY
    logs, sums = np.zeros(sizes.shape), np.empty(sizes.shape)
    for weight in np.unique(weights).tolist():
        products, exponents = np.ones(sizes.shape), np.zeros(sizes.shape, dtype=np.int64)
        for place, row in enumerate(np.flatnonzero(weights == weight).tolist(), start=1):
            np.add(high[row][:, None], low[row], out=sums)
            if below[row]:
                np.maximum(sums, least, out=sums)
            sums[0, 0] = 1  # of nobody
            products *= sums
            if place % TOGETHER == 0:
                products, more = np.frexp(products)
                exponents += more
        logs += weight * (np.log(products) + exponents * np.log(2.0))
    return np.asarray(logs / weights.sum() - np.log(sizes)).reshape(-1)


def wrong_rows(columns: Columns) -> Bits:
    """[contested row, byte] whether each team is wrong, as the consensus adds probabilities, or votes, itself.

    Nobody, at mask zero, means nothing.
    """
    everything = slice(None)
    low, high = _sums_of_halves(columns.margins(everything))
    above, below = columns.error(everything), columns.rival_first & (columns.error(everything) > 0)
    below_zero = above + np.where(below, columns.doubt * columns.rival.shape[1], 0.0)
    wrong = np.zeros((len(columns.row), low.shape[1] * high.shape[1]), dtype=bool)
    sums, close = np.empty((high.shape[1], low.shape[1])), []
    for column, row in enumerate(columns.row_of_column.tolist()):
        np.add(high[column][:, None], low[column], out=sums)
        wrong[row] |= (sums < 0).reshape(-1)  # at zero nobody votes for either, and another column decides
        if above[column] > 0:
            teams = np.flatnonzero((sums <= above[column]) & (sums >= -below_zero[column]))
            close.append(row * wrong.shape[1] + teams[teams > 0])
    pairs = np.unique(np.concatenate(close)) if close else np.zeros(0, dtype=np.int64)
    for start in range(0, len(pairs), PAIRS):
        rows, teams = np.divmod(pairs[start : start + PAIRS], wrong.shape[1])
        wrong[rows, teams] = wrong_by_adding(columns, rows, partial(_share, teams))
    return np.packbits(wrong, axis=1, bitorder="little")


def counts(wrong: Bits, times: Floats, teams: int) -> Floats:
    """[team] how many of the rows [row, byte] are wrong, each as often as it counts [row].

    Rows of one weight are added for all teams at once, bit by bit: the lowest bits of the counts of all teams, the next
    ones, and so on, with what is carried.
    """
    total = np.zeros(teams)
    for weight in np.unique(times[times > 0]).tolist():
        planes: list[Bits] = []
        for row in np.flatnonzero(times == weight).tolist():
            carried = wrong[row]
            for place, plane in enumerate(planes):
                planes[place], carried = plane ^ carried, plane & carried
            if carried.any():
                planes.append(carried)
        for place, plane in enumerate(planes):
            total += np.unpackbits(plane, count=teams, bitorder="little") * (weight * 2**place)
    return total


def _share(teams: Indices, member: int) -> Floats:
    """[pair] the share of a member in teams [pair] with equal weights."""
    return (teams >> member & 1) / np.bitwise_count(teams)


def _sums_of_halves(values: Floats) -> tuple[Floats, Floats]:
    """[entry, 2^low] and [entry, 2^high] sums over subsets of the first and of the other members [entry, member]."""
    low = (values.shape[1] + 1) // 2
    return _subset_sums(values[:, :low]), _subset_sums(values[:, low:])


def _subset_sums(values: Floats) -> Floats:
    sums = np.zeros((len(values), 1 << values.shape[1]))
    for member in range(values.shape[1]):
        np.add(sums[:, : 1 << member], values[:, member, None], out=sums[:, 1 << member : 2 << member])
    return sums
