"""Several members of one run: each goes on where the one before it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lrensemble.pool import Pool
from lrensemble.train.run.runs import Run
from lrensemble.train.sweep.recipes import run_until
from lrensemble.train.sweep.strategies.base import Batch, Strategy


def chain_of(whole: Run, ends: Sequence[int]) -> list[Run]:
    """A run cut after some of its epochs, one member at each cut; the last cut is its end.

    Every part has the recipe of the run from its first step to the cut. Trained alone it would end in the same bits;
    in the chain it only goes on from where the part before it left its state.

    Args:
        whole: the run; its place among the chains is its order.
        ends: epochs, rising, the last being that of the run's end.
    """
    runs: list[Run] = []
    for place in reversed(range(len(ends))):
        order = whole.order * len(ends) + place
        part = replace(whole, order=order) if not runs else run_until(whole, ends[place], order, runs[-1])
        runs.append(part)
    return runs[::-1]


def in_turn(chains: Sequence[Sequence[Run]]) -> Strategy:
    """The first members of all chains, then the second ones, …; a chain ends where a member of it is not finished.

    A part that diverged would have ended all later ones at the same step; one that failed is tried again by the next
    sweep, and its chain goes on from there.
    """

    def batches(pool: Pool) -> Iterator[Batch]:
        going_on = list(chains)
        for place in range(max(len(chain) for chain in chains)):
            later = sum(len(chain) - place - 1 for chain in going_on)
            yield Batch(tuple(chain[place] for chain in going_on), later)
            finished = {member.id for member in pool.members()}
            going_on = [chain for chain in going_on if chain[place].id in finished and len(chain) > place + 1]
            if not going_on:
                return

    return batches
