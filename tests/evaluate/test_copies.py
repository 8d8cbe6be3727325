"""Test rows that are copies of one another are told of, and rows that are alike for another reason are not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.evaluate.pools import pool_of, said

from lrensemble.evaluate import choose, evaluate
from lrensemble.evaluate.copies import copied_rows
from lrensemble.pool.collect import collect
from lrensemble.targets.forms import Labels, LogProbs, Predictions, RealValues

MEMBERS, CLASSES = 3, 4
GENERATOR = np.random.default_rng(5)
Truth = NDArray[np.int64]
Log = NDArray[np.floating]


def drawn(rows: int) -> tuple[Truth, Log]:
    """Truth [sample] and log-probabilities [member, sample, class] that know something of it."""
    truth = GENERATOR.integers(CLASSES, size=rows)
    logits = GENERATOR.normal(size=(MEMBERS, rows, CLASSES))
    logits[:, np.arange(rows), truth] += 1
    return truth, logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))


def copied(truth: Truth, log: Log) -> int:
    return copied_rows(truth, [LogProbs(own.astype(np.float32)) for own in log])


def test_most_rows_are_copies_or_none_is_told_of() -> None:
    truth, log = drawn(25)
    assert copied(np.repeat(truth, 40), np.repeat(log, 40, axis=1)) == 1000
    assert copied(np.tile(truth, 2), np.tile(log, (1, 2, 1))) == 50
    truth, log = drawn(100)
    for again, count in ((33, 0), (34, 68)):  # of 133 and of 134 rows
        rows = np.concatenate([np.arange(100), np.arange(again)])
        assert copied(truth[rows], log[:, rows]) == count
    assert copied(truth, log) == 0


def test_one_bit_of_one_member_makes_rows_differ() -> None:
    truth, log = drawn(60)
    truth, log = np.tile(truth, 2), np.tile(log, (1, 2, 1))
    log[2, :60, 1] = np.nextafter(log[2, :60, 1], 0)
    assert copied_rows(truth, [LogProbs(own) for own in log]) == 0
    assert copied_rows(truth, [LogProbs(own) for own in log[:2]]) == 120


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_are_counted_as_they_are_one_by_one(dtype: type[np.floating]) -> None:
    rows = GENERATOR.integers(90, size=200)
    truth, log = drawn(90)
    values = log.astype(np.float32).astype(dtype)[:, rows]
    seen = Counter(values[:, row].tobytes() for row in range(200))
    twice = sum(count for count in seen.values() if count > 1)
    assert twice > 100
    labels = np.argmax(values[0], axis=1).astype(np.uint8)
    assert copied_rows(truth[rows], [Labels(labels), *map(LogProbs, values)]) == twice


def test_values_are_copied_with_their_truth() -> None:
    truth, said_of_it = GENERATOR.normal(size=(30, 2)), GENERATOR.normal(size=(30, 2))
    both = [RealValues(np.tile(said_of_it, (3, 1)))]
    assert copied_rows(np.tile(truth, (3, 1)), both) == 90
    assert copied_rows(GENERATOR.normal(size=(90, 2)), both) == 0


def coarse(truth: Truth) -> list[Predictions]:
    """Members that are always right, and say it in two numbers."""
    own = np.log(said(truth, np.ones(len(truth), dtype=np.bool_), CLASSES))
    return [LogProbs(own), LogProbs(own)]


def test_coarse_members_and_coarse_inputs_make_no_copies() -> None:
    truth, _ = drawn(400)
    assert copied_rows(truth, coarse(truth)) == 0
    assert copied_rows(truth, [Labels(truth.astype(np.uint8))] * 2) == 0
    kinds = GENERATOR.integers(50, size=400)  # inputs of few values: the truth of some differs
    assert copied(truth, drawn(50)[1][:, kinds]) == 0


def test_the_note_asks_for_groups_and_goes_with_them(tmp_path: Path) -> None:
    val, (truth, log) = drawn(60), drawn(25)
    test = np.repeat(truth, 8), np.repeat(np.exp(log), 8, axis=1)
    made = pool_of(tmp_path / "without", (val[0], np.exp(val[1])), test)
    notes = evaluate(made, [choose(made, "all", folds=0)]).notes
    (note,) = [each for each in notes if "equal another one" in each]
    assert note.startswith("200 of the 200 test rows equal another one to the bit, in truth and in all that members")
    assert "give copies of one row one group" in note
    file = tmp_path / "grouped.npz"
    rows = {"labels": val[0], "probs": np.exp(val[1]), "test_labels": test[0], "test_probs": test[1]}
    np.savez(file, **rows, groups=np.arange(60), test_groups=np.repeat(np.arange(25), 8))  # type: ignore[arg-type]
    grouped = collect([file], tmp_path / "grouped").pool
    assert not [each for each in evaluate(grouped, [choose(grouped, "all", folds=0)]).notes if "equal another" in each]
