"""Moments and lengths in a run: in steps, as a fraction of it, or in epochs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from lrensemble.policies.checks import refusal, require
from lrensemble.spec import Spec, Value, to_spec

Position = int | float | str
"""A moment or a length in a run: steps where it is an integer, a fraction of the run where it is a float in (0, 1),
epochs where it is text: `"60 epochs"`."""

EPOCHS = re.compile(r"(\d+(?:\.\d+)?) epochs?")
_POLICY_WITH_EPOCHS = re.compile(r"\(.*\d epochs?\b", re.DOTALL)

UNKNOWN = "how many steps an epoch has is not known here: give build(…, epoch_steps=…), or steps, or a fraction"
ALLOWED = "give steps as an integer from 1, or a fraction of the run between 0 and 1, or epochs as in '5 epochs'"


def in_steps(policy: Spec, epoch_steps: int, check: Callable[[Spec], object]) -> Spec:
    """A policy with epochs turned into steps, also those of the policies in it.

    Args:
        policy: whose arguments may hold epochs.
        epoch_steps: steps of an epoch.
        check: refuses a policy that has epochs where it takes none; it is called with those that have any.
    """

    def value_in_steps(value: Value) -> Value:
        if isinstance(value, tuple):
            return tuple(map(value_in_steps, value))
        if isinstance(value, Spec):
            return in_steps(value, epoch_steps, check)
        if not isinstance(value, str):
            return value
        if match := EPOCHS.fullmatch(value):
            return round(float(match[1]) * epoch_steps)
        return in_steps(to_spec(value), epoch_steps, check) if _POLICY_WITH_EPOCHS.search(value) else value

    changed = Spec(policy.name, {key: value_in_steps(value) for key, value in policy.arguments.items()})
    if changed != policy:
        check(policy)
    return changed


def to_steps(value: Position, total: int, name: str, *, zero: bool = False) -> int:
    """A moment or length in steps: a fraction of the run is rounded to the nearest step.

    Args:
        value: a positive integer of steps, or a float between 0 and 1; epochs are steps already (`in_steps`).
        total: steps of the run.
        name: of the argument, for the message.
        zero: whether 0 is allowed; otherwise it is at least one step.

    Raises:
        SpecError: neither.
    """
    if zero and value == 0:
        return 0
    allowed = ALLOWED + (", or 0" if zero else "")
    if isinstance(value, str):
        raise refusal(UNKNOWN if EPOCHS.fullmatch(value) else allowed, **{name: value})
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
    moments = [value for value in values if not isinstance(value, str)] if one_kind else steps
    require(
        all(a < b for a, b in itertools.pairwise(moments)),
        "each must be later than the one before",
        **{name: list(values)},
    )
    return steps
