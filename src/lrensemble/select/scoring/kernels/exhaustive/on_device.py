"""Scores of every subset of the members on a GPU, by torch: the same sums of two halves as on the CPU.

Accuracy is exact: margins within the bound of rounding are decided by the definition, on the host. NLL takes one
logarithm for a row and team, of which a GPU has plenty.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.reading import on_host
from lrensemble.select.scoring.kernels.columns import Columns
from lrensemble.select.scoring.kernels.exhaustive.accuracy import Decide
from lrensemble.select.scoring.kernels.subsets import Halves

Floats = NDArray[np.float64]

CELLS = 2**26
"""Sums of a (row, team) that are held at once: 512 MiB in float64."""


def nll_scorer(of_label: Floats, weights: Floats, device: torch.device) -> Callable[[Halves], Floats]:
    """What gives a block's mean log-likelihoods, from what members give the labels [member, sample].

    Rows count as often as the weights [sample] say.
    """
    on_gpu = torch.as_tensor(of_label.T.copy(), device=device)
    times = torch.as_tensor(weights, device=device)

    def scores(halves: Halves) -> Floats:
        low, high = _half_sums(on_gpu, halves)
        sizes = _sizes(halves, device)
        totals = torch.zeros_like(sizes)
        step = max(1, CELLS // sizes.numel())
        for start in range(0, len(low), step):
            sums = high[start : start + step, :, None] + low[start : start + step, None, :]
            logs = (sums / sizes).clamp(min=SMALLEST_PROBABILITY).log()
            totals += torch.tensordot(times[start : start + step], logs, dims=1)
        return on_host(totals / times.sum()).reshape(-1)

    return scores


def wrong_counter(columns: Columns, decide: Decide, device: torch.device) -> Callable[[Halves], NDArray[np.int64]]:
    """What counts, for the teams of a block, the contested rows that are wrong."""
    margins = torch.as_tensor(columns.margins(slice(None)), device=device)
    within = columns.error(slice(None))
    error = torch.as_tensor(within, device=device)
    doubt = torch.as_tensor(np.where(within > 0, columns.doubt * columns.rival.shape[1], 0.0), device=device)
    rival_first = torch.as_tensor(columns.rival_first, device=device)
    place_in_row = np.arange(len(columns.rival)) - columns.first[columns.row_of_column]

    def count(halves: Halves) -> NDArray[np.int64]:
        low, high = _half_sums(margins, halves)
        wrong = np.zeros(1 << halves.bits, dtype=np.int64)
        step = max(1, CELLS // (len(columns.row) or 1) >> halves.low)
        for begin in range(0, high.shape[1], step):
            part = high[:, begin : begin + step]
            lost, close = _lost(low, part, error, doubt, rival_first, columns, place_in_row)
            positions = slice(begin << halves.low, (begin << halves.low) + part.shape[1] * low.shape[1])
            wrong[positions] = on_host(lost.sum(dim=0)).reshape(-1)
            rows, teams = (on_host(index) for index in close.flatten(1).nonzero(as_tuple=True))
            counted = on_host(lost.flatten(1)[rows, teams]).astype(np.int64)
            some = teams + positions.start | halves.top << halves.bits
            real = some > 0  # the team of nobody ties everywhere, and is no team
            decided = decide(rows[real], some[real]).astype(np.int64)
            np.add.at(wrong, teams[real] + positions.start, decided - counted[real])
        return wrong

    return count


def _lost(
    low: Tensor,
    high: Tensor,
    error: Tensor,
    doubt: Tensor,
    rival_first: Tensor,
    columns: Columns,
    place_in_row: NDArray[np.int64],
) -> tuple[Tensor, Tensor]:
    """[contested row, high subset, low subset] whether a row is lost, and whether it is too close to call.

    That is where a margin is within the bound of rounding, or a tie of three is possible.
    """
    lost = torch.zeros((len(columns.row), high.shape[1], low.shape[1]), dtype=torch.bool, device=low.device)
    close, by_lower, by_higher = torch.zeros_like(lost), torch.zeros_like(lost), torch.zeros_like(lost)
    for place in range(int(place_in_row.max(initial=-1)) + 1):  # the first column of every row, then the second, …
        chosen = np.flatnonzero(place_in_row == place)
        index = torch.as_tensor(chosen, device=low.device)
        rows = torch.as_tensor(columns.row_of_column[chosen], device=low.device)
        sums = high[index][:, :, None] + low[index][:, None, :]
        is_lower, within, three = (values[index][:, None, None] for values in (rival_first, error, doubt))
        lost[rows] |= (sums < 0) | ((sums == 0) & is_lower)
        close[rows] |= (sums.abs() <= within) & (within > 0)
        by_lower[rows] |= is_lower & (sums <= 0) & (sums > -three)
        by_higher[rows] |= ~is_lower & (sums >= 0) & (sums < three)
    return lost, close | (by_lower & by_higher)


def _half_sums(terms: Tensor, halves: Halves) -> tuple[Tensor, Tensor]:
    """[row, 2^low] and [row, 2^high] sums of terms [row, member] over subsets; the fixed members are with the high."""
    low = _subset_sums(terms[:, : halves.low])
    high = _subset_sums(terms[:, halves.low : halves.bits])
    return low, high + terms[:, halves.shared(terms.shape[1])].sum(dim=1, keepdim=True)


def _subset_sums(terms: Tensor) -> Tensor:
    sums = torch.zeros((len(terms), 1), dtype=terms.dtype, device=terms.device)
    for term in terms.T:
        sums = torch.cat([sums, sums + term[:, None]], dim=1)
    return sums


def _sizes(halves: Halves, device: torch.device) -> Tensor:
    """[2^high, 2^low] members of each team of a block; of the team of nobody one, to divide by."""
    positions = np.arange(1 << halves.bits)
    sizes = np.maximum(np.bitwise_count(positions) + halves.top.bit_count(), 1).astype(np.float64)
    return torch.as_tensor(sizes, device=device).reshape(1 << halves.high, 1 << halves.low)
