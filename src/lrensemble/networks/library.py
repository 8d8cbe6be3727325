"""Libraries of other tools: imported where they are used, or said how to install."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from lrensemble.errors import MissingExtraError


def library(module: str, extra: str, what: str) -> Any:
    """A module of a tool; what it warns of while it is imported is not for the user.

    Args:
        module: its name.
        extra: extra of lrensemble that installs it.
        what: what needs it, for the message.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(module)
    except ImportError:
        name = module.partition(".")[0]
        raise MissingExtraError(f"{what} needs {name}: pip install 'lrensemble[{extra}]'") from None
