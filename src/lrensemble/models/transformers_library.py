"""Libraries of language models, Hugging Face's and others, imported where they are used and kept quiet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from lrensemble.errors import MissingExtraError


def transformers_with(attribute: str, what: str, extra: str) -> Any:
    """The library `transformers`, one of whose parts is asked for, so that it is sure to be there.

    Args:
        attribute: the part: its modules are imported when they are asked for.
        what: who needs it, for the message: `model 'vit'`.
        extra: the extra that installs it.

    Raises:
        MissingExtraError: it is not installed, or not as a whole.
    """
    return whole_library("transformers", f"{what} needs transformers; pip install 'lrensemble[{extra}]'", attribute)


def whole_library(name: str, missing: str, attribute: str = "") -> Any:
    """A library that is not installed with this one, or is so only in part.

    Args:
        name: of the module.
        missing: how the message begins: who needs it, and how to install it.
        attribute: a part that is asked for, so that it is sure to be there.

    Raises:
        MissingExtraError: it is not installed, or not as a whole.
    """
    try:
        found = import_module(name)
        if attribute:
            getattr(found, attribute)
    except Exception as error:  # whatever an installation that does not fit raises
        reason = " ".join(str(error).split())
        raise MissingExtraError(f"{missing} ({type(error).__name__}: {reason})") from None
    return found


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Silence its reports and progress bars: what matters of them is raised."""
    settings = transformers.utils.logging
    verbosity, bars = settings.get_verbosity(), settings.is_progress_bar_enabled()
    settings.set_verbosity(logging.CRITICAL)
    settings.disable_progress_bar()
    try:
        yield
    finally:
        settings.set_verbosity(verbosity)
        if bars:
            settings.enable_progress_bar()


def first_line(error: Exception) -> str:
    """What such a library says went wrong, without the advice below it."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
