"""Texts with what follows them, as tokens: the text before, and the text whose likelihood is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lrensemble.errors import DataError
from lrensemble.language.sequences import Sequences, padded

Pair = tuple[str, str]
"""A context, and what follows it."""


@dataclass(frozen=True)
class EncodedPairs:
    """Pairs as sequences, whose answer tokens are those of what follows."""

    sequences: Sequences
    cut: int
    """Pairs whose context was too long and was cut from the left."""


def encode_pairs(tokenizer: Any, pairs: Sequence[Pair], context: int | None = None) -> EncodedPairs:
    """Tokens of pairs, as lm-evaluation-harness has them.

    The token that texts begin with stands first, where the tokenizer has one, as in training. Both texts are encoded
    together, and parted where the context alone would end; blanks at the end of a context belong to what follows. What
    is too long for the model loses the beginning of its context and never a token of what follows.

    Args:
        tokenizer: of `transformers`.
        pairs: contexts and what follows them, `(text, text)`.
        context: tokens that the model can look at; without end unless given.

    Raises:
        DataError: what follows has no token, or more than the model can look at; or there is no context, and the
            tokenizer has no token to begin or end with.
    """
    parted = [_parted(*pair) for pair in pairs]
    whole = _encoded(tokenizer, [before + after for before, after in parted])
    contexts = _encoded(tokenizer, [before for before, _ in parted])
    begin = [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
    tokens, answers, cut = list[list[int]](), list[list[bool]](), 0
    for number, (ids, before) in enumerate(zip(whole, contexts, strict=True)):
        first = begin if begin or before else [end_token(tokenizer)]
        kept, start = _fitting(first + ids, len(first) + len(before), context, f"{parted[number][1]!r}")
        cut += len(kept) < len(first) + len(ids)
        tokens.append(kept)
        answers.append([place >= start for place in range(len(kept))])
    return EncodedPairs(padded(tokens, answers, tokenizer.pad_token_id or 0), cut)


def _parted(before: str, after: str) -> Pair:
    kept = before.rstrip()
    return kept, before[len(kept) :] + after


def _encoded(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    options = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
    return [list(ids) for ids in tokenizer(texts, **options)["input_ids"]] if texts else []


def end_token(tokenizer: Any) -> int:
    """The token that texts end with, which stands before one that has nothing before it.

    Raises:
        DataError: the tokenizer has none.
    """
    if tokenizer.eos_token_id is None:
        raise DataError("an empty prompt needs a token to begin with, and the tokenizer has none; give some text")
    return int(tokenizer.eos_token_id)


def _fitting(ids: list[int], start: int, context: int | None, answer: str) -> tuple[list[int], int]:
    """The last tokens that a model can look at, and where the answer begins among them."""
    if start >= len(ids):
        raise DataError(f"the answer {answer} has no token of its own behind its question; give another text")
    if context is None or len(ids) <= context + 1:  # the last token is scored, and never looked at
        return ids, start
    if len(ids) - start > context:
        raise DataError(
            f"the answer {answer} has {len(ids) - start} tokens, and the model can look at {context}; leave its "
            "question out"
        )
    lost = len(ids) - context - 1
    return ids[lost:], start - lost
