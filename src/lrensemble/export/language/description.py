"""Description of a team of adapters without its weights: the record that its folder holds beside them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lrensemble.config import Base, Record
from lrensemble.config.records import SpecField
from lrensemble.export.origin import Origin
from lrensemble.language.shared import Type
from lrensemble.language.speaking import Consensus


class LanguageDescription(Record):
    """Members of a team of adapters, and how they speak as one."""

    base: Base
    names: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Names of the members, in the order of the weights."""
    weights: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False)]
    """Weights of the members; they sum to 1."""
    consensus: Consensus
    method: str
    """Method that chose the team."""
    template: SpecField | None = None
    """How instructions were written when the members were trained; None where prompts are left as they are."""
    dtype: Type = "float32"
    """Type of the base's weights in memory when the members were trained, and in which they speak."""
    origin: Origin | None = None
    """Pool that the team was chosen from; None where it was put together by hand."""
