"""Examples as sequences: the tokens of a slow definition, and a cut that loses what it says that it loses."""

from typing import Any

import numpy as np
import pytest
from tests.language.models import BEGIN, END, PAD, tiny_tokenizer

from lrensemble.errors import DataError
from lrensemble.language.encoding import Encoded, TooLong, encode
from lrensemble.language.examples import Example, Turn

TOKENIZER: Any = tiny_tokenizer()


def ids(text: str) -> list[int]:
    return list(TOKENIZER(text, add_special_tokens=False)["input_ids"])


def asked(prompt: str, answer: str) -> Example:
    return Example((Turn("user", prompt), Turn("assistant", answer)))


def tokens(found: Encoded, row: int) -> list[int]:
    return list(found.sequences.ids[row, : found.sequences.lengths[row]].tolist())


def learnt(found: Encoded, row: int) -> list[int]:
    return list(found.sequences.ids[row][found.sequences.answer[row]].tolist())


TEN = asked("0123456789", "abc")
TALK = Example((Turn("user", "12"), Turn("assistant", "ab"), Turn("user", "345"), Turn("assistant", "c")))


def test_the_answer_alone_is_learnt_with_its_end() -> None:
    found = encode([TEN, asked("1", "the end")], TOKENIZER, "none", length=32)
    assert tokens(found, 0) == [BEGIN, *ids("0123456789"), *ids("abc"), END]
    assert learnt(found, 0) == [*ids("abc"), END]
    assert tokens(found, 1) == [BEGIN, *ids("1"), *ids("the end"), END]
    assert (found.sequences.ids[1, found.sequences.lengths[1] :] == PAD).all()
    assert found.rows.tolist() == [0, 1]
    assert str(found) == "of 2 examples, all are whole"


def test_a_prompt_has_the_tokens_that_it_has_alone() -> None:
    """Together "t" and "h" are one token; a model that is asked "t" sees the token of "t"."""
    assert len(ids("th")) == 1
    found = encode([asked("t", "h")], TOKENIZER, "none", length=32)
    assert tokens(found, 0) == [BEGIN, *ids("t"), *ids("h"), END]


def test_every_answer_of_a_talk_is_learnt() -> None:
    found = encode([TALK], TOKENIZER, "none", length=32)
    assert tokens(found, 0) == [BEGIN, *ids("12"), *ids("ab"), END, *ids("345"), *ids("c"), END]
    assert learnt(found, 0) == [*ids("ab"), END, *ids("c"), END]


def test_a_chat_template_writes_its_own_ends() -> None:
    chatty = tiny_tokenizer()
    chatty.chat_template = (
        "<s>{% for m in messages %}{% if m.role == 'user' %}#{{ m.content }}!{% else %}{{ m.content }}</s>{% endif %}"
        "{% endfor %}"
    )
    found = encode([asked("12", "ab")], chatty, "chat", length=32)
    assert tokens(found, 0) == [BEGIN, *ids("#12!"), *ids("ab"), END]
    assert learnt(found, 0) == [*ids("ab"), END]


@pytest.mark.parametrize(
    ("length", "least", "kept", "cut"),
    [
        (15, 4, [BEGIN, *ids("0123456789abc"), END], (0, 0)),
        (14, 4, [BEGIN, *ids("123456789abc"), END], (1, 0)),
        (8, 4, [BEGIN, *ids("789abc"), END], (1, 0)),
        (7, 4, [BEGIN, *ids("789abc")], (1, 1)),
        (5, 4, [BEGIN, *ids("789a")], (1, 1)),
        (5, 1, [BEGIN, *ids("abc"), END], (1, 0)),
        (2, 1, [BEGIN, *ids("a")], (1, 1)),
        (12, 11, [BEGIN, *ids("0123456789a")], (0, 1)),
    ],
)
def test_a_prompt_is_cut_from_the_left_and_then_an_answer_from_the_right(
    length: int, least: int, kept: list[int], cut: tuple[int, int]
) -> None:
    found = encode([TEN], TOKENIZER, "none", length=length, least_prompt=least)
    assert tokens(found, 0) == kept
    assert (found.prompts_cut, found.answers_cut) == cut
    assert learnt(found, 0) == [each for each in kept if each in (*ids("abc"), END)]


