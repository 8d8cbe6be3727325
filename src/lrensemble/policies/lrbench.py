"""LRBench's 34 policies by LRBench's own names and arguments (Wu et al. 2019, tables I to III; git-disl/LRBench).

`k0` and `k1` are the bounds of the rate, `l` half a period or the length of a step, `gamma` and `p` as there; all in
steps. The same formulas as the policies of this package, and so without LRBench's state. LRBench's piecewise policy is
`join`. Arguments are checked here, so that a refusal speaks of LRBench's names and not of ours.
"""

# ruff: noqa: E741  (`l` is LRBench's name)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lrensemble.policies.base import Rate, policy
from lrensemble.policies.basic import constant, exponential, inverse, logistic, multi_step, polynomial, step
from lrensemble.policies.checks import is_finite, require, require_factor, require_positive
from lrensemble.policies.cycles import SHAPES, Damping, Shape, Start, damping_factor, wave
from lrensemble.policies.positions import to_rising_steps


@policy("FIX", k0=0.1)
def _fix(total: int, *, k0: float) -> Rate:
    """LRBench: a constant rate."""
    require_positive(k0=k0)
    return constant(total, peak=k0).rate


@policy("STEP", k0=0.1, gamma=0.5, l=25)
def _step(total: int, *, k0: float, gamma: float, l: int) -> Rate:
    """LRBench: times gamma every l steps."""
    require_positive(k0=k0)
    require_factor(gamma=gamma)
    require_length(l)
    return step(total, peak=k0, gamma=gamma, every=l).rate


@policy("NSTEP", k0=0.1, gamma=0.2, l=[30, 60, 80])
def _nstep(total: int, *, k0: float, gamma: float, l: tuple[int, ...]) -> Rate:
    """LRBench: times gamma at each of the steps l."""
    require_positive(k0=k0)
    require_factor(gamma=gamma)
    to_rising_steps(tuple(l), total, "l")
    return multi_step(total, peak=k0, gamma=gamma, milestones=tuple(l)).rate


@policy("EXP", k0=0.1, gamma=0.98)
def _exp(total: int, *, k0: float, gamma: float) -> Rate:
    """LRBench: times gamma at every step."""
    require_positive(k0=k0)
    require_factor(gamma=gamma)
    return exponential(total, peak=k0, gamma=gamma).rate


@policy("INV", k0=0.1, gamma=0.05, p=0.75)
def _inv(total: int, *, k0: float, gamma: float, p: float) -> Rate:
    """LRBench: k0 (1 + gamma t)^-p."""
    require_positive(k0=k0, gamma=gamma, p=p)
    return inverse(total, peak=k0, gamma=gamma, power=p).rate


@policy("POLY", k0=0.001, k1=0.1, p=1.2, l=100)
def _poly(total: int, *, k0: float, k1: float, p: float, l: int) -> Rate:
    """LRBench: from k1 to k0 in l steps, along a power; then k0."""
    require_bounds(k0, k1)
    require_positive(p=p)
    require_length(l)
    return polynomial(total, peak=k1, floor=k0, power=p, decay=l).rate


@policy("SIG", k0=0.1, gamma=-0.1, l=50)
def _sig(total: int, *, k0: float, gamma: float, l: int) -> Rate:
    """LRBench: k0 / (1 + exp(-gamma (t - l))); it falls where gamma is negative."""
    require_positive(k0=k0)
    require(is_finite(gamma), "give a finite number", gamma=gamma)
    require_length(l)
    return lambda at: k0 * logistic(gamma * (at - l))


def require_bounds(k0: float, k1: float) -> None:
    """Refuse bounds of a rate that are not finite, are negative or in the wrong order."""
    require(0 <= k0 <= k1 and k1 > 0 and is_finite(k1), "give 0 <= k0 <= k1, with k1 above 0", k0=k0, k1=k1)


def require_length(l: int) -> None:
    """Refuse lengths of no steps."""
    require(l >= 1, "give steps as an integer from 1", l=l)


Cyclic = Callable[[int, float, float, int, Damping, float | None], Rate]
"""Makes a rate from the total, k0, k1, l, the damping and its gamma."""


def waving(shape: Shape, start: Start) -> Cyclic:
    """Up and down with half a period of l, as `triangular` and its like."""

    def make(total: int, k0: float, k1: float, l: int, damping: Damping, gamma: float | None) -> Rate:
        return wave(total, k1, k0, l, start, damping, gamma, shape)

    return make


def sawing(shape: Shape) -> Cyclic:
    """Down and back at once, where LRBench counts a period from just after its start.

    So step 0 and every multiple of l have the lower bound, which `sawtooth` has at no step.
    """

    def make(total: int, k0: float, k1: float, l: int, damping: Damping, gamma: float | None) -> Rate:
        damp = damping_factor(damping, gamma)

        def rate(at: int) -> float:
            cycle, position = divmod(at, l)
            left = 1 - position / l if position else 0.0
            return k0 + (k1 - k0) * SHAPES[shape](left) * damp(at, cycle)

        return rate

    return make


FAMILIES: dict[str, tuple[Cyclic, str]] = {
    "TRI": (waving("linear", "floor"), "a triangular wave from k0"),
    "DTRI": (waving("linear", "peak"), "a triangular wave from k1"),
    "SIN": (waving("sine", "floor"), "a wave of |sin| from k0"),
    "DSIN": (waving("sine", "peak"), "a wave of |sin| from k1"),
    "COS": (waving("cosine", "peak"), "a cosine wave from k1"),
    "UPCOS": (waving("cosine", "floor"), "a cosine wave from k0"),
    "RSW": (sawing("linear"), "a saw-tooth"),
    "SINRSW": (sawing("sine"), "a saw-tooth along a sine"),
    "COSRSW": (sawing("cosine"), "a saw-tooth along a cosine"),
}


def register_family(name: str, make: Cyclic, what: str) -> None:
    """Register a cyclic policy, its version that halves (`…2`) and its exponential one (`…EXP`)."""
    example: dict[str, Any] = {"k0": 0.01, "k1": 0.3, "l": 25}

    def plain(total: int, *, k0: float, k1: float, l: int) -> Rate:
        require_bounds(k0, k1)
        require_length(l)
        return make(total, k0, k1, l, "none", None)

    def halving(total: int, *, k0: float, k1: float, l: int) -> Rate:
        require_bounds(k0, k1)
        require_length(l)
        return make(total, k0, k1, l, "halving", None)

    def damped(total: int, *, k0: float, k1: float, l: int, gamma: float) -> Rate:
        require_bounds(k0, k1)
        require_length(l)
        require_factor(gamma=gamma)
        return make(total, k0, k1, l, "exponential", gamma)

    plain.__doc__ = f"LRBench: {what}."
    halving.__doc__ = f"LRBench: {what}, each cycle half as high as the one before."
    damped.__doc__ = f"LRBench: {what}, times gamma to the power of the step."
    policy(name, **example)(plain)
    policy(f"{name}2", **example)(halving)
    policy(f"{name}EXP", **example, gamma=0.98)(damped)


for _name, (_make, _what) in FAMILIES.items():
    register_family(_name, _make, _what)
