"""`[[train.group]]`: parameters of the network that have a rate of their own, or are frozen."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from lrensemble.config.records import Record


def _pattern(given: str) -> str:
    try:
        re.compile(given)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return given


class ParameterGroup(Record):
    """Parameters of the network that have a rate of their own, as `[[train.group]]`."""

    parameters: Annotated[str, AfterValidator(_pattern)]
    """Regular expression that is found in their names, as `^head` or `bias$`; the first group that fits counts."""
    rate: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Factor on the policy's rate; 0 freezes them."""
