"""What a tool left of a trained model, and the registry of the tools that are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from lrensemble.config import Gives, Inputs, Network
from lrensemble.registry import Call, Registry
from lrensemble.spec import Spec
from lrensemble.targets import Form, Target


@dataclass(frozen=True)
class Asked:
    """What is known of the models beside what the tool left: said by the user, or by the pool."""

    inputs: Inputs
    """Shape and type of one raw input, and how it is normalised; mean 0 and deviation 1 where it is not."""
    target: Target
    """What the truth of a row is."""
    normalised: bool = False
    """Whether the user says how they are normalised, rather than the pool or nobody."""
    name: str | None = None
    """Name of a single model; the tool's own unless given."""
    builder: Spec | None = None
    """`package.module:function` of (shape, outputs, …) or a registered model: builds a network of torch anew."""
    gives: Gives | None = None
    """What networks give for each row, where it is not clear."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is known of their training."""

    @property
    def of_values(self) -> bool:
        """Whether rows have values, and no classes."""
        return not self.target.has_labels

    def completed(self, found: Found) -> Found:
        """A model with what the user says of its training."""
        return replace(found, facts={**found.facts, **self.facts})


@dataclass(frozen=True)
class Found:
    """One trained model, ready to become a member."""

    name: str
    network: Network
    """How it is run again."""
    content: bytes | None = None
    """Content of the network's file, where another library runs it."""
    weights: Mapping[str, Tensor] | None = None
    """Parameters and buffers by name, of a network of torch."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the tool says of its training, ready for JSON: hyper-parameters, version, …"""
    logged: Mapping[str, float] = field(default_factory=dict)
    """Metrics on the validation rows by the tool's own names."""
    history: Sequence[Mapping[str, object]] = ()
    """One flat record for each epoch or report."""
    own: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    """From raw inputs to what the model itself gives in its tool, to compare with; None where it is not at hand."""
    classes: Sequence[str] | None = None
    """Names of the columns that it gives, where the tool knows them."""
    form: Form | None = None
    """Form in which it speaks; that of the target's networks unless given."""
    inputs: Inputs | None = None
    """Inputs where the tool knows how they are normalised; as asked unless given."""
    seconds: float | None = None
    """Seconds of training."""


@dataclass(frozen=True)
class AdopterFacts:
    """An adopter says what it takes."""

    takes: Callable[[Any], bool]
    """Whether an object, or a path, is of its tool; it imports nothing and reads little."""
    where: str
    """What stands after `KIND:` on the command line."""
    module: str = ""
    """Module of the tool that it needs, for a message where it is not installed."""


ADOPTERS: Registry[Sequence[Found], AdopterFacts] = Registry(
    "adopter", AdopterFacts, title="Adopters", call=Call(("given", "asked"))
)
"""Functions of what a tool left – an object, or the path of a file or folder – and of `Asked`, that return the models
in it. What they take beside that is said by keywords: `adopt(pool, study, store=…)`, or `--option store=…`."""
