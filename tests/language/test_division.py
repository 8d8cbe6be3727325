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
    words = "tell me in few words what the name of highest mountain country is and why"
    alike = [asked(f"{words} x{number}") for number in range(16)]
    others = [asked(f"{number} {number + 100} {number + 200}") for number in range(300)]
    kept = divide_examples(alike + others, SETTINGS, source="set")
    train, val, test = (int((rows < 16).sum()) for rows in kept.rows.values())
    assert min(train, val, test) > 0
    assert [(each.split, each.other_split) for each in kept.near] == [
        *[("val", "train")] * val,
        *[("test", "train")] * test,
        *[("test", "val")] * test,
    ]
    assert all(each.similarity == pytest.approx(15 / 17) for each in kept.near)
    assert f"near-duplicates: {val} of val in train, {test} of test in train, {test} of test in val; most" in str(kept)
    assert caplog.messages == [f"set: {kept}"]
    dropped = divide_examples(alike + others, SETTINGS, near="drop")
    assert [int((rows < 16).sum()) for rows in dropped.rows.values()] == [0, 0, test]
    assert dropped.dropped == train + val
    assert str(dropped).endswith(f"; {train + val} rows were dropped for it")
    np.testing.assert_array_equal(dropped.rows["train"], kept.rows["train"][kept.rows["train"] >= 16])


def test_nothing_is_said_where_nothing_is_alike(caplog: pytest.LogCaptureFixture) -> None:
    division = divide_examples([asked(f"{n} {n + 1000} {n + 2000}") for n in range(100)], SETTINGS)
    assert str(division).endswith("; no near-duplicates across them")
    assert not caplog.messages


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="set: 2 examples of 2 prompts are too few: none is left for "):
        divide_examples(MANY[:2], SETTINGS, source="set")
    with pytest.raises(DataError, match="set: 30 examples of 1 prompt are too few: none is left for "):
        divide_examples([asked("the same question")] * 30, SETTINGS, source="set")
    with pytest.raises(DataError, match=r"split.val = 0.5 and split.test = 0.5 leave no row to train on"):
        divide_examples(MANY, SplitSettings(val=0.5, test=0.5))


def test_real_alpaca(shared_data: Path) -> None:
    examples = read_instructions(shared_data / "alpaca-subset" / "alpaca_subset.jsonl.gz").examples
    division = divide_examples(examples, SplitSettings())
    assert {split: len(rows) for split, rows in division.rows.items()} == {"train": 12412, "val": 4089, "test": 4167}
    assert [(each.row, each.other) for each in division.near if each.similarity > 0.9] == [(2997, 18550)]
    assert len(division.near) == 16
