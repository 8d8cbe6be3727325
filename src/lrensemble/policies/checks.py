"""What the arguments of a policy may be; a refusal tells their names, their values and what is allowed."""

from __future__ import annotations

import sys

from lrensemble.errors import SpecError


def require(condition: bool, allowed: str, **given: object) -> None:
    """Refuse arguments that do not meet a condition.

    Raises:
        SpecError: the arguments with their values, and what is allowed.
    """
    if not condition:
        raise refusal(allowed, **given)


def refusal(allowed: str, **given: object) -> SpecError:
    """The error that tells arguments with their values, and what is allowed."""
    values = ", ".join(f"{name} = {value!r}" for name, value in given.items())
    return SpecError(f"{values} is refused: {allowed}")


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