def test_a_talk_is_cut_before_its_first_answer_and_ends_with_one() -> None:
    found = encode([TALK], TOKENIZER, "none", length=9, least_prompt=2)
    assert tokens(found, 0) == [BEGIN, *ids("2"), *ids("ab"), END, *ids("345"), *ids("c")]
    found = encode([TALK], TOKENIZER, "none", length=8, least_prompt=2)
    assert tokens(found, 0) == [BEGIN, *ids("2"), *ids("ab"), END]
    assert (found.prompts_cut, found.answers_cut) == (1, 1)


def test_without_tokens_to_begin_and_end_the_first_token_is_no_answer() -> None:
    bare = tiny_tokenizer()
    bare.bos_token = bare.eos_token = None
    found = encode([asked("0123456789", "abc"), asked("", "abc")], bare, "none", length=6, least_prompt=2)
    assert tokens(found, 0) == ids("789abc")
    assert found.sequences.answer[1].tolist() == [False, True, True, False, False, False]


def test_what_was_cut_and_left_out_is_said_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    examples = [asked("12", "ab"), TEN, asked("12", ""), asked("12", "ab" * 9)]
    found = encode(examples, TOKENIZER, "none", length=8, least_prompt=2, source="set")
    assert found.rows.tolist() == [0, 1, 3]
    assert caplog.messages == [
        "set, 8 tokens at most: of 4 examples, 2 prompts were cut from the left; 1 answers from the right; 1 examples "
        "are left out without a token of an answer"
    ]
    found = encode(examples, TOKENIZER, "none", length=8, least_prompt=2, too_long="leave out")
    assert found.rows.tolist() == [0]
    assert (found.too_long, found.no_answer, found.prompts_cut, found.answers_cut) == (2, 1, 0, 0)
    assert len(found.sequences) == 1


@pytest.mark.parametrize(
    ("examples", "too_long", "message"),
    [
        ([asked("1", "a"), TEN], "refuse", r"set: 1 of 2 examples are longer than 8 tokens \(example 1 has 15\); give"),
        ([asked("1", "")], "cut", "set: no token of an answer is left of 1 examples: 1 have none, and 0 are longer"),
        ([TEN, asked("1", "")], "leave out", "set: no token of an answer is left of 2 examples: 1 have none, and 1 ar"),
        ([TALK], "cut", "set, example 0: the template alpaca takes one instruction"),
    ],
)
def test_what_cannot_be_learnt_is_refused(examples: list[Example], too_long: TooLong, message: str) -> None:
    template = "alpaca" if TALK in examples else "none"
    with pytest.raises(DataError, match=message):
        encode(examples, TOKENIZER, template, length=8, least_prompt=2, too_long=too_long, source="set")


def test_lengths_and_padding_are_checked() -> None:
    for length, least in ((16, 16), (8, 0)):
        with pytest.raises(DataError, match=rf"least_prompt = {least} must be at least 1 and below length = {length}"):
            encode([TEN], TOKENIZER, length=length, least_prompt=least)
    with pytest.raises(DataError, match="the tokenizer has no token for padding; set pad_token, or load it with load_"):
        encode([TEN], tiny_tokenizer(padding=False), length=32)


def test_the_sequences_are_those_of_a_slow_definition() -> None:
    generator = np.random.default_rng(0)
    letters = np.array(list("the anding 12"))
    examples = [
        asked("".join(generator.choice(letters, generator.integers(1, 40))), "".join(generator.choice(letters, size)))
        for size in generator.integers(1, 40, 50)
    ]
    found = encode(examples, TOKENIZER, "none", length=24, least_prompt=6)
    for row, example in enumerate(examples):
        prompt, answer = ids(example.prompt), [*ids(example.answer), END]
        while 1 + len(prompt) + len(answer) > 24 and 1 + len(prompt) > 6:
            del prompt[0]
        while 1 + len(prompt) + len(answer) > 24:
            del answer[-1]
        assert tokens(found, row) == [BEGIN, *prompt, *answer]
        assert learnt(found, row) == answer
