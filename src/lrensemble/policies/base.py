"""Policies: what one is, how one is registered and built.

A policy is the learning rate, and perhaps the momentum, as a pure function of the step: no state, so that any step can
be read in any order, a run resumed at any moment, and a curve drawn without training.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, NamedTuple, ParamSpec, SupportsFloat

from lrensemble.errors import SpecError
from lrensemble.policies.checks import require
from lrensemble.policies.positions import in_steps
from lrensemble.registry import Call, Registry, is_shipped
from lrensemble.spec import Spec, SpecLike, to_spec

P = ParamSpec("P")
Rate = Callable[[int], float]
Momentum = Callable[[int], float | None]


def unchanged(step: int) -> None:
    """Momentum of a policy that leaves it as the optimizer has it."""


class Course(NamedTuple):
    """Rate and momentum by step: what a policy returns that gives both."""

    rate: Rate
    momentum: Momentum = unchanged


@dataclass(frozen=True)
class Policy:
    """The learning rate at every step of a run: `policy(step)`, for steps from 0; it stays defined beyond the run."""

    spec: Spec
    """Spec that it was built from; `build(policy.spec, policy.total, policy.epoch_steps)` builds it again."""
    total: int
    """Steps of the run."""
    rate: Rate = field(repr=False, compare=False)
    momentum: Momentum = field(default=unchanged, repr=False, compare=False)
    """Momentum by step (of Adam and its like the first of the betas); None where it stays the optimizer's own."""
    epoch_steps: int | None = None
    """Steps of an epoch, where epochs can be among the arguments."""
    built_for: int | None = None
    """Steps of the whole run that this one is the beginning of; `total` unless given."""

    def __call__(self, step: int) -> float:
        """The rate of the optimizer's update number `step`, the first being 0."""
        return float(self.rate(step))  # a peak may have been given as an integer

    def __reduce__(self) -> tuple[object, tuple[Spec, int, int | None, int]]:
        """Another process builds it again from its spec: functions do not travel."""
        return _again, (self.spec, self.built_for or self.total, self.epoch_steps, self.total)

    @property
    def gives_momentum(self) -> bool:
        """Whether it has a momentum at any step."""
        return self.momentum is not unchanged

    def until(self, total: int) -> Policy:
        """The same policy for the first steps of its run alone."""
        return replace(self, total=total, built_for=self.built_for or self.total)

    def curve(self) -> list[float]:
        """The rates of all steps of the run, [total]."""
        return [self(step) for step in range(self.total)]


RateMaker = Callable[Concatenate[int, P], Rate | Course]
PolicyMaker = Callable[Concatenate[int, P], Policy]


def _as_policy(name: str, function: RateMaker[P]) -> PolicyMaker[P]:
    """A function that returns a rate by step, or a `Course`, made to return a `Policy` with its spec.

    Arguments are checked alike whether the function is called or named in a spec, and a refusal names the policy.
    """
    if next(iter(inspect.signature(function).parameters), "") == "optimizer":
        raise SpecError(
            f"policy {name!r} takes an optimizer, as schedulers do; a policy is a function (total, *, …) that returns "
            "the rate of a step as a function: write one, or use policy_of of lrensemble.policies.torch_adapter"
        )
    plain = [p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY][1:]

    @functools.wraps(function)
    def build_policy(total: int, /, *args: P.args, **kwargs: P.kwargs) -> Policy:
        spec = POLICIES.check({"name": name, **dict(zip(plain, args, strict=False)), **kwargs})
        try:
            whole = isinstance(total, int) and total >= 1
            require(whole, "give the steps of the run, an integer from 1", total=total)
            made = function(total, *args, **kwargs)
            course = made if isinstance(made, Course) else Course(made, getattr(made, "momentum", unchanged))
            known = callable(course.rate) and callable(course.momentum)
            require(known, "a policy returns a function of the step: return lambda step: …", returned=made)
            if not is_shipped(function):
                _require_rates(course.rate, total)
        except SpecError as error:
            raise type(error)(f"policy {name!r}: {error}") from None
        return Policy(spec, total, course.rate, course.momentum)

    return build_policy


def _require_rates(rate: Rate, total: int) -> None:
    """Refuse a policy of one's own whose rates are no numbers, or negative, or not the same when they are asked again.

    Rates that are not finite are for the training to end.
    """
    steps = (0, total // 2, total - 1)
    for step in steps:
        found: object = rate(step)
        require(isinstance(found, SupportsFloat), "the rate of a step is a number", step=step, rate=found)
        require(not float(rate(step)) < 0, "a rate is never negative", step=step, rate=found)
    once, twice = ([float(rate(step)) for step in steps] for _ in range(2))
    same = all(one == other or one != one for one, other in zip(once, twice, strict=True))
    stateless = "a policy has no state, the rate of a step is the same whenever it is asked for"
    require(same, stateless, rates=once, again=twice)


POLICIES: Registry[Policy] = Registry("policy", plural="policies", call=Call(("total",)), adapt=_as_policy)
"""Functions of (total, *, …) that return a `Policy`."""


def policy(name: str | None = None, **example: Any) -> Callable[[RateMaker[P]], PolicyMaker[P]]:
    """Register a function (total, *, …) that returns a rate by step, or a `Course` of rate and momentum.

    It is `POLICIES.register`, with the types of what is decorated, which is made to return a `Policy` with its spec.
    """
    register: Any = POLICIES.register
    decorated: Callable[[RateMaker[P]], PolicyMaker[P]] = register(name, **example)
    return decorated


def build(spec: SpecLike, total: int, epoch_steps: int | None = None) -> Policy:
    """Build a policy for a run of `total` steps from its text form, JSON form or spec.

    Args:
        spec: what to build; moments and lengths in it may be given in epochs, `"5 epochs"`, which stay in its spec.
        total: steps of the run.
        epoch_steps: steps of an epoch; without it nothing may be given in epochs.

    Raises:
        UnknownNameError: no policy of that name.
        SpecError: an argument that is unknown or cannot be used; its name, value and what is allowed are told.
    """
    if epoch_steps is None:
        return POLICIES.call(spec, total)
    given = to_spec(spec)
    resolved = in_steps(given, epoch_steps, POLICIES.check)
    built = POLICIES.call(resolved, total)
    return replace(built, epoch_steps=epoch_steps, spec=built.spec if resolved == given else POLICIES.check(given))


def _again(spec: Spec, built_for: int, epoch_steps: int | None, total: int) -> Policy:
    """A policy in another process than that which built it."""
    whole = build(spec, built_for, epoch_steps)
    return whole if total == built_for else whole.until(total)
