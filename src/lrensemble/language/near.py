"""Near-duplicates: texts of one split that hardly differ from a text of another, found exactly.

Two texts are as alike as the sets of their words: the Jaccard index, words in both by words in either, without case,
punctuation and order. Pairs from a threshold t on are found without comparing all: two sets of which the larger has n
elements share at least t n of them when they are that much alike, and so one among the n - ⌈t n⌉ + 1 rarest elements of
each (Chaudhuri, Ganti & Kaushik 2006; Bayardo, Ma & Srikant 2007). Only pairs that do are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrensemble.errors import DataError

THRESHOLD = 0.7
"""Jaccard index from which two texts are near-duplicates, unless asked otherwise."""

_BLOCK = 1024
"""Texts of one split that are looked up in the other at once."""

Rows = NDArray[np.int64]


class Near(NamedTuple):
    """A text, and the one of another split that it is most like."""

    row: int
    split: str
    other: int
    other_split: str
    similarity: float
    """Jaccard index of their words."""


def words_of(text: str) -> list[str]:
    """Words of a text without case and punctuation; what holds none is one word as it is."""
    return re.findall(r"\w+", text.casefold()) or [text.strip()]


def near_duplicates(
    texts: Sequence[str], splits: Mapping[str, Rows], *, threshold: float = THRESHOLD
) -> tuple[Near, ...]:
    """For each text of a split, the text of every earlier split that it is most like, if it is a near-duplicate of it.

    Args:
        texts: of all rows.
        splits: rows of each; `train` first, so that a pair is told by the row that is held out.
        threshold: Jaccard index from which on two texts are near-duplicates, above 0.

    Returns:
        By the split and the row; among equals, the other with the lowest row.

    Raises:
        DataError: the threshold is not above 0 and at most 1.
    """
    if not 0 < threshold <= 1:
        raise DataError(f"a threshold of {threshold} is no Jaccard index to look for; give one above 0, up to 1")
    sets = _sets(texts)
    rarest = _rarest(sets, threshold)
    names, found = list(splits), list[Near]()
    for place, split in enumerate(names):
        for other in names[:place]:
            pairs = _alike(sets, rarest, np.sort(splits[split]), np.sort(splits[other]), threshold)
            found += [Near(row, split, twin, other, similarity) for row, twin, similarity in pairs]
    return tuple(found)


def _sets(texts: Sequence[str]) -> sparse.csr_array:
    """Words [text, word] as 1, the rarest first."""
    numbers = dict[str, int]()
    columns, ends = list[int](), [0]
    for text in texts:
        columns += [numbers.setdefault(word, len(numbers)) for word in dict.fromkeys(words_of(text))]
        ends.append(len(columns))
    column = np.array(columns, dtype=np.int64)
    count = np.bincount(column, minlength=len(numbers))
    place = np.empty(len(numbers), dtype=np.int64)
    place[np.argsort(count, kind="stable")] = np.arange(len(numbers))
    ones = np.ones(len(column), dtype=np.int32)
    sets = sparse.csr_array((ones, place[column], np.array(ends)), shape=(len(texts), len(numbers)))
    sets.sort_indices()
    return sets


def _rarest(sets: sparse.csr_array, threshold: float) -> sparse.csr_array:
    """The rarest words of each text, one of which two near-duplicates share."""
    sizes = np.diff(sets.indptr)
    kept = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1
    inside = np.arange(len(sets.indices)) - np.repeat(sets.indptr[:-1], sizes) < np.repeat(kept, sizes)
    ends = np.concatenate([[0], np.cumsum(kept)])
    return sparse.csr_array((sets.data[inside], sets.indices[inside], ends), shape=sets.shape)


def _alike(
    sets: sparse.csr_array, rarest: sparse.csr_array, rows: Rows, others: Rows, threshold: float
) -> Iterator[tuple[int, int, float]]:
    """Each of some rows that has a near-duplicate among others: row, the other, their Jaccard index."""
    sizes = np.diff(sets.indptr)
    lookup = rarest[others].T.tocsr()
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        pairs = (rarest[block] @ lookup).tocoo()
        row, other = block[pairs.coords[0]], others[pairs.coords[1]]
        fits = np.minimum(sizes[row], sizes[other]) >= threshold * np.maximum(sizes[row], sizes[other]) - 1e-9
        row, other = row[fits], other[fits]
        shared = _shared(sets, row, other)
        similarity = shared / (sizes[row] + sizes[other] - shared)
        near = similarity >= threshold - 1e-9
        row, other, similarity = row[near], other[near], similarity[near]
        order = np.lexsort((other, -similarity, row))
        _, first = np.unique(row[order], return_index=True)
        best = order[first]
        yield from zip(row[best].tolist(), other[best].tolist(), similarity[best].tolist(), strict=True)


def _shared(sets: sparse.csr_array, row: Rows, other: Rows) -> NDArray[np.int64]:
    """Number [pair] of words that two texts share."""
    found = np.empty(len(row), dtype=np.int64)
    for start in range(0, len(row), _BLOCK * 16):
        part = slice(start, start + _BLOCK * 16)
        found[part] = sets[row[part]].multiply(sets[other[part]]).sum(axis=1)
    return found
