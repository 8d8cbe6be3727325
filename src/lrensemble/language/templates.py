"""Templates: how an example becomes the text that a model reads, and which pieces of it are learnt.

A piece that is learnt is an answer. What a template puts before an answer is what generation begins from, so that a
model is asked as it was trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from lrensemble.errors import DataError
from lrensemble.language.examples import Example, Turn
from lrensemble.registry import Call, Registry


class Piece(NamedTuple):
    """A part of the text of an example."""

    text: str
    learnt: bool


@dataclass(frozen=True)
class TemplateFacts:
    """A template says who writes the tokens that texts begin and end with."""

    own_ends: bool = False
    """Whether it writes them itself; else the tokenizer's are put before the text and after every answer."""


Template = Callable[[Example, Any], tuple[Piece, ...]]

TEMPLATES: Registry[tuple[Piece, ...], TemplateFacts] = Registry(
    "template", TemplateFacts, call=Call(("example", "tokenizer"))
)
"""Functions of an `Example` and the tokenizer that return the pieces of its text, in their order."""

PREAMBLE = (
    "Below is an instruction that describes a task{paired}. "
    "Write a response that appropriately completes the request.\n\n"
)
PAIRED = ", paired with an input that provides further context"


@TEMPLATES.register
def alpaca(example: Example, tokenizer: Any, *, preamble: bool = True) -> tuple[Piece, ...]:  # noqa: ARG001
    """Instruction, input and response under headings, as Stanford Alpaca was trained (Taori et al. 2023).

    Args:
        example: of one instruction and one answer.
        tokenizer: not used.
        preamble: whether the sentence that explains the form stands before it; without, a quarter of the tokens of a
            short example are saved.

    Raises:
        DataError: the example has more turns.
    """
    if [turn.role for turn in example.turns] != ["user", "assistant"]:
        raise DataError(
            f"the template alpaca takes one instruction and one answer, and this has {_roles(example)}; use chat"
        )
    asked, answer = example.turns
    more = f"### Input:\n{asked.input}\n\n" if asked.input else ""
    begin = PREAMBLE.format(paired=PAIRED if asked.input else "") if preamble else ""
    return Piece(f"{begin}### Instruction:\n{asked.text}\n\n{more}### Response:", False), Piece(answer.text, True)


@TEMPLATES.register(own_ends=True)
def chat(example: Example, tokenizer: Any, *, system: str | None = None) -> tuple[Piece, ...]:
    """The tokenizer's own chat template; every answer is learnt, with what the template ends it with.

    Args:
        example: of any turns.
        tokenizer: with a chat template.
        system: what the system says first, in examples where it says nothing.

    Raises:
        DataError: the tokenizer has no chat template, or one that cannot take these turns, or that writes earlier turns
            in another way once there are later ones, so that it cannot be said what an answer is given after.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise DataError("the tokenizer has no chat template; use the template alpaca, or none")
    turns = example.turns
    if system is not None and turns[0].role != "system":
        turns = (Turn("system", system), *turns)
    pieces, written = list[Piece](), ""
    for place in (place for place, turn in enumerate(turns) if turn.role == "assistant"):
        before = _written(tokenizer, turns[:place], asks=True)
        after = _written(tokenizer, turns[: place + 1], asks=False)
        if not before.startswith(written) or not after.startswith(before):
            raise DataError(
                "the chat template of this tokenizer writes a conversation otherwise when it goes on, so that its "
                "answers have no fixed place; give examples of one answer, or use alpaca or none"
            )
        pieces += [Piece(before[len(written) :], False), Piece(after[len(before) :], True)]
        written = after
    return tuple(pieces)


@TEMPLATES.register
def none(example: Example, tokenizer: Any) -> tuple[Piece, ...]:  # noqa: ARG001
    """The texts as they are, one after the other with nothing between: for prompts that hold their own form.

    Args:
        example: of any turns; an input stands on a line of its own after its text.
        tokenizer: not used.
    """
    return tuple(Piece(turn.whole, turn.role == "assistant") for turn in example.turns)


def _written(tokenizer: Any, turns: tuple[Turn, ...], *, asks: bool) -> str:
    messages = [{"role": turn.role, "content": turn.whole} for turn in turns]
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=asks))
    except Exception as error:  # a template is a program, and raises what it likes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"the chat template of this tokenizer cannot write these turns: {reason}") from None


def _roles(example: Example) -> str:
    return ", ".join(turn.role for turn in example.turns)
