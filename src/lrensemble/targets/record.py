"""What is common to records that are of one target."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import Field, model_validator

from lrensemble.config import Record
from lrensemble.targets.choices import Choices
from lrensemble.targets.classes import Classes
from lrensemble.targets.values import Values

AnyTarget: TypeAlias = Annotated[Classes | Choices | Values, Field(discriminator="kind")]
"""A target in a record, told apart by its `kind`."""

KINDS = tuple(str(each.model_fields["kind"].default) for each in (Classes, Choices, Values))
"""Names of all targets."""


class OfTarget(Record):
    """A record with a target; of the first format it names `classes`, for these were all that it knew."""

    target: AnyTarget
    """What the truth of a row is."""

    @model_validator(mode="before")
    @classmethod
    def _of_format_1(cls, content: Any) -> Any:
        if not isinstance(content, dict) or "classes" not in content or "target" in content:
            return content
        rest = {key: value for key, value in content.items() if key != "classes"}
        return rest | {"target": {"kind": "classes", "names": content["classes"]}}

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the target: of its classes by index, or of its outputs."""
        return self.target.names
