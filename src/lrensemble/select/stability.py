"""How far a selection can be trusted: what other rows of the same kind would have chosen, and how scores deceive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lrensemble.errors import SelectionError
from lrensemble.select.base import aim
from lrensemble.select.returned import choosing
from lrensemble.select.scoring.resample import bootstrap_weights
from lrensemble.select.scoring.team_scores import fitted_consensus, team_score_of
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

MOST_RESAMPLES = 100_000

TOGETHER = 64
"""Resamples that are drawn at once: each is a number for every row."""


@dataclass(frozen=True)
class Stability:
    """What a selector chooses on bootstrap resamples of the rows."""

    frequency: tuple[float, ...]
    """[member] the share of the resamples on which it was chosen."""
    optimism: float
    """How much higher teams score on the resample that they were chosen on than on the rows themselves, on average."""
    corrected: float
    """The score of the selector's team on the rows, less the optimism."""
    resamples: int


def stability(
    validation: Validation,
    method: SpecLike,
    *,
    metric: SpecLike | None = None,
    consensus: SpecLike | None = None,
    seed: int = 0,
    resamples: int = 50,
) -> Stability:
    """Select again and again on rows drawn with replacement (Efron & Tibshirani 1993, sec. 17.6; Harrell et al. 1996).

    Where there are groups, groups are drawn.
    The frequency of a member says how much its place in the team is owed to these very rows; the optimism is that of
    the whole procedure, the fitting of the consensus included. Each resample costs a selection.

    Raises:
        SelectionError: no resample is asked for.
    """
    selector = choosing(validation, method)
    metric, consensus = aim(validation, metric, consensus)
    if not 1 <= resamples <= MOST_RESAMPLES:
        raise SelectionError(f"resamples = {resamples} is refused; give 1 to {MOST_RESAMPLES:,}")
    generator = np.random.default_rng(seed)
    chosen, optimism = np.zeros(validation.members), 0.0
    for count in _portions(resamples):
        for drawn in validation.resampled([bootstrap_weights(validation, generator) for _ in range(count)]):
            found = selector(drawn, metric=metric, consensus=consensus, seed=seed)
            chosen[list(found.team)] += 1
            learned = fitted_consensus(drawn, found.team, found.weights, found.consensus)
            optimism += found.score - team_score_of(validation, found.team, found.weights, metric, learned)
    optimism /= resamples
    found = selector(validation, metric=metric, consensus=consensus, seed=seed)
    return Stability(tuple((chosen / resamples).tolist()), optimism, found.score - optimism, resamples)


def _portions(resamples: int) -> Iterator[int]:
    """Resamples that are drawn together."""
    for start in range(0, resamples, TOGETHER):
        yield min(TOGETHER, resamples - start)
