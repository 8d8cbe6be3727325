"""Losses of the two simplest language models, which any other must beat: counts of tokens, and of pairs of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WEIGHT = 20.0
"""Tokens that the unigram distribution counts for after each token, in the bigram model."""


def unigram_loss(train: NDArray[np.int64], after: NDArray[np.int64], tokens: int) -> float:
    """Mean of -log p(after) in nats, p(b) = (count(b) + 1) / (count + tokens) (Laplace's rule).

    Args:
        train: [token] ids that are counted.
        after: [token] ids that are predicted.
        tokens: size of the vocabulary.
    """
    return float(-np.log(_unigram(train, tokens)[after]).mean())


def bigram_loss(train: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64], tokens: int) -> float:
    """Mean of -log p(after | before) in nats (MacKay & Peto 1995, eq. 13).

    p(b | a) = (count(a, b) + 20 p(b)) / (count(a) + 20), with p(b) as in `unigram_loss`.

    Args:
        train: [token] ids that are counted, and each with the next.
        before: [token] ids that stand before those predicted.
        after: [token] ids that are predicted.
        tokens: size of the vocabulary.
    """
    pairs, counts = np.unique(train[:-1] * tokens + train[1:], return_counts=True)
    asked = before * tokens + after
    place = np.minimum(np.searchsorted(pairs, asked), len(pairs) - 1)
    together = np.where(pairs[place] == asked, counts[place], 0)
    first = np.bincount(train[:-1], minlength=tokens)[before]
    probability = (together + WEIGHT * _unigram(train, tokens)[after]) / (first + WEIGHT)
    return float(-np.log(probability).mean())


def _unigram(train: NDArray[np.int64], tokens: int) -> NDArray[np.float64]:
    counts = np.bincount(train, minlength=tokens) + 1.0
    probabilities: NDArray[np.float64] = counts / counts.sum()
    return probabilities
