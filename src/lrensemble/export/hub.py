"""Mixin that pushes an ensemble to the Hugging Face hub and loads it from there, where huggingface_hub is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn

from lrensemble.errors import MissingExtraError

if TYPE_CHECKING or find_spec("huggingface_hub"):
    from huggingface_hub import ModelHubMixin
else:

    class ModelHubMixin:
        """Stands in for the mixin, and says what to install."""

        def push_to_hub(self, *_: object, **__: object) -> NoReturn:
            """Refuse.

            Raises:
                MissingExtraError: always.
            """
            raise _missing()

        save_pretrained = push_to_hub

        @classmethod
        def from_pretrained(cls, *_: object, **__: object) -> NoReturn:
            """Refuse.

            Raises:
                MissingExtraError: always.
            """
            raise _missing()


Hub = ModelHubMixin


def _missing() -> MissingExtraError:
    return MissingExtraError("the hub needs huggingface_hub: pip install 'lrensemble[hub]'; save and load need nothing")
