"""The grid of the paper: four policies times a list of peaks (Jin & Wu, arXiv 2410.07564)."""

from __future__ import annotations

from collections.abc import Sequence

from lrensemble.policies.base import Rate, policy
from lrensemble.policies.compose import join
from lrensemble.spec import Spec

PEAKS = (0.05, 0.1, 0.2, 0.4)


@policy(peak=0.1)
def composite(total: int, *, peak: float) -> Rate:
    """Three policies in turn: triangular waves to explore, a step decay to settle, a cosine to finish.

    The paper composes policies of LRBench piece by piece, each with a clock of its own, from high rates to low ones
    (as in Wu et al. 2019); this is one such composition, with borders at 0.4 and 0.8 of the run.

    Args:
        total: steps of the run.
        peak: highest rate, reached in the first piece.
    """
    pieces = [
        Spec("triangular", {"peak": peak, "floor": 0.1 * peak, "half_period": 0.25}),
        Spec("multi_step", {"peak": 0.5 * peak, "milestones": (0.5,), "gamma": 0.2}),
        Spec("cosine", {"peak": 0.1 * peak}),
    ]
    if total < len(pieces):  # too short for pieces
        return join(total, pieces=pieces[:1], boundaries=()).rate
    return join(total, pieces=pieces, boundaries=(0.4, 0.8)).rate


def paper_grid(peaks: Sequence[float] = PEAKS) -> tuple[Spec, ...]:
    """The paper's four policies (MultiStepLR, OneCycleLR, WarmupCosineAnnealing, Composite) at each peak.

    Args:
        peaks: highest rates; four by default, which makes sixteen policies.

    Returns:
        Specs, all peaks of one policy together.
    """
    names = ("multi_step", "one_cycle", "warmup_cosine", "composite")
    return tuple(Spec(name, {"peak": float(peak)}) for name in names for peak in peaks)
