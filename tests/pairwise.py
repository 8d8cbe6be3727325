"""Many options at once: few cases in which every two values meet; the whole product is for those with time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

Case = tuple[Any, ...]


def pairwise(
    axes: Mapping[str, Sequence[Any]], *, unless: Callable[..., bool] = lambda *_: False
) -> pytest.MarkDecorator:
    """`parametrize` with a product, of which `make test` takes a part and `make test-long` the rest.

    The part holds every value of an argument with every value of each other one, at least once: a mistake in one
    option, or in what two of them do together, is seen by it.

    Args:
        axes: values by the name of the argument; a name as `"low, high"` has tuples as its values.
        unless: whether a case is left out, given one value of each axis in their order.
    """
    cases = [
        tuple(enumerate(places))
        for places in itertools.product(*(range(len(values)) for values in axes.values()))
        if not unless(*(values[place] for values, place in zip(axes.values(), places, strict=True)))
    ]
    always = _covering(cases)
    names = [name.strip() for axis in axes for name in axis.split(",")]
    marks = [() if case in always else pytest.mark.long for case in cases]
    return pytest.mark.parametrize(
        names, [pytest.param(*_arguments(axes, case), marks=mark) for case, mark in zip(cases, marks, strict=True)]
    )


def _covering(cases: Sequence[Case]) -> set[Case]:
    """Cases in which every two values of different axes meet that meet in any, found greedily."""
    missing = set(itertools.chain.from_iterable(map(_pairs, cases)))
    chosen = set[Case]()
    while missing:
        best = max(cases, key=lambda case: len(missing.intersection(_pairs(case))))
        chosen.add(best)
        missing.difference_update(_pairs(best))
    return chosen


def _pairs(case: Case) -> set[tuple[Any, ...]]:
    return set(itertools.combinations(case, 2))


def _arguments(axes: Mapping[str, Sequence[Any]], case: Case) -> list[Any]:
    """Values in the order of the arguments."""
    values = [(name, axes[name][place]) for name, (_, place) in zip(axes, case, strict=True)]
    return [each for name, value in values for each in (value if "," in name else (value,))]
