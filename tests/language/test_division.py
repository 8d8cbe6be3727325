"""Splits of an instruction set: of its texts alone, and what is alike across them is said."""

from pathlib import Path

import numpy as np
import pytest

from lrensemble.config import SplitSettings
from lrensemble.errors import DataError
from lrensemble.language.division import SPLITS, divide_examples
from lrensemble.language.examples import Example, Turn
from lrensemble.language.instructions import read_instructions

SETTINGS = SplitSettings(val=0.25, test=0.15)


def asked(prompt: str, answer: str = "yes") -> Example:
    return Example((Turn("user", prompt), Turn("assistant", answer)))


MANY = [asked(f"say {number} and {number * number} {number % 7}") for number in range(3000)]


def prompts_by_split(examples: list[Example], settings: SplitSettings = SETTINGS) -> dict[str, set[str]]:
    rows = divide_examples(examples, settings, threshold=1.0).rows
    return {split: {examples[row].prompt for row in rows[split]} for split in SPLITS}


def test_every_row_is_in_one_split_and_the_shares_are_about_right() -> None:
    rows = divide_examples(MANY, SETTINGS, threshold=1.0).rows
    assert list(rows) == ["train", "val", "test"]
    np.testing.assert_array_equal(np.sort(np.concatenate(list(rows.values()))), np.arange(3000))
    for split, share in (("train", 0.6), ("val", 0.25), ("test", 0.15)):
        assert len(rows[split]) == pytest.approx(3000 * share, abs=5 * np.sqrt(3000 * share * (1 - share)))
        assert (np.diff(rows[split]) > 0).all()


def test_neither_order_nor_other_rows_move_a_row() -> None:
    whole = prompts_by_split(MANY)
    assert prompts_by_split(MANY[::-1]) == whole
    part = prompts_by_split(MANY[500:1500])
    assert all(part[split] <= whole[split] for split in SPLITS)
    assert prompts_by_split(MANY, SplitSettings(val=0.25, test=0.15, seed=1)) != whole


def test_a_question_is_in_one_split_however_it_is_written_and_answered() -> None:
    twins = [asked(f"Say {number}, and {number * number}: {number % 7}!", "no") for number in range(3000)]
    rows = divide_examples(MANY + twins, SETTINGS, threshold=1.0).rows
    for split in SPLITS:
        first = rows[split][rows[split] < 3000]
        np.testing.assert_array_equal(rows[split], np.concatenate([first, first + 3000]))


def test_near_duplicates_are_said_and_dropped_where_asked(caplog: pytest.LogCaptureFixture) -> None:
    words = [
        "please",
        "tell",
        "me",
        "in",
        "a",
        "few",
        "words",
        "what",
        "the",
        "name",
        "of",
        "the",
        "highest",
        "mountain",
        "of",
        "the",
        "country",
        "is",
    ]
    alike = [asked(" ".join([*words, name])) for name in "abcdefghijklmnop"]
    others = [asked(f"{number} {number + 100} {number + 200}") for number in range(300)]
    kept = divide_examples(alike + others, SETTINGS, source="set")
    sizes = {split: int((rows < 16).sum()) for split, rows in kept.rows.items()}
    assert sizes == {"train": 11, "val": 3, "test": 2}
    assert [(each.split, each.other_split) for each in kept.near] == [
        *[("val", "train")] * 3,
        *[("test", "train")] * 2,
        *[("test", "val")] * 2,
    ]
    assert all(each.similarity == pytest.approx(15 / 17) for each in kept.near)
    assert "near-duplicates: 3 of val in train, 2 of test in train, 2 of test in val; most alike: exam" in str(kept)
    assert caplog.messages == [f"set: {kept}"]
    dropped = divide_examples(alike + others, SETTINGS, near="drop")
    assert {split: int((rows < 16).sum()) for split, rows in dropped.rows.items()} == {"train": 0, "val": 0, "test": 2}
    assert dropped.dropped == 14
    assert str(dropped).endswith("; 14 rows were dropped for it")
    np.testing.assert_array_equal(dropped.rows["train"], kept.rows["train"][kept.rows["train"] >= 16])


def test_nothing_is_said_where_nothing_is_alike(caplog: pytest.LogCaptureFixture) -> None:
    division = divide_examples([asked(f"{n} {n + 1000} {n + 2000}") for n in range(100)], SETTINGS)
    assert str(division).endswith("; no near-duplicates across them")
    assert not caplog.messages


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="set: 2 examples are too few: none is left for "):
        divide_examples(MANY[:2], SETTINGS, source="set")
    with pytest.raises(DataError, match=r"split.val = 0.5 and split.test = 0.5 leave no row to train on"):
        divide_examples(MANY, SplitSettings(val=0.5, test=0.5))


def test_real_alpaca(shared_data: Path) -> None:
    examples = read_instructions(shared_data / "alpaca-subset" / "alpaca_subset.jsonl.gz").examples
    division = divide_examples(examples, SplitSettings())
    assert {split: len(rows) for split, rows in division.rows.items()} == {"train": 12412, "val": 4089, "test": 4167}
    assert [(each.row, each.other) for each in division.near if each.similarity > 0.9] == [(2997, 18550)]
    assert len(division.near) == 16
