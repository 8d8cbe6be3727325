"""Chains: several members of one run, each of which goes on where the one before it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lrensemble.errors import ConfigError
from lrensemble.pool import Pool
from lrensemble.train.run.own_loop.function import refuse_function
from lrensemble.train.run.runs import Run
from lrensemble.train.sweep.run_factory import run_until
from lrensemble.train.sweep.strategies.base import Round, Strategy


def chain_of(whole: Run, ends: Sequence[int]) -> list[Run]:
    """Runs that one run is cut into, after some of its epochs; each gives a member, and the last ends with the whole.

    Every part has the recipe of the run from its first step to the cut. Trained alone it would end in the same bits;
    in the chain it only goes on from where the part before it left its state.

    Args:
        whole: the run; its order is that of the chain.
        ends: epochs after which it is cut, rising; the last is that of its end.

    Raises:
        ConfigError: the run may end early, or its members be other weights than those that the next part goes on from.
    """
    train = whole.recipe.train
    refuse_function(train.function, "sweep.strategy: a run with several members", "give grid, random, optuna or seeds")
    if key := "patience" if train.patience else "keep" if train.keep == "best" else "":
        raise ConfigError(
            f"train.{key}: each member of a chain goes on from the last weights of the one before; remove it, or use "
            "strategy grid"
        )
    runs: list[Run] = []
    for position in reversed(range(len(ends))):
        order = whole.order * len(ends) + position
        part = replace(whole, order=order) if not runs else run_until(whole, ends[position], order, runs[-1])
        runs.append(part)
    return runs[::-1]


def chained_rounds(chains: Sequence[Sequence[Run]]) -> Strategy:
    """Strategy whose first round has the first run of every chain, whose second has the second, …; a chain ends where
    a member of it is not finished.

    A part that diverged would have ended all later ones at the same step; one that failed is tried again by the next
    sweep, and its chain goes on from there.
    """

    def rounds(pool: Pool) -> Iterator[Round]:
        active = list(chains)
        for position in range(max(len(chain) for chain in chains)):
            later = sum(len(chain) - position - 1 for chain in active)
            yield Round(tuple(chain[position] for chain in active), later)
            finished = {member.id for member in pool.members()}
            active = [chain for chain in active if chain[position].id in finished and len(chain) > position + 1]
            if not active:
                return

    return rounds
