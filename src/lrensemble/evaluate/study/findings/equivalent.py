"""Deep-ensemble equivalents (Ashukha et al. 2020, "Pitfalls of in-domain uncertainty estimation and ensembling").

How many members of a deep ensemble reach the calibrated log-likelihood of a team? A deep ensemble is of members that
differ by seed alone. The paper calibrates by cross-validation on test; here the temperature is fitted on `val`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from lrensemble.evaluate.baselines import groups_of_seeds
from lrensemble.evaluate.predictors import Floats
from lrensemble.evaluate.study.findings.reader import Measured, PoolReader
from lrensemble.evaluate.study.findings.subsets import drawn, sizes_up_to
from lrensemble.evaluate.study.record import TEMPERED, DeepEnsemble, Equivalent

ALL_SIZES = 8
"""Number of members up to which a deep ensemble is measured at every size."""

CELLS = 2**16
"""Number of probabilities that the temperature of each team is fitted to, at most."""

Beyond = Literal["", "<", ">"]


def deep_ensemble(
    name: str, replicate: int, reader: PoolReader, members: Sequence[int], draws: int, seed: int
) -> DeepEnsemble:
    """Mean and deviation of the calibrated NLL of deep ensembles of every size, over draws of their members."""
    sizes = sizes_up_to(len(members), range(1, ALL_SIZES + 1))
    teams = {
        (size, place): reader.equal(team)
        for size in sizes
        for place, team in enumerate(drawn(members, size, draws, seed))
    }
    measured = reader.measure(teams, cells=CELLS)
    losses = [[measured[key].scores[TEMPERED] for key in teams if key[0] == size] for size in sizes]
    return DeepEnsemble(
        pool=name,
        replicate=replicate,
        sizes=tuple(sizes),
        means=tuple(float(np.mean(own)) for own in losses),
        deviations=tuple(float(np.std(own)) for own in losses),
    )


def largest_of_seeds(readers: Mapping[str, PoolReader]) -> tuple[str, tuple[int, ...]] | None:
    """The pool with the largest group of members that differ by seed alone, and that group; the first of several.

    None where no pool has two such members.
    """
    found = [
        (name, tuple(member for member in group if member in reader.useful))
        for name, reader in readers.items()
        for group in groups_of_seeds(reader.members)
    ]
    best = max(found, key=lambda each: len(each[1]), default=None)
    return None if best is None or len(best[1]) < 2 else best


def equivalents(
    ensemble: DeepEnsemble, teams: Mapping[str, Measured], sizes: Mapping[str, int]
) -> Iterator[Equivalent]:
    """Equivalents of teams, by pool.

    Args:
        ensemble: deep ensemble of the same replicate.
        teams: measured teams by pool.
        sizes: number of members of each team.
    """
    grid, means, deviations = (np.array(own, float) for own in (ensemble.sizes, ensemble.means, ensemble.deviations))
    for name, team in teams.items():
        if TEMPERED not in team.scores:
            continue
        loss = team.scores[TEMPERED]
        value, beyond = equivalent(loss, grid, means)
        low, high = (equivalent(loss, grid, means + shift * deviations)[0] for shift in (-1.0, 1.0))
        yield Equivalent(
            pool=name,
            replicate=ensemble.replicate,
            size=sizes[name],
            value=value,
            beyond=beyond,
            low=low,
            high=high,
            most=ensemble.sizes[-1],
        )


def equivalent(loss: float, sizes: Floats, losses: Floats) -> tuple[float | None, Beyond]:
    """The least number of members whose loss is as low, by linear interpolation between sizes.

    Args:
        loss: calibrated NLL of a team.
        sizes: sizes [size] of a deep ensemble, rising from 1.
        losses: its calibrated NLL [size].

    Returns:
        The number, or None and whether it is below one or above all sizes.
    """
    if loss > losses[0]:
        return None, "<"
    reached = np.flatnonzero(losses <= loss)
    if not len(reached):
        return None, ">"
    first = int(reached[0])
    if first == 0:
        return float(sizes[0]), ""
    before, after = losses[first - 1], losses[first]
    share = (before - loss) / (before - after)
    return float(sizes[first - 1] + share * (sizes[first] - sizes[first - 1])), ""
