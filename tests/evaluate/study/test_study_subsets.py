"""Smaller sets of members."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from lrensemble.evaluate.study.findings.subsets import balanced, drawn, sizes_up_to, smaller_pools

KINDS = "aaaaabbbbbccccc"


@pytest.mark.parametrize(
    ("most", "further", "sizes"),
    [
        (1, (), [1]),
        (2, (), [1, 2]),
        (7, (), [1, 2, 3, 4, 6, 7]),
        (16, (10, 99), [1, 2, 3, 4, 6, 8, 10, 12, 16]),
        (3, (0, 2), [1, 2, 3]),
    ],
)
def test_sizes(most: int, further: tuple[int, ...], sizes: list[int]) -> None:
    assert sizes_up_to(most, further) == sizes


@pytest.mark.parametrize("size", [1, 3, 5, 6])
def test_drawn_sets_differ_and_are_as_many_as_there_are(size: int) -> None:
    found = drawn([2, 3, 5, 7, 11, 13], size, 8, seed=1)
    assert len(set(found)) == len(found) == min(8, math.comb(6, size))
    assert all(len(set(each)) == size and set(each) <= {2, 3, 5, 7, 11, 13} for each in found)
    assert found == drawn([2, 3, 5, 7, 11, 13], size, 8, seed=1)


def test_other_seeds_draw_other_sets() -> None:
    assert drawn(range(30), 9, 5, seed=1) != drawn(range(30), 9, 5, seed=2)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 15])
def test_balanced_sets_hold_as_many_of_each_kind_as_can_be(size: int) -> None:
    for each in balanced(KINDS, size, 6, seed=0):
        counts = Counter(KINDS[member] for member in each)
        assert len(each) == size
        assert max(counts.values()) - min(counts[kind] for kind in "abc") <= 1


def test_kinds_that_are_used_up_leave_room_to_others() -> None:
    for each in balanced("abbbb", 4, 3, seed=0):
        assert sorted("abbbb"[member] for member in each) == ["a", "b", "b", "b"]


def test_balanced_goes_on_among_the_kinds_that_are_left() -> None:
    kinds = "abbbbbccccc"
    for each in balanced(kinds, 7, 10, seed=0):
        assert sorted(kinds[member] for member in each) == list("abbbccc")


def test_balanced_only_where_it_is_another_way() -> None:
    ways = {kinds: [way for way, _ in smaller_pools(kinds, 2, 4, seed=0)] for kinds in ("aaaa", "abcd", "aabb")}
    assert ways["aaaa"] == ways["abcd"] == ["drawn", "in order"]
    assert ways["aabb"] == ["drawn", "balanced", "in order"]
    whole = dict(smaller_pools("aabb", 4, 4, seed=0))
    assert set(map(tuple, whole.values())) == {((0, 1, 2, 3),)}
    assert dict(smaller_pools("aabb", 3, 4, seed=0))["in order"] == [(0, 1, 2)]
