"""Near-duplicates: all pairs that comparing every text with every other finds, and no other."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import DataError
from lrensemble.language.instructions import read_instructions
from lrensemble.language.near import Near, near_duplicates, words_of

Splits = dict[str, NDArray[np.int64]]


def slow(texts: list[str], splits: Splits, threshold: float) -> list[Near]:
    """The definition: every text against every other."""
    sets, found, names = [set(words_of(text)) for text in texts], list[Near](), list(splits)
    for place, split in enumerate(names):
        for other_split in names[:place]:
            for row in sorted(splits[split].tolist()):
                alike = [
                    (-len(sets[row] & sets[other]) / len(sets[row] | sets[other]), other)
                    for other in splits[other_split].tolist()
                ]
                similarity, other = min(alike)
                if -similarity >= threshold - 1e-9:
                    found.append(Near(row, split, other, other_split, -similarity))
    return found


def drawn(count: int, seed: int) -> tuple[list[str], Splits]:
    """Texts of a few words, rare and common ones, many of them alike."""
    generator = np.random.default_rng(seed)
    words = np.array([f"w{number}" for number in range(30)])
    common = 1 / np.arange(1, 31)
    texts = [" ".join(generator.choice(words, generator.integers(1, 9), p=common / common.sum())) for _ in range(count)]
    parts = np.split(generator.permutation(count), [count // 2, count * 3 // 4])
    return texts, dict(zip(("train", "val", "test"), parts, strict=True))


@pytest.mark.parametrize("threshold", [0.05, 0.34, 0.5, 0.6, 2 / 3, 0.75, 0.8, 1.0])
def test_they_are_those_of_the_definition(threshold: float) -> None:
    texts, splits = drawn(240, seed=int(threshold * 100))
    found, expected = near_duplicates(texts, splits, threshold=threshold), slow(texts, splits, threshold)
    assert len(expected) > 10
    assert [each[:4] for each in found] == [each[:4] for each in expected]
    np.testing.assert_allclose([each[4] for each in found], [each[4] for each in expected], rtol=1e-12)


def test_real_instructions_are_those_of_the_definition(shared_data: Path) -> None:
    examples = read_instructions(shared_data / "alpaca-subset" / "alpaca_subset.jsonl.gz", limit=600).examples
    texts = [each.prompt for each in examples]
    splits = {"train": np.arange(300), "val": np.arange(300, 500), "test": np.arange(500, 600)}
    assert [each[:4] for each in near_duplicates(texts, splits, threshold=0.4)] == [
        each[:4] for each in slow(texts, splits, 0.4)
    ]


def test_case_punctuation_and_order_make_no_difference() -> None:
    texts = ["Name three cats!", "name: cats, THREE", "name three dogs"]
    splits = {"train": np.array([2, 1]), "val": np.array([0])}
    assert near_duplicates(texts, splits) == ((0, "val", 1, "train", 1.0),)
    assert near_duplicates(texts, splits, threshold=0.5) == ((0, "val", 1, "train", 1.0),)
    alone = {"train": np.array([2]), "val": np.array([0])}
    assert near_duplicates(texts, alone, threshold=0.5) == ((0, "val", 2, "train", 0.5),)
    assert near_duplicates(texts, alone, threshold=0.51) == ()


def test_among_equals_the_lowest_row_is_named() -> None:
    texts = ["a b", "b a", "a b"]
    assert near_duplicates(texts, {"train": np.array([2, 1]), "val": np.array([0])})[0].other == 1


def test_texts_without_words_are_alike_where_they_are_equal() -> None:
    assert words_of(" ?! ") == ["?!"]
    splits = {"train": np.array([0]), "val": np.array([1, 2])}
    assert near_duplicates(["?!", "?!", "!?"], splits) == ((1, "val", 0, "train", 1.0),)


def test_edges() -> None:
    none = np.array([], dtype=np.int64)
    assert near_duplicates([], {"train": none, "val": none}) == ()
    assert near_duplicates(["a"], {"train": np.array([0]), "val": none}) == ()
    for threshold in (0.0, 1.1, float("nan")):
        with pytest.raises(DataError, match="is no Jaccard index to look for; give one above 0, up to 1"):
            near_duplicates(["a"], {"train": np.array([0])}, threshold=threshold)
