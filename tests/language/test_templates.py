"""Templates: the text that a model reads, letter by letter, and which of it is learnt."""

from typing import Any

import pytest
from tests.language.models import tiny_tokenizer

from lrensemble.errors import DataError
from lrensemble.language.examples import Example, Turn
from lrensemble.language.templates import TEMPLATES

ONE = Example((Turn("user", "add", "1, 2"), Turn("assistant", "3")))
BARE = Example((Turn("user", "name a cat"), Turn("assistant", "tom")))
TALK = Example(
    (Turn("system", "be"), Turn("user", "a", "x"), Turn("assistant", "b"), Turn("user", "c"), Turn("assistant", "d"))
)

CHATML = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def with_chat(template: str | None) -> Any:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize("name", TEMPLATES)
def test_an_answer_is_learnt_and_nothing_before_it(name: str) -> None:
    pieces = TEMPLATES.call(TEMPLATES.example(name), BARE, with_chat(CHATML))
    assert [piece.learnt for piece in pieces] == [False, True]
    assert "name a cat" in pieces[0].text
    assert pieces[1].text.startswith("tom")


def test_alpaca_is_stanfords() -> None:
    pieces = TEMPLATES.call("alpaca", ONE, None)
    assert pieces == (
        (
            "Below is an instruction that describes a task, paired with an input that provides further context. Write "
            "a response that appropriately completes the request.\n\n### Instruction:\nadd\n\n### Input:\n1, 2\n\n"
            "### Response:",
            False,
        ),
        ("3", True),
    )
    assert TEMPLATES.call("alpaca", BARE, None)[0].text == (
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
        "### Instruction:\nname a cat\n\n### Response:"
    )
    assert TEMPLATES.call("alpaca(preamble=false)", ONE, None)[0].text == (
        "### Instruction:\nadd\n\n### Input:\n1, 2\n\n### Response:"
    )


def test_braces_in_a_text_are_text() -> None:
    example = Example((Turn("user", "{paired} {0}"), Turn("assistant", "{}")))
    assert "\n{paired} {0}\n" in TEMPLATES.call("alpaca", example, None)[0].text


def test_none_adds_nothing() -> None:
    assert TEMPLATES.call("none", ONE, None) == (("add\n1, 2", False), ("3", True))
    assert [piece.text for piece in TEMPLATES.call("none", TALK, None)] == ["be", "a\nx", "b", "c", "d"]


def test_chat_learns_every_answer_with_its_end() -> None:
    tokenizer = with_chat(CHATML)
    pieces = TEMPLATES.call("chat", TALK, tokenizer)
    assert pieces == (
        ("<system>be</>\n<user>a\nx</>\n<assistant>", False),
        ("b</>\n", True),
        ("<user>c</>\n<assistant>", False),
        ("d</>\n", True),
    )
    messages = [{"role": turn.role, "content": turn.whole} for turn in TALK.turns]
    assert "".join(piece.text for piece in pieces) == tokenizer.apply_chat_template(messages, tokenize=False)


def test_chat_lets_the_system_speak_where_it_is_silent() -> None:
    tokenizer = with_chat(CHATML)
    assert TEMPLATES.call("chat(system='hi')", BARE, tokenizer)[0].text.startswith("<system>hi</>\n<user>name")
    assert TEMPLATES.call("chat(system='hi')", TALK, tokenizer) == TEMPLATES.call("chat", TALK, tokenizer)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="alpaca takes one instruction and one answer, and this has system, user, assi"):
        TEMPLATES.call("alpaca", TALK, None)
    with pytest.raises(DataError, match="the tokenizer has no chat template; use the template alpaca, or none"):
        TEMPLATES.call("chat", BARE, with_chat(None))
    with pytest.raises(DataError, match="cannot write these turns: no system here"):
        TEMPLATES.call("chat(system='x')", BARE, with_chat("{{ raise_exception('no system here') }}"))
    forgetful = "{% for m in messages[-2:] %}<{{ m.content }}>{% endfor %}"
    with pytest.raises(DataError, match="writes a conversation otherwise when it goes on"):
        TEMPLATES.call("chat", TALK, with_chat(forgetful))
