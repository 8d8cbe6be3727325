"""What a user asks becomes the text that the members were asked in when they were trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lrensemble.errors import ExportError
from lrensemble.language.examples import Example, Turn
from lrensemble.language.templates import TEMPLATES
from lrensemble.spec import Spec


class Prompts:
    """Prompts for a tokenizer, through a template where there is one.

    A template's pieces before the answer are encoded each by itself, as in training, so that generation begins from the
    very tokens that an answer was learnt after.
    """

    def __init__(self, tokenizer: Any, template: Spec | None) -> None:
        """Take a tokenizer of `transformers`, and the template that its texts were written by.

        Raises:
            SpecError: no such template.
            UntrustedError: a template that is code, and is not trusted.
        """
        self._tokenizer = tokenizer
        self._write = None if template is None else TEMPLATES.bound(template)
        self._begins = template is not None and TEMPLATES.facts(template).own_ends

    def pieces(self, prompt: str, *, input: str = "", raw: bool = False) -> tuple[str, ...]:  # noqa: A002
        """Texts before the answer, to be encoded one by one.

        Args:
            prompt: an instruction; or, where there is no template, the text to go on from.
            input: what the instruction is to be applied to.
            raw: whether the prompt is left as it is.

        Raises:
            ExportError: an empty prompt, one that is no text, or an input where nothing says where it stands.
            DataError: a chat template that cannot write it.
        """
        if not prompt.strip():
            raise ExportError("the prompt is empty; give some text to go on from")
        for text in (prompt, input):
            _require_text(text)
        if self._write is None or raw:
            if input:
                why = "the prompt is left as it is" if raw else "this team has no template"
                raise ExportError(f"an input is given, and {why}; write it into the prompt")
            return (prompt,)
        turns = Turn("user", prompt, input), Turn("assistant", ".")
        written = self._write(Example(turns), self._tokenizer)
        learnt = next(place for place, piece in enumerate(written) if piece.learnt)
        return tuple(piece.text for piece in written[:learnt])

    def tokens(self, prompt: str, *, input: str = "", raw: bool = False) -> list[int]:  # noqa: A002
        """Tokens of a prompt, after the token that texts begin with, where there is one and no template writes its own.

        Raises:
            ExportError, DataError: as `pieces` does.
        """
        ids = self._encoded(self.pieces(prompt, input=input, raw=raw))
        begin = self._tokenizer.bos_token_id
        if begin is None or ids[:1] == [begin] or (self._begins and not raw):
            return ids
        return [int(begin), *ids]

    def _encoded(self, pieces: Sequence[str]) -> list[int]:
        encoded = self._tokenizer(list(pieces), add_special_tokens=False, verbose=False)["input_ids"]
        return [int(token) for each in encoded for token in each]


def _require_text(text: str) -> None:
    """Refuse halves of letters, which bytes of another encoding become, and no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        wrong = text[error.start]
        raise ExportError(
            f"the prompt holds {wrong!r} at place {error.start}, which is no letter; give it in UTF-8"
        ) from None
