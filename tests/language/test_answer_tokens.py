"""Answer tokens as rows of a pool."""

import numpy as np
import pytest
from tests.language.models import PAD, VOCABULARY, tiny_model, tiny_tokenizer

from lrensemble.class_names import fault_of
from lrensemble.errors import DataError
from lrensemble.language.likelihood import token_log_probs
from lrensemble.language.sequences import padded
from lrensemble.language.tokens import token_likelihoods, token_predictions_of, token_rows, vocabulary_of

pytest.importorskip("transformers")

SEQUENCES = padded(
    [[5, 6, 7, 8], [9, 10], [5, 6, 7, 11, 12]],
    [[False, False, True, True], [False, False], [False, True, False, True, True]],
    PAD,
)


def test_by_hand() -> None:
    rows = token_rows(SEQUENCES)
    assert rows.truth.tolist() == [7, 8, 6, 11, 12]
    assert rows.groups.tolist() == [0, 0, 2, 2, 2]
    assert rows.places.dtype == np.int64
    assert (rows.places >= 0).all()
    assert len(set(rows.places.tolist())) == 5


def test_a_place_is_a_token_after_a_text() -> None:
    first = token_rows(SEQUENCES).places
    alone = padded([[5, 6, 7, 8]], [[False, True, True, True]], PAD)
    places = token_rows(alone).places
    assert places[1] == first[0]
    assert places[0] == first[2]
    other = token_rows(padded([[4, 6, 7, 8]], [[False, True, True, True]], PAD)).places
    assert not set(other.tolist()) & {*first.tolist()}


def test_likelihoods_are_in_the_order_of_the_rows() -> None:
    model = tiny_model(1)
    found = token_likelihoods(model, SEQUENCES)
    dense = token_log_probs(model, SEQUENCES)
    assert found.main.tolist() == [dense[0, 2], dense[0, 3], dense[2, 1], dense[2, 3], dense[2, 4]]
    assert found.main.dtype == np.float32


def test_names_of_tokens_tell_them_apart() -> None:
    target = vocabulary_of(tiny_model(1, vocabulary=VOCABULARY + 3), tiny_tokenizer())
    assert target.width == VOCABULARY + 3
    assert target.names[-1] == f"<token {VOCABULARY + 2}>"
    assert target.names[4] == " "
    assert fault_of(target.names) == ""


def test_every_split_is_read() -> None:
    found = token_predictions_of(
        tiny_model(1), tiny_tokenizer(), {"val": SEQUENCES, "test:own": SEQUENCES.take(np.array([2]))}
    )
    assert {split: len(said) for split, said in found.said.items()} == {"val": 5, "test:own": 3}
    assert found.groups["test:own"].tolist() == [0, 0, 0]
    assert found.places["val"].tolist()[2:] == found.places["test:own"].tolist()


def test_no_answer_tokens() -> None:
    with pytest.raises(DataError, match="no token of 1 sequences is an answer; give examples with an answer"):
        token_rows(padded([[5, 6]], [[False, False]], PAD))
