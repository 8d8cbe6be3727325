"""Texts and what follows them as tokens."""

from typing import Any

import numpy as np
import pytest
from tests.language.models import BEGIN, END, PAD, tiny_tokenizer

from lrensemble.errors import DataError
from lrensemble.language.pairs import EncodedPairs, Pair, encode_pairs

pytest.importorskip("transformers")


def parts(encoded: EncodedPairs, tokenizer: Any) -> list[tuple[list[str], list[str]]]:
    """Names of the tokens of each context, and of what follows it."""
    found = []
    for row, length in enumerate(encoded.sequences.lengths):
        names = tokenizer.convert_ids_to_tokens(encoded.sequences.ids[row, :length].tolist())
        answer = encoded.sequences.answer[row, :length]
        assert list(answer) == sorted(answer)
        found.append((names[: length - answer.sum()], names[length - answer.sum() :]))
    return found


def test_by_hand() -> None:
    tokenizer = tiny_tokenizer()
    encoded = encode_pairs(tokenizer, [("who:", " the end"), ("a ", "b")])
    assert parts(encoded, tokenizer) == [
        (["<s>", "w", "h", "o", ":"], [" ", "the", " ", "e", "n", "d"]),
        (["<s>", "a"], [" ", "b"]),
    ]
    assert encoded.sequences.ids[1].tolist()[4:] == [PAD] * 7
    assert encoded.cut == 0


def test_both_are_encoded_together_and_parted_where_the_context_ends() -> None:
    """As `th` and `e` would be one token, the token that begins in the context is the context's."""
    tokenizer = tiny_tokenizer()
    ((before, after),) = parts(encode_pairs(tokenizer, [("t", "hey")]), tokenizer)
    assert (before, after) == (["<s>", "the"], ["y"])


def slowly(tokenizer: Any, pair: Pair, context: int) -> list[int]:
    """What a model is given of one pair, and the last token."""
    ids = [BEGIN, *tokenizer("".join(pair), add_special_tokens=False)["input_ids"]]
    while len(ids) - 1 > context:
        ids = ids[1:]
    return ids


def test_what_is_too_long_loses_the_beginning_of_its_context() -> None:
    tokenizer = tiny_tokenizer()
    pairs = [("some longer question:", " yes"), ("q:", " no")]
    encoded = encode_pairs(tokenizer, pairs, context=8)
    assert encoded.cut == 1
    for row, pair in enumerate(pairs):
        length = encoded.sequences.lengths[row]
        assert encoded.sequences.ids[row, :length].tolist() == slowly(tokenizer, pair, 8)
    assert encoded.sequences.lengths[0] == 9, "the last token is scored, and never looked at"
    assert parts(encoded, tokenizer)[0][1] == [" ", "y", "es"]


@pytest.mark.parametrize("beginning", [True, False])
def test_no_context(beginning: bool) -> None:
    tokenizer = tiny_tokenizer()
    if not beginning:
        tokenizer.bos_token = None
    ((first, *rest),) = encode_pairs(tokenizer, [("", " ab")]).sequences.ids.tolist()
    assert first == (BEGIN if beginning else END)
    assert tokenizer.convert_ids_to_tokens(rest) == [" ", "a", "b"]
    if not beginning:
        assert encode_pairs(tokenizer, [("a", " b")]).sequences.ids.shape == (1, 3), "no token is put first"


def test_no_pairs() -> None:
    encoded = encode_pairs(tiny_tokenizer(), [])
    assert encoded.sequences.ids.shape == (0, 0)
    assert encoded.sequences.ids.dtype == np.int64


def test_what_cannot_be_asked() -> None:
    tokenizer = tiny_tokenizer()
    with pytest.raises(DataError, match=r"the answer '' has no token of its own behind its question; give another"):
        encode_pairs(tokenizer, [("a", "")])
    with pytest.raises(
        DataError, match=r"the answer ' yes or no' has 8 tokens, and the model can look at 4; leave its"
    ):
        encode_pairs(tokenizer, [("a", " yes or no")], context=4)
    tokenizer.bos_token = tokenizer.eos_token = None
    with pytest.raises(DataError, match="an empty prompt needs a token to begin with, and the tokenizer has none"):
        encode_pairs(tokenizer, [("", " a")])
