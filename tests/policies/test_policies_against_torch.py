"""Policies equal torch's schedulers at every step of a run."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.pairwise import pairwise
from torch.optim import lr_scheduler as reference

from lrensemble.policies import build, one_cycle
from lrensemble.policies.torch_adapter import policy_of

TOTAL = 97


def torch_curve(make: Any, total: int = TOTAL, peak: float = 0.3) -> list[float]:
    return policy_of(make, total, peak=peak).curve()


PAIRS: list[tuple[str, Any]] = [
    ("multi_step(peak=0.3, milestones=[20, 50, 51], gamma=0.3)", lambda o: reference.MultiStepLR(o, [20, 50, 51], 0.3)),
    ("multi_step(peak=0.3, milestones=[0.5], gamma=0.1)", lambda o: reference.MultiStepLR(o, [48], 0.1)),
    ("step(peak=0.3, every=17, gamma=0.7)", lambda o: reference.StepLR(o, 17, 0.7)),
    ("exponential(peak=0.3, gamma=0.97)", lambda o: reference.ExponentialLR(o, 0.97)),
    ("polynomial(peak=0.3, power=1.7)", lambda o: reference.PolynomialLR(o, TOTAL, 1.7)),
    ("linear(peak=0.3)", lambda o: reference.PolynomialLR(o, TOTAL, 1.0)),
    ("polynomial(peak=0.3, decay=40)", lambda o: reference.PolynomialLR(o, 40, 1.0)),
    ("cosine(peak=0.3, floor=0.01)", lambda o: reference.CosineAnnealingLR(o, TOTAL, 0.01)),
    (
        "cosine_restarts(peak=0.3, period=13, floor=0.02)",
        lambda o: reference.CosineAnnealingWarmRestarts(o, 13, 1, 0.02),
    ),
    ("cosine_restarts(peak=0.3, period=5, growth=2)", lambda o: reference.CosineAnnealingWarmRestarts(o, 5, 2)),
    ("cosine_restarts(peak=0.3, period=4, growth=3)", lambda o: reference.CosineAnnealingWarmRestarts(o, 4, 3)),
    (
        "warmup_cosine(peak=0.3, warmup=10, start=0.1, floor=0.002)",
        lambda o: reference.SequentialLR(
            o,
            [reference.LinearLR(o, 0.1, 1.0, 10), reference.CosineAnnealingLR(o, TOTAL - 10, 0.002)],
            [10],
        ),
    ),
    (
        "warmup(policy=exponential(peak=0.3, gamma=0.9), steps=8, start=0.25)",
        lambda o: reference.SequentialLR(
            o, [reference.LinearLR(o, 0.25, 1.0, 8), reference.ExponentialLR(o, 0.9)], [8]
        ),
    ),
    (
        "triangular(peak=0.3, floor=0.05, half_period=9)",
        lambda o: reference.CyclicLR(o, 0.05, 0.3, 9, cycle_momentum=False),
    ),
    (
        "triangular(peak=0.3, floor=0.05, half_period=9, damping='halving')",
        lambda o: reference.CyclicLR(o, 0.05, 0.3, 9, mode="triangular2", cycle_momentum=False),
    ),
    (
        "triangular(peak=0.3, floor=0.05, half_period=9, damping='exponential', gamma=0.98)",
        lambda o: reference.CyclicLR(o, 0.05, 0.3, 9, mode="exp_range", gamma=0.98, cycle_momentum=False),
    ),
]


@pytest.mark.parametrize(("text", "make"), PAIRS, ids=[text for text, _ in PAIRS])
def test_equal_to_torch_at_every_step(text: str, make: Any) -> None:
    np.testing.assert_allclose(build(text, TOTAL).curve(), torch_curve(make), rtol=1e-9, atol=1e-15)


@pairwise(
    {
        "warmup": (0.0, 0.1, 0.3, 0.5, 0.8, 1.0),
        "three_phase": (False, True),
        "anneal": ("cos", "linear"),
        "start, end": ((25.0, 1e4), (7.0, 30.0), (1.0, 4.0), (10.0, 0.5)),
        "total": (5, 11, 60, 97),
    },
    unless=lambda warmup, three_phase, *_: three_phase and warmup > 0.5,
)
def test_one_cycle_equals_torch_in_all_its_options(
    three_phase: bool, anneal: Any, warmup: float, start: float, end: float, total: int
) -> None:
    def make(optimizer: torch.optim.Optimizer) -> reference.LRScheduler:
        return reference.OneCycleLR(
            optimizer,
            0.3,
            total_steps=total,
            pct_start=warmup,
            anneal_strategy=anneal,
            div_factor=start,
            final_div_factor=end,
            three_phase=three_phase,
            cycle_momentum=False,
        )

    ours = one_cycle(
        total, peak=0.3, warmup=warmup, anneal=anneal, start_divisor=start, end_divisor=end, three_phase=three_phase
    )
    np.testing.assert_allclose(ours.curve(), torch_curve(make, total), rtol=1e-9, atol=1e-15)
