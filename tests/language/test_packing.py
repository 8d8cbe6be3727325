"""Packing: a sequence has in its row the log-probabilities that it has alone."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.language.models import PAD, tiny_model

from lrensemble.errors import DataError
from lrensemble.language.packing import pack
from lrensemble.language.sequences import Sequences, padded


def drawn(lengths: list[int], seed: int = 0) -> Sequences:
    generator = np.random.default_rng(seed)
    tokens = [generator.integers(4, 60, length).tolist() for length in lengths]
    return padded(tokens, [[place >= length // 2 for place in range(length)] for length in lengths], PAD)


def log_probs(model: Any, ids: torch.Tensor, **given: torch.Tensor) -> NDArray[np.float64]:
    """Log-probability [row, length] of each token given those before it; 0 for the first."""
    with torch.no_grad():
        logits = model(input_ids=ids, **given).logits
    found = torch.log_softmax(logits[:, :-1], -1).gather(-1, ids[:, 1:, None])[..., 0]
    return np.pad(found.numpy(), ((0, 0), (1, 0)))


LENGTHS = [3, 12, 5, 7, 2, 9, 1, 4, 6]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_packed_sequence_is_as_it_is_alone(attention: str) -> None:
    model = tiny_model(dtype=torch.float64)
    model.set_attn_implementation(attention)
    sequences = drawn(LENGTHS)
    packed = pack(sequences, 14, pad=PAD)
    assert len(packed.rows) == 4
    inputs = packed.inputs(np.arange(4), torch.float64)
    found: Any = packed.unpacked(log_probs(model, inputs.pop("input_ids"), **inputs), sequences)
    for row, length in enumerate(LENGTHS):
        alone = log_probs(model, torch.from_numpy(sequences.ids[row : row + 1, :length]))
        np.testing.assert_allclose(found[row, 1:length], alone[0, 1:], atol=1e-12)
        assert (found[row, length:] == 0).all()


def test_rows_by_hand() -> None:
    sequences = padded([[4], [5, 6, 7], [8, 9]], [[True], [False, True, True], [True, True]], PAD)
    packed = pack(sequences, 4, pad=PAD)
    np.testing.assert_array_equal(packed.rows.ids, [[5, 6, 7, 4], [8, 9, PAD, PAD]])
    np.testing.assert_array_equal(packed.rows.lengths, [4, 2])
    np.testing.assert_array_equal(packed.rows.answer, [[False, True, True, False], [False, True, False, False]])
    np.testing.assert_array_equal(packed.positions, [[0, 1, 2, 0], [0, 1, 0, 0]])
    np.testing.assert_array_equal(packed.owners, [[1, 1, 1, 0], [2, 2, -1, -1]])
    mask = packed.inputs(np.array([0]))["attention_mask"][0, 0] == 0
    np.testing.assert_array_equal(mask, [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1]])
    assert packed.inputs(np.array([1]))["input_ids"].tolist() == [[8, 9]]


def test_every_token_is_there_once_and_no_row_is_too_long() -> None:
    sequences = drawn(np.random.default_rng(1).integers(1, 20, 200).tolist())
    packed = pack(sequences, 20, pad=PAD)
    assert packed.rows.lengths.max() <= 20
    assert packed.rows.lengths.sum() == sequences.lengths.sum()
    assert len(packed.rows) <= 1.2 * sequences.lengths.sum() / 20
    ids = packed.unpacked(packed.rows.ids.astype(np.float32), sequences)
    np.testing.assert_array_equal(ids, sequences.ids)
    first = sequences.answer[:, 0]
    assert packed.rows.answer_tokens == sequences.answer_tokens - first.sum()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="sequences of 3 to 9 tokens do not fit rows of 8; each must have 1 token, and"):
        pack(drawn([3, 9]), 8, pad=PAD)
    with pytest.raises(DataError, match="sequences of 0 to 3 tokens do not fit rows of 8"):
        pack(drawn([3, 0]), 8, pad=PAD)
    assert len(pack(drawn([]), 8, pad=PAD).rows) == 0
