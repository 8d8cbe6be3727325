"""Losses of counts: the definition written slowly, and values by hand."""

import itertools
import math

import numpy as np
import pytest

from lrensemble.language.ngrams import bigram_loss, unigram_loss


def test_they_are_what_their_formulas_say() -> None:
    generator = np.random.default_rng(0)
    tokens, train = 5, generator.integers(5, size=200)
    before, after = generator.integers(5, size=30), generator.integers(5, size=30)

    def single(token: int) -> float:
        return float((sum(each == token for each in train) + 1) / (len(train) + tokens))

    def after_another(first: int, second: int) -> float:
        pairs = list(itertools.pairwise(train))
        together, alone = sum(pair == (first, second) for pair in pairs), sum(pair[0] == first for pair in pairs)
        return float((together + 20 * single(second)) / (alone + 20))

    expected = -np.mean([math.log(single(token)) for token in after])
    assert unigram_loss(train, after, tokens) == pytest.approx(expected, rel=1e-12)
    expected = -np.mean([math.log(after_another(*pair)) for pair in zip(before, after, strict=True)])
    assert bigram_loss(train, before, after, tokens) == pytest.approx(expected, rel=1e-12)


def test_values_by_hand() -> None:
    train = np.array([0, 1, 0, 1, 0])
    assert unigram_loss(train, np.array([0, 2]), 3) == pytest.approx(-(math.log(4 / 8) + math.log(1 / 8)) / 2)
    # 0 is followed by 1 twice, and 2 by nothing, ever.
    assert bigram_loss(train, np.array([0]), np.array([1]), 3) == pytest.approx(-math.log((2 + 20 * 3 / 8) / 22))
    assert bigram_loss(train, np.array([2]), np.array([2]), 3) == pytest.approx(-math.log(1 / 8))


@pytest.mark.parametrize("before", [0, 1, 3])
def test_what_follows_is_a_distribution(before: int) -> None:
    train = np.random.default_rng(1).integers(3, size=50)
    losses = [bigram_loss(train, np.array([before]), np.array([after]), 4) for after in range(4)]
    assert sum(math.exp(-loss) for loss in losses) == pytest.approx(1)
