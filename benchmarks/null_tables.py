"""Simulated tables of several methods against one reference, with a known gain: what is found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lrensemble.metrics.significance import CONFIDENT_MISTAKE, paired_means, simultaneous
from lrensemble.metrics.significance.max_t import exact_p_values

Floats = NDArray[np.float64]
Kind = Literal["plain", "bonferroni", "adjusted", "reliable"]

METHODS = 7
LIKENESS = 0.6
"""Correlation between what two methods do on a row: teams of one pool are alike."""


@dataclass(frozen=True)
class Found:
    """How many of the methods were found to differ from the reference."""

    plain: int
    """By their own p-values."""
    bonferroni: int
    adjusted: int
    """By p-values adjusted over the table."""
    reliable: int
    """By adjusted p-value and simultaneous interval."""
    first_reliable: bool
    """Whether the first, fixed beforehand, differs by its own p-value and interval."""


def judged_table(rows: int, discordant: float, losses: Floats, gain: float, generator: np.random.Generator) -> Found:
    """Draw and judge one table.

    Args:
        rows: of each method.
        discordant: share of rows in which a method and the reference differ; 0 for losses in place of correctness.
        losses: [method, sample] differences of losses to draw rows from.
        gain: of every method, as a share of the discordant rows; of losses, in fifths of a standard deviation.
        generator: of the draws.
    """
    seed = int(generator.integers(2**31))
    if discordant:
        values = _correctness(rows, discordant, gain, generator)
        plain = exact_p_values(values)
        scale, limit = 1.0, 1.0
    else:
        centred = losses - losses.mean(axis=1, keepdims=True) + gain * losses.std(axis=1, keepdims=True) / 5
        values = centred[:, generator.integers(losses.shape[1], size=rows)]
        scale, limit = CONFIDENT_MISTAKE, np.inf
        plain = np.array([paired_means(row, scale=scale).p_value for row in values])
    found = simultaneous(values, scale=scale, limit=limit, seed=seed)
    own = paired_means(values[0], scale=scale)
    return Found(
        plain=int(np.sum(plain < 0.05)),
        bonferroni=int(np.sum(plain < 0.05 / len(values))),
        adjusted=sum(one.p_value < 0.05 for one in found),
        reliable=sum(one.p_value < 0.05 and (one.low > 0 or one.high < 0) for one in found),
        first_reliable=bool(plain[0] < 0.05 and (own.low > 0 or own.high < 0)),
    )


def level_of(tables: Sequence[Found], kind: Kind) -> float:
    """Share of tables in which any method was found."""
    return float(np.mean([getattr(one, kind) > 0 for one in tables]))


def _correctness(rows: int, discordant: float, gain: float, generator: np.random.Generator) -> Floats:
    """[method, sample] -1, 0 or 1: alike methods, each with its share of discordant rows on either side."""
    own, common = generator.normal(size=(METHODS, rows)), generator.normal(size=rows)
    latent = np.sqrt(LIKENESS) * common + np.sqrt(1 - LIKENESS) * own
    up, down = discordant * (1 + gain) / 2, discordant * (1 - gain) / 2
    return np.asarray((latent > stats.norm.isf(up)).astype(np.float64) - (latent < stats.norm.ppf(down)))
