"""Examples as token sequences whose answers are learnt, cut by a stated rule where they are too long.

Every piece of a text is encoded by itself, so that the tokens before an answer are those that generation begins from.
The token that texts begin with stands first and the one that they end with after every answer, where the tokenizer has
them and the template does not write its own.

What is too long loses the beginning of its prompt (all before the first answer, but for the token that texts begin
with), though never below `least_prompt` tokens; then it loses its end. Tokens after the last answer are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError
from lrensemble.files import warn_once
from lrensemble.language.examples import Example
from lrensemble.language.sequences import Sequences, padded
from lrensemble.language.templates import TEMPLATES, Piece
from lrensemble.spec import SpecLike

LEAST_PROMPT = 16
"""Tokens of a prompt that stay, unless asked otherwise."""

TooLong = Literal["cut", "leave out", "refuse"]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Examples as sequences, and what became of those that did not fit."""

    sequences: Sequences
    rows: NDArray[np.int64]
    """[sequence] the example that each is of."""
    prompts_cut: int
    """Sequences that lost the beginning of their prompt."""
    answers_cut: int
    """Sequences that lost the end of their answers."""
    too_long: int
    """Examples that were left out for their length."""
    no_answer: int
    """Examples that were left out: no token of an answer is left of them."""

    def __str__(self) -> str:
        counts = {
            "prompts were cut from the left": self.prompts_cut,
            "answers from the right": self.answers_cut,
            "examples are left out as too long": self.too_long,
            "examples are left out without a token of an answer": self.no_answer,
        }
        found = "; ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"of {len(self.sequences) + self.too_long + self.no_answer} examples, {found or 'all are whole'}"


def encode(
    examples: Sequence[Example],
    tokenizer: Any,
    template: SpecLike = "alpaca",
    *,
    length: int,
    too_long: TooLong = "cut",
    least_prompt: int = LEAST_PROMPT,
    source: str = "instructions",
) -> Encoded:
    """Sequences of examples, as the rule above has it; what was cut or left out is said in one line.

    Args:
        examples: in the order of the sequences.
        tokenizer: of `transformers`, with a token for padding.
        template: one of `TEMPLATES`.
        length: tokens of a sequence at most; no more than the model can look at.
        too_long: what becomes of longer ones: `cut`, `leave out`, or `refuse` all.
        least_prompt: tokens of a prompt that are kept when it is cut, or all that it has; below `length`.
        source: what the examples are called in messages.

    Raises:
        DataError: no token for padding, a template that does not fit an example, a length with no room for an answer,
            examples that are too long and refused, or no token of an answer in any.
    """
    if tokenizer.pad_token_id is None:
        raise DataError("the tokenizer has no token for padding; set pad_token, or load it with load_base")
    if not 1 <= least_prompt < length:
        raise DataError(f"least_prompt = {least_prompt} must be at least 1 and below length = {length}")
    tokens, answers = _tokens(examples, tokenizer, template, source)
    longer = [row for row, each in enumerate(tokens) if len(each) > length]
    if longer and too_long == "refuse":
        row = max(longer, key=lambda each: len(tokens[each]))
        raise DataError(
            f"{source}: {len(longer)} of {len(examples)} examples are longer than {length} tokens (example {row} has "
            f"{len(tokens[row])}); give a larger length, or have them cut or left out"
        )
    without = {row for row, each in enumerate(answers) if not any(each)}
    out = without | (set(longer) if too_long == "leave out" else set())
    rows = [row for row in range(len(examples)) if row not in out]
    if not rows:
        raise DataError(
            f"{source}: no token of an answer is left of {len(examples)} examples: {len(without)} have none, and "
            f"{len(out - without)} are longer than {length} tokens"
        )
    kept = [_cut(tokens[row], answers[row], length, least_prompt, tokenizer.bos_token_id) for row in rows]
    found = Encoded(
        sequences=padded([ids for ids, *_ in kept], [answer for _, answer, *_ in kept], tokenizer.pad_token_id),
        rows=np.array(rows, dtype=np.int64),
        prompts_cut=sum(left > 0 for *_, left, _ in kept),
        answers_cut=sum(right > 0 for *_, right in kept),
        too_long=len(out - without),
        no_answer=len(without),
    )
    if found.prompts_cut or found.answers_cut or out:
        warn_once(f"{source}, {length} tokens at most: {found}")
    return found


def _tokens(
    examples: Sequence[Example], tokenizer: Any, template: SpecLike, source: str
) -> tuple[list[list[int]], list[list[bool]]]:
    """Tokens of each example, and which of them are of an answer; whole, but for what follows the last answer."""
    write, own_ends = TEMPLATES.bound(template), TEMPLATES.facts(template).own_ends
    pieces = list[tuple[Piece, ...]]()
    for row, example in enumerate(examples):
        try:
            pieces.append(tuple(write(example, tokenizer)))
        except DataError as error:
            raise DataError(f"{source}, example {row}: {error}") from None
    texts = [piece.text for each in pieces for piece in each]
    options = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
    encoded = iter(tokenizer(texts, **options)["input_ids"] if texts else [])
    begin = [] if own_ends or tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
    end = [] if own_ends or tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]
    found, answers = list[list[int]](), list[list[bool]]()
    for each in pieces:
        ids, answer = list(begin), [False] * len(begin)
        for piece in each:
            own = next(encoded)
            own = own + end if piece.learnt and own else own
            ids += own
            answer += [piece.learnt] * len(own)
        answer[:1] = [False] * len(answer[:1])  # nothing stands before the first token
        last = len(answer) - answer[::-1].index(True) if any(answer) else 0
        found.append(ids[:last])
        answers.append(answer[:last])
    return found, answers


def _cut(
    ids: list[int], answer: list[bool], length: int, least_prompt: int, begin: int | None
) -> tuple[list[int], list[bool], int, int]:
    """Tokens and answers that fit, and how many were cut from the left and from the right."""
    fixed = int(bool(ids) and ids[0] == begin and not answer[0])  # the token that texts begin with
    prompt = answer.index(True)
    left = max(0, min(len(ids) - length, prompt - least_prompt))
    ids, answer = ids[:fixed] + ids[fixed + left :], answer[:fixed] + answer[fixed + left :]
    right = max(0, len(ids) - length)
    ids, answer = ids[:length], answer[:length]
    last = len(answer) - answer[::-1].index(True)
    return ids[:last], answer[:last], left, right
