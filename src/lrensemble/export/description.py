"""Description of an ensemble without its weights: the record that a bundle holds beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.config import Gives, Inputs, Network, Record, Scale
from lrensemble.config.records import SpecField
from lrensemble.errors import ConfigError, ExportError
from lrensemble.export.origin import Origin
from lrensemble.targets import Form, OfTarget

if TYPE_CHECKING:
    from lrensemble.targets.heads import Head


class Part(Record):
    """One member of an ensemble."""

    id: str
    """Id of the member in its pool."""
    name: str
    model: SpecField
    """Model that builds its network: a registered name, or `package.module:function`; where there is a file, the kind
    of network that reads it."""
    file: Annotated[str, Field(pattern=r"^network\.[0-9]+\.[a-z0-9]{1,16}$")] | None = None
    """Name of its file in the bundle, where another library runs it."""
    gives: Gives = "logits"
    """What its network gives for each row."""
    inputs: Inputs | None = None
    """Inputs of its own, where members normalise theirs each in its way; the ensemble's are raw then."""
    form: Form = "log_probs"
    """Form in which its network speaks."""
    scale: Scale = Scale()
    """Units of its outputs; none for classes."""
    recipe: dict[str, Any] | None = None
    """`Recipe` that it was trained by, as JSON; None where it was trained elsewhere, or made of several members."""

    @property
    def network(self) -> Network:
        """How it is run."""
        file = None if self.file is None else f"network.{self.file.rpartition('.')[2]}"
        return Network(model=self.model, file=file, gives=self.gives)


class Stages(Record):
    """Stages of a cascade: members are run in an order until the confidence reaches a threshold."""

    order: Annotated[tuple[int, ...], Field(min_length=2, strict=False)]
    """Positions of the members in the order of the stages, each once."""
    thresholds: Annotated[tuple[float, ...], Field(strict=False)]
    """Threshold of every stage but the last: rows whose highest probability reaches it are decided there."""


class Description(OfTarget):
    """Members of an ensemble, and the consensus of their predictions."""

    task: str
    """Name of the task, for people."""
    inputs: Inputs
    parts: Annotated[tuple[Part, ...], Field(min_length=1, strict=False)]
    """Members in the order of the weights."""
    weights: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False)]
    consensus: SpecField
    """Fitted consensus; its arguments hold what it learned, such as a temperature."""
    method: str
    """Method that chose the team."""
    stages: Stages | None = None
    """Stages of a cascade; None where every member is run on every row."""
    batched: bool = False
    """Whether members of one architecture run as one program; measured when the ensemble was made, and kept, so that
    the same bundle gives the same bits."""
    origin: Origin | None = None
    """Pool that the team was chosen from, and what was measured of the team there; None where that is not known."""
    variant: str = "team"
    """Variant of that team, by its name: what was measured of the team is not known of a cheaper variant."""
    figures: dict[str, Any] = Field(default={})
    """Figures of a cheaper variant, ready for JSON: those of a split by the name of the split."""

    def heads(self) -> list[Head]:
        """What the outputs of each member's network are, in the order of the members.

        Raises:
            ExportError: a form in which no network speaks.
        """
        try:
            return [self.target.head(part.form, part.scale) for part in self.parts]
        except ConfigError as error:
            raise ExportError(f"this ensemble cannot be run: {error}") from None

    @property
    def of_values(self) -> bool:
        """Whether values are predicted."""
        return not self.target.has_labels

    @property
    def class_labels(self) -> NDArray[Any]:
        """Names of the classes [class]; integers where they are called 0, 1, ….

        Raises:
            ExportError: values are predicted.
        """
        if self.of_values:
            raise ExportError("this ensemble predicts values and has no classes")
        names = self.target.names
        return np.arange(len(names)) if names == tuple(map(str, range(len(names)))) else np.array(names)

    @property
    def of_distributions(self) -> bool:
        """Whether every member says how sure it is of its values."""
        return all(part.form == "gaussian" for part in self.parts)
