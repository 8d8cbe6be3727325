"""What an ensemble is, without its numbers: the record that a bundle holds beside the weights."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lrensemble.config import Inputs, Record
from lrensemble.config.records import SpecField


class Part(Record):
    """One member of an ensemble."""

    id: str
    """Of the member in its pool."""
    name: str
    model: SpecField
    """What builds its network: a registered name, or `package.module:function`."""


class Stages(Record):
    """A cascade: members are asked in an order until their mean is sure enough."""

    order: Annotated[tuple[int, ...], Field(min_length=2, strict=False)]
    """Positions of the members, each once."""
    thresholds: Annotated[tuple[float, ...], Field(strict=False)]
    """For every stage but the last: a row whose highest probability reaches it is decided there. Above 1: none is."""


class Description(Record):
    """What an ensemble is made of and how its members' predictions become one."""

    task: str
    """For people."""
    classes: Annotated[tuple[str, ...], Field(min_length=2, strict=False)]
    """Names by class index."""
    inputs: Inputs
    parts: Annotated[tuple[Part, ...], Field(min_length=1, strict=False)]
    """In the order of the weights."""
    weights: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False)]
    consensus: SpecField
    """Fitted: what it learned stands in its arguments, a temperature among them."""
    method: str
    """What chose the team."""
    stages: Stages | None = None
    """Where not all members are asked for every row."""
    batched: bool = False
    """Whether members of one architecture run as one program; measured when the ensemble was made, and kept, so that
    the same bundle gives the same bits."""
