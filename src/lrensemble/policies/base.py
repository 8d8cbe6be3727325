"""Policies: what one is, how one is registered, and what its arguments may be.

A policy is the learning rate as a pure function of the step: no state, so that any step can be read in any order, a run
resumed at any moment, and a curve drawn without training.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec

from lrensemble.errors import SpecError
from lrensemble.registry import Call, Registry
from lrensemble.spec import Spec, SpecLike

P = ParamSpec("P")
Rate = Callable[[int], float]

Position = int | float
"""A moment or a length in a run: steps where it is an integer, a fraction of the run where it is a float in (0, 1)."""


@dataclass(frozen=True)
class Policy:
    """The learning rate at every step of a run: `policy(step)`, for steps from 0; it stays defined beyond the run."""

    spec: Spec
    """Spec that it was built from; `build(policy.spec, policy.total)` builds it again."""
    total: int
    """Steps of the run."""
    rate: Rate = field(repr=False, compare=False)

    def __call__(self, step: int) -> float:
        """The rate of the optimizer's update number `step`, the first being 0."""
        return float(self.rate(step))  # a peak may have been given as an integer

    def __reduce__(self) -> tuple[object, tuple[Spec, int]]:
        """Another process builds it again from its spec: functions do not travel."""
        return build, (self.spec, self.total)

    def curve(self) -> list[float]:
        """The rates of all steps of the run, [total]."""
        return [self(step) for step in range(self.total)]


RateMaker = Callable[Concatenate[int, P], Rate]
PolicyMaker = Callable[Concatenate[int, P], Policy]


def _as_policy(name: str, function: RateMaker[P]) -> PolicyMaker[P]:
    """A function that returns a rate by step, made to return a `Policy` with its spec.

    Arguments are checked alike whether the function is called or named in a spec, and a refusal names the policy.
    """
    plain = [p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY][1:]

    @functools.wraps(function)
    def build_policy(total: int, /, *args: P.args, **kwargs: P.kwargs) -> Policy:
        spec = POLICIES.check({"name": name, **dict(zip(plain, args, strict=False)), **kwargs})
        try:
            whole = isinstance(total, int) and total >= 1
            require(whole, "give the steps of the run, an integer from 1", total=total)
            rate = function(total, *args, **kwargs)
            require(callable(rate), "a policy returns a function of the step: return lambda step: …", returned=rate)
        except SpecError as error:
            raise type(error)(f"policy {name!r}: {error}") from None
        return Policy(spec, total, rate)

    return build_policy


POLICIES: Registry[Policy] = Registry("policy", plural="policies", call=Call(("total",)), adapt=_as_policy)
"""Functions of (total, *, …) that return a `Policy`."""


def policy(name: str | None = None, **example: Any) -> Callable[[RateMaker[P]], PolicyMaker[P]]:
    """Register a function (total, *, …) that returns a rate by step, and make it return a `Policy` with its spec.

    It is `POLICIES.register`, with the types of what is decorated.
    """
    register: Any = POLICIES.register
    decorated: Callable[[RateMaker[P]], PolicyMaker[P]] = register(name, **example)
    return decorated


def build(spec: SpecLike, total: int) -> Policy:
    """Build a policy for a run of `total` steps from its text form, JSON form or spec.

    Raises:
        UnknownNameError: no policy of that name.
        SpecError: an argument that is unknown or cannot be used; its name, value and what is allowed are told.
    """
    return POLICIES.call(spec, total)


def require(condition: bool, allowed: str, **given: object) -> None:
    """Refuse arguments that do not meet a condition.

    Raises:
        SpecError: the arguments with their values, and what is allowed.
    """
    if not condition:
        values = ", ".join(f"{name} = {value!r}" for name, value in given.items())
        raise SpecError(f"{values} is refused: {allowed}")


def require_rates(*, peak: float, floor: float = 0.0) -> None:
    """Refuse a peak that is not positive and finite, or a floor outside 0 … peak."""
    require(is_finite(peak) and peak > 0, "a peak is a positive number", peak=peak)
    require(0 <= floor <= peak, f"a floor lies between 0 and the peak ({peak})", floor=floor)


def require_positive(**given: float) -> None:
    """Refuse numbers that are not positive and finite."""
    for name, value in given.items():
        require(is_finite(value) and value > 0, "give a positive number", **{name: value})


def require_factor(**given: float) -> None:
    """Refuse factors that are not above 0, or that would raise the rate above its peak."""
    for name, value in given.items():
        require(0 < value <= 1, "give a factor above 0 and up to 1", **{name: value})


def is_finite(value: float) -> bool:
    """Whether a number is none of NaN and infinity, and no integer too large for a float."""
    return abs(value) <= sys.float_info.max


def to_steps(value: Position, total: int, name: str, *, zero: bool = False) -> int:
    """A moment or length in steps: a fraction of the run is rounded to the nearest step.

    Args:
        value: a positive integer of steps, or a float between 0 and 1.
        total: steps of the run.
        name: of the argument, for the message.
        zero: whether 0 is allowed; otherwise it is at least one step.

    Raises:
        SpecError: neither.
    """
    if zero and value == 0:
        return 0
    allowed = "give steps as an integer from 1, or a fraction of the run between 0 and 1" + (", or 0" if zero else "")
    if isinstance(value, int) and not isinstance(value, bool):
        require(value >= 1, allowed, **{name: value})
        return value
    require(0 < value < 1, allowed, **{name: value})
    return max(0 if zero else 1, round(value * total))


def to_rising_steps(values: tuple[Position, ...], total: int, name: str) -> list[int]:
    """Several moments, each later than the one before.

    Raises:
        SpecError: none given, or they do not rise.
    """
    require(len(values) > 0, "give at least one", **{name: list(values)})
    steps = [to_steps(value, total, name) for value in values]
    # Compared as given where all are of one kind: on a short run two fractions may round to the same step.
    one_kind = len({type(value) for value in values}) == 1
    moments = values if one_kind else steps
    require(
        all(a < b for a, b in itertools.pairwise(moments)),
        "each must be later than the one before",
        **{name: list(values)},
    )
    return steps
