"""Tokens that are written become text, piece by piece, until something ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

from lrensemble.errors import ExportError
from lrensemble.export.language.decoding import Decoding

Ended = Literal["end", "stop", "length", "context"]
UNFINISHED = "\ufffd"
"""What a decoder puts where a letter of several bytes is not whole."""


@dataclass(frozen=True)
class Written:
    """One text that was written after a prompt."""

    text: str
    """What was written, without the prompt and without what ended it."""
    tokens: tuple[int, ...]
    """All tokens that were chosen."""
    ended: Ended
    """The token that ends texts, a stop text, as many tokens as were wanted, or as many as the model can look at."""


class Writer:
    """One text under way."""

    def __init__(self, tokenizer: Any, stop: tuple[str, ...], most: int, context_ends: bool) -> None:
        """Begin a text.

        Args:
            tokenizer: of `transformers`.
            stop: texts before which it ends.
            most: tokens that it can have.
            context_ends: whether it is the model that ends it there, and not the user.
        """
        self._tokenizer, self._stop, self._most = tokenizer, stop, most
        self._limit: Ended = "context" if context_ends else "length"
        self._given = 0
        self.tokens: list[int] = []
        self.text = ""
        self.ended: Ended | None = None

    @classmethod
    def after(cls, prompt: int, tokenizer: Any, decoding: Decoding, context: int | None) -> Self:
        """A text after a prompt of so many tokens, for a model that can look at so many.

        Raises:
            ExportError: there is no room for one token.
        """
        room = decoding.max_tokens if context is None else context - prompt + 1
        if room < 1:
            raise ExportError(
                f"a prompt of {prompt} tokens is too long for a model that looks at {context}; shorten it"
            )
        most = min(room, decoding.max_tokens)
        return cls(tokenizer, decoding.stop, most, context_ends=room < decoding.max_tokens)

    def add(self, token: int) -> str:
        """Add a token, and return the piece of text that is now sure; nothing where the text had ended."""
        if self.ended is not None:
            return ""
        self.tokens.append(token)
        if token == self._tokenizer.eos_token_id:
            self.ended = "end"
        else:
            self.text = self._tokenizer.decode(
                self.tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
            places = [place for place in map(self.text.find, self._stop) if place >= 0]
            if places:
                self.text, self.ended = self.text[: min(places)], "stop"
            elif len(self.tokens) >= self._most:
                self.ended = self._limit
        sure = len(self.text) if self.ended else self._sure()
        piece, self._given = self.text[self._given : sure], max(self._given, sure)
        return piece

    @property
    def written(self) -> Written:
        """The text as it stands."""
        return Written(self.text, tuple(self.tokens), self.ended or self._limit)

    def _sure(self) -> int:
        """Letters that no later token changes: not half of a letter, nor what may become a stop text."""
        text = self.text.rstrip(UNFINISHED)
        held = max(
            (
                length
                for stop in self._stop
                for length in range(1, min(len(stop), len(text) + 1))
                if text.endswith(stop[:length])
            ),
            default=0,
        )
        return len(text) - held
