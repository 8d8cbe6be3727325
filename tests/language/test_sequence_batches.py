"""Batches of sequences: a function of (seed, step), each sequence once in an epoch, and little padding by length."""

import numpy as np
import pytest

from lrensemble.config import TrainSettings
from lrensemble.data import SAMPLERS, batch_rows
from lrensemble.data.samplers import TrainingRows
from lrensemble.errors import ConfigError, DataError
from lrensemble.language.batches import Batches, Padding, padding_of
from lrensemble.language.sequences import padded
from lrensemble.spec import Spec

GENERATOR = np.random.default_rng(0)
LENGTHS = GENERATOR.integers(2, 40, 103)
SEQUENCES = padded(
    [[row] * length for row, length in enumerate(LENGTHS.tolist())],
    [[False] + [True] * (length - 1) for length in LENGTHS.tolist()],
    -1,
)
SAMPLED = ["shuffle", "by_length"]


def settings(sampler: str = "shuffle", **changes: object) -> TrainSettings:
    return TrainSettings.model_validate({"batch_size": 8, "seed": 3, "sampler": sampler} | changes)


def rows(step: int, sampler: str, **changes: object) -> list[int]:
    found: list[int] = Batches(LENGTHS, settings(sampler, **changes)).rows(step).tolist()
    return found


@pytest.mark.parametrize("sampler", SAMPLED)
def test_a_batch_is_a_function_of_seed_and_step(sampler: str) -> None:
    batches = Batches(LENGTHS, settings(sampler))
    assert [batches.rows(step).tolist() for step in (30, 17)] == [rows(step, sampler) for step in (30, 17)]
    for other in (rows(17, sampler, seed=4), rows(18, sampler), rows(5, sampler)):
        assert rows(17, sampler) != other


@pytest.mark.parametrize("sampler", SAMPLED)
@pytest.mark.parametrize(("drop_last", "steps", "seen"), [(True, 12, 96), (False, 13, 103)])
def test_an_epoch_has_each_sequence_once(sampler: str, drop_last: bool, steps: int, seen: int) -> None:
    batches = Batches(LENGTHS, settings(sampler, drop_last=drop_last))
    assert batches.steps_per_epoch == steps
    drawn = np.concatenate([batches.rows(step) for step in range(steps, 2 * steps)])
    assert len(drawn) == len(set(drawn.tolist())) == seen


def test_the_rule_is_that_of_all_training() -> None:
    assert rows(29, "shuffle") == batch_rows(103, 8, 3, 29).tolist()


def test_by_length_there_is_little_padding() -> None:
    found = {sampler: padding_of(SEQUENCES, settings(sampler)) for sampler in SAMPLED}
    slow = [0, 0]
    for step in range(12):
        own = LENGTHS[rows(step, "by_length")]
        slow[0] += int(own.sum())
        slow[1] += 8 * int(own.max())
    assert found["by_length"] == Padding(*slow)
    assert found["by_length"].share < 0.12 < 0.35 < found["shuffle"].share


def test_parts_of_a_batch_are_padded_by_themselves_and_packed_ones_hardly() -> None:
    whole, parts = (padding_of(SEQUENCES, settings(accumulate=each)) for each in (1, 4))
    assert whole.tokens == parts.tokens
    assert parts.positions < whole.positions
    packed = padding_of(SEQUENCES, settings(batch_size=50), packing=True)
    assert packed.share < 0.1 < 0.4 < padding_of(SEQUENCES, settings(batch_size=50)).share


def test_padding_by_hand() -> None:
    """Lengths 1, 3, 4 in one batch: 8 of 12 positions; packed in rows of 4, 8 of 8."""
    sequences = padded([[1], [1, 2, 3], [1, 2, 3, 4]], [[False] + [True] * each for each in (0, 2, 3)], 0)
    assert padding_of(sequences, settings(batch_size=3)) == Padding(8, 12)
    assert padding_of(sequences, settings(batch_size=3), packing=True) == Padding(8, 8)
    assert Padding(8, 12).share == pytest.approx(1 / 3)


def test_batches_by_length_come_in_no_order_of_length() -> None:
    sampler = SAMPLERS.call("by_length", TrainingRows(103, lengths=LENGTHS, batch_size=8))
    order = sampler(np.random.default_rng((3, 0)))
    means = LENGTHS[order[:96]].reshape(12, 8).mean(axis=1)
    assert not (np.diff(means) >= 0).all()
    assert sorted(order.tolist()) == list(range(103))


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'by_length' is refused: only sequences of tokens have lengths; use shuff"):
        SAMPLERS.call(Spec("by_length"), TrainingRows(5))
    for sampler in SAMPLED:
        with pytest.raises(DataError, match=r"train.batch_size = 104 is above the 103 training rows"):
            Batches(LENGTHS, settings(sampler, batch_size=104))
        assert len(rows(0, sampler, batch_size=104, drop_last=False)) == 103
