"""Every count that an argument can be has an end: a zero too many is refused in a line, not searched for ever."""

from __future__ import annotations

from typing import Annotated, Any, Union, get_args, get_origin

import pytest

from lrensemble.errors import SpecError
from lrensemble.registry import HOMES, registry_of
from lrensemble.spec import Spec

ABSURD = 10**13
HARMLESS = ("seed", "low", "high")
"""Any number serves as well as any other; of a range, it is the numbers between that have an end."""
OF_A_RUN = ("policies",)
"""Their integers are moments and lengths in steps of a run, which may lie beyond its end."""


def takes_integers(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return takes_integers(get_args(hint)[0])
    if get_origin(hint) is Union or type(hint).__name__ == "UnionType":
        return any(takes_integers(each) for each in get_args(hint))
    return hint is int


def counts() -> list[tuple[str, str, str]]:
    return [
        (kind, name, key)
        for kind in HOMES
        if kind not in OF_A_RUN
        for name, found in ((name, registry_of(kind).find(name)) for name in registry_of(kind))
        for key in found.own
        if found.shipped and key not in HARMLESS and takes_integers(found.hints.get(key))
    ]


@pytest.mark.parametrize(("kind", "name", "key"), counts())
def test_every_count_has_an_end(kind: str, name: str, key: str) -> None:
    registry = registry_of(kind)
    given = Spec(name, {**registry.example(name).arguments, key: ABSURD})
    with pytest.raises(SpecError, match=f"{key} = {ABSURD} is refused: input should be less than or equal to"):
        registry.check(given)


def test_there_are_such_arguments() -> None:
    wanted = {("selectors", "anneal", "steps"), ("models", "cnn", "width"), ("strategies", "seeds", "count")}
    assert wanted <= {*counts()}
