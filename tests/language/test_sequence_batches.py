"""Batches of sequences: a function of (seed, step), each sequence once in an epoch, and little padding by length."""

import numpy as np
import pytest

from lrensemble.data import batch_rows
from lrensemble.errors import DataError
from lrensemble.language.batches import by_lengths, sequences_of_step
from lrensemble.language.sequences import Sequences, padded

GENERATOR = np.random.default_rng(0)
LENGTHS = GENERATOR.integers(2, 40, 103)
SEQUENCES = padded(
    [[row] * length for row, length in enumerate(LENGTHS.tolist())],
    [[False] + [True] * (length - 1) for length in LENGTHS.tolist()],
    -1,
)


def batch(step: int, seed: int = 3, *, by_length: bool, drop_last: bool = True) -> Sequences:
    return sequences_of_step(SEQUENCES, 8, seed, step, by_length=by_length, drop_last=drop_last)


@pytest.mark.parametrize("by_length", [False, True])
def test_a_batch_is_a_function_of_seed_and_step(by_length: bool) -> None:
    first, again = batch(17, by_length=by_length), batch(17, by_length=by_length)
    np.testing.assert_array_equal(first.ids, again.ids)
    np.testing.assert_array_equal(first.answer, again.answer)
    for other in (batch(17, 4, by_length=by_length), batch(18, by_length=by_length), batch(5, by_length=by_length)):
        assert first.ids[:, 0].tolist() != other.ids[:, 0].tolist()


@pytest.mark.parametrize("by_length", [False, True])
@pytest.mark.parametrize(("drop_last", "steps", "seen"), [(True, 12, 96), (False, 13, 103)])
def test_an_epoch_has_each_sequence_once(by_length: bool, drop_last: bool, steps: int, seen: int) -> None:
    batches = [batch(step, by_length=by_length, drop_last=drop_last) for step in range(steps, 2 * steps)]
    rows = np.concatenate([each.ids[:, 0] for each in batches])
    assert len(rows) == len(set(rows.tolist())) == seen
    for each in batches:
        assert each.ids.shape[1] == each.lengths.max()
        np.testing.assert_array_equal(each.lengths, LENGTHS[each.ids[:, 0]])


def test_the_rule_is_that_of_all_training() -> None:
    np.testing.assert_array_equal(batch(29, by_length=False).ids[:, 0], batch_rows(103, 8, 3, 29))


def test_by_length_there_is_little_padding() -> None:
    cells = {
        by_length: sum(batch(step, by_length=by_length).ids.size for step in range(12)) for by_length in (False, True)
    }
    tokens = LENGTHS.mean() * 96
    assert cells[True] < 1.15 * tokens
    assert cells[False] > 1.5 * tokens


def test_batches_by_length_come_in_no_order_of_length() -> None:
    order = by_lengths(LENGTHS, 8)(np.random.default_rng((3, 0)))
    means = LENGTHS[order[:96]].reshape(12, 8).mean(axis=1)
    assert not (np.diff(means) >= 0).all()
    assert sorted(order.tolist()) == list(range(103))


def test_a_batch_larger_than_the_set_is_refused() -> None:
    for by_length in (False, True):
        with pytest.raises(DataError, match=r"train.batch_size = 104 is above the 103 training rows"):
            sequences_of_step(SEQUENCES, 104, 0, 0, by_length=by_length)
        assert len(sequences_of_step(SEQUENCES, 104, 0, 0, by_length=by_length, drop_last=False)) == 103
