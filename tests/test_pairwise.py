"""The part of a product that is always tested holds every two values that go together."""

import itertools
from collections.abc import Callable

from tests.pairwise import pairwise

PAIRS = [(1, 2), (3, 4), (5, 6)]
AXES = {"letter": "abcde", "low, high": PAIRS, "flag": (True, False)}


def cases(unless: Callable[..., bool] = lambda *_: False) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """All cases, and those that are always tested."""
    _, params = pairwise(AXES, unless=unless).args
    return [each.values for each in params], [each.values for each in params if not each.marks]


def test_the_whole_is_the_product_and_the_part_has_every_two_values() -> None:
    names, _ = pairwise(AXES).args
    assert names == ["letter", "low", "high", "flag"]
    whole, part = cases()
    assert whole == [(letter, *pair, flag) for letter in "abcde" for pair in PAIRS for flag in (True, False)]
    assert len(whole) == 30
    assert 15 <= len(part) < 20
    for first, second in itertools.combinations(range(4), 2):
        assert {(each[first], each[second]) for each in part} == {(each[first], each[second]) for each in whole}


def test_what_does_not_go_together_is_in_neither() -> None:
    whole, part = cases(unless=lambda letter, pair, flag: flag and (letter == "c" or pair == (3, 4)))
    assert len(whole) == 30 - 7
    assert not [each for each in whole if each[3] and (each[0] == "c" or each[1] == 3)]
    assert {(each[0], each[3]) for each in part} == {(letter, flag) for letter in "abcde" for flag in (True, False)} - {
        ("c", True)
    }
