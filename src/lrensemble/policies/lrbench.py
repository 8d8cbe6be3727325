"""LRBench's 34 policies by LRBench's own names and arguments (Wu et al. 2019; git-disl/LRBench).

`k0` and `k1` are the bounds of the rate, `l` half a period or the length of a step, `gamma` and `p` as there; all in
steps. The same formulas as the policies of this package, and so without LRBench's state.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from lrensemble.policies.base import Rate, policy, require, require_positive, require_rates
from lrensemble.policies.basic import constant, exponential, inverse, multi_step, polynomial, step
from lrensemble.policies.cycles import SHAPES, Damping, Shape, Start, damping_factor, wave


@policy("FIX", k0=0.1)
def _fix(total: int, *, k0: float) -> Rate:
    """LRBench: a constant rate."""
    return constant(total, peak=k0).rate


@policy("STEP", k0=0.1, gamma=0.5, l=25)
def _step(total: int, *, k0: float, gamma: float, l: int) -> Rate:  # noqa: E741  (LRBench's name)
    """LRBench: times gamma every l steps."""
    return step(total, peak=k0, gamma=gamma, every=l).rate


@policy("NSTEP", k0=0.1, gamma=0.2, l=[30, 60, 80])
def _nstep(total: int, *, k0: float, gamma: float, l: tuple[int, ...]) -> Rate:  # noqa: E741
    """LRBench: times gamma at each of the steps l."""
    return multi_step(total, peak=k0, gamma=gamma, milestones=tuple(l)).rate


@policy("EXP", k0=0.1, gamma=0.98)
def _exp(total: int, *, k0: float, gamma: float) -> Rate:
    """LRBench: times gamma at every step."""
    return exponential(total, peak=k0, gamma=gamma).rate


@policy("INV", k0=0.1, gamma=0.05, p=0.75)
def _inv(total: int, *, k0: float, gamma: float, p: float) -> Rate:
    """LRBench: k0 (1 + gamma t)^-p."""
    return inverse(total, peak=k0, gamma=gamma, power=p).rate


@policy("POLY", k0=0.001, k1=0.1, p=1.2, l=100)
def _poly(total: int, *, k0: float, k1: float, p: float, l: int) -> Rate:  # noqa: E741
    """LRBench: from k1 to k0 in l steps, along a power."""
    return polynomial(total, peak=k1, floor=k0, power=p, decay=l).rate


@policy("SIG", k0=0.1, gamma=-0.1, l=50)
def _sig(total: int, *, k0: float, gamma: float, l: int) -> Rate:  # noqa: E741
    """LRBench: k0 / (1 + exp(-gamma (t - l)))."""
    require_positive(k0=k0, l=l)
    require(math.isfinite(gamma), "give a finite number", gamma=gamma)
    return lambda at: k0 / (1 + math.exp(min(700.0, -gamma * (at - l))))


class _Cyclic(Protocol):
    def __call__(self, damping: Damping, gamma: float | None, *, total: int, k0: float, k1: float, l: int) -> Rate: ...  # noqa: E741


def _waving(shape: Shape, start: Start) -> _Cyclic:
    def make(damping: Damping, gamma: float | None, *, total: int, k0: float, k1: float, l: int) -> Rate:  # noqa: E741
        return wave(total, k1, k0, l, start, damping, gamma, shape)

    return make


def _sawing(shape: Shape) -> _Cyclic:
    """LRBench counts a period from just after its start, so that step 0 and every multiple of l have the floor."""

    def make(damping: Damping, gamma: float | None, *, total: int, k0: float, k1: float, l: int) -> Rate:  # noqa: E741
        require_rates(peak=k1, floor=k0)
        require(l >= 1, "give steps, 1 or more", l=l)
        damp = damping_factor(damping, gamma)

        def rate(at: int) -> float:
            cycle = -(-at // l)
            return k0 + (k1 - k0) * SHAPES[shape](cycle - at / l) * damp(at, max(0, cycle - 1))

        return rate

    return make


_FAMILIES: dict[str, tuple[_Cyclic, str]] = {
    "TRI": (_waving("linear", "floor"), "a triangular wave from k0"),
    "DTRI": (_waving("linear", "peak"), "a triangular wave from k1"),
    "SIN": (_waving("sine", "floor"), "a wave of |sin| from k0"),
    "DSIN": (_waving("sine", "peak"), "a wave of |sin| from k1"),
    "COS": (_waving("cosine", "peak"), "a cosine wave from k1"),
    "UPCOS": (_waving("cosine", "floor"), "a cosine wave from k0"),
    "RSW": (_sawing("linear"), "a saw-tooth"),
    "SINRSW": (_sawing("sine"), "a saw-tooth along a sine"),
    "COSRSW": (_sawing("cosine"), "a saw-tooth along a cosine"),
}


def _register(name: str, make: _Cyclic, what: str) -> None:
    arguments: dict[str, Any] = {"k0": 0.01, "k1": 0.3, "l": 25}

    def plain(total: int, *, k0: float, k1: float, l: int) -> Rate:  # noqa: E741
        return make("none", None, total=total, k0=k0, k1=k1, l=l)

    def halving(total: int, *, k0: float, k1: float, l: int) -> Rate:  # noqa: E741
        return make("halving", None, total=total, k0=k0, k1=k1, l=l)

    def damped(total: int, *, k0: float, k1: float, l: int, gamma: float) -> Rate:  # noqa: E741
        return make("exponential", gamma, total=total, k0=k0, k1=k1, l=l)

    plain.__doc__ = f"LRBench: {what}."
    halving.__doc__ = f"LRBench: {what}, each cycle half as high as the one before."
    damped.__doc__ = f"LRBench: {what}, times gamma to the power of the step."
    policy(name, **arguments)(plain)
    policy(f"{name}2", **arguments)(halving)
    policy(f"{name}EXP", **arguments, gamma=0.98)(damped)


for _name, (_make, _what) in _FAMILIES.items():
    _register(_name, _make, _what)
