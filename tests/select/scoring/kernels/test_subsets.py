"""Sums and order of subsets."""

import itertools

import numpy as np

from lrensemble.select.scoring.kernels.subsets import (
    Halves,
    discard_other_sizes,
    first_team,
    members_of,
    size_of,
    sorted_subset_sums,
    subset_sums,
)


def test_sums_of_all_subsets() -> None:
    terms = np.random.default_rng(0).normal(size=5)
    sums = np.empty(32)
    subset_sums(terms, sums)
    np.testing.assert_allclose(sums, [terms[list(members_of(mask))].sum() for mask in range(32)], atol=1e-15)


def test_sorted_sums_know_their_subsets() -> None:
    for terms in (np.random.default_rng(1).normal(size=6), np.array([1.0, 1.0, -2.0, 0.0, 0.5]), np.empty(0)):
        sums, rising, masks = (np.empty(1 << len(terms)) for _ in range(3))
        subset_sums(terms, sums)
        positions = masks.astype(np.int32)
        sorted_subset_sums(terms, rising, positions)
        np.testing.assert_array_equal(rising, np.sort(sums))
        np.testing.assert_array_equal(sums[positions], rising)
        assert sorted(positions) == list(range(len(sums)))


def test_smaller_teams_come_first_then_lower_indices() -> None:
    masks = range(1, 32)
    expected = sorted(masks, key=lambda mask: (len(members_of(mask)), members_of(mask)))
    for mask, other in itertools.combinations(expected, 2):
        assert first_team(np.array([mask, other])) == mask
        assert first_team(np.array([other, mask])) == mask
    assert first_team(np.array([14, 25, 13, 26])) == 13
    assert [size_of(mask) for mask in (0, 1, 7, 16)] == [0, 1, 3, 1]


def test_other_sizes_are_discarded() -> None:
    scores = np.zeros(16)
    discard_other_sizes(scores, Halves(1, 3, top=1), 3, 4)
    kept = [position for position in range(16) if scores[position] == 0]
    assert kept == [position for position in range(16) if 3 <= position.bit_count() + 1 <= 4]
    for smallest, largest, top in ((0, 9, 1), (2, 3, 0), (1, 3, 0), (1, 4, 1), (4, 4, 1)):
        scores, halves = np.zeros(8), Halves(2, 1, top)
        discard_other_sizes(scores, halves, smallest, largest)
        sizes = np.array([position.bit_count() + top.bit_count() for position in range(8)])
        np.testing.assert_array_equal(scores == 0, (max(smallest, 1) <= sizes) & (sizes <= largest))
    everything = np.zeros(8)
    discard_other_sizes(everything, Halves(2, 1, top=0), 0, 9)
    assert everything[0] == -np.inf, "the empty team is no team"
    assert (everything[1:] == 0).all()


def test_shared_members_are_those_of_the_top() -> None:
    assert Halves(2, 1, top=0b101).shared(6) == [3, 5]
