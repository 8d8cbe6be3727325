"""A team with members of other tools as one graph of ONNX: what torch can trace before and after them, and their own.

```
inputs ─ before ─┬─ outputs of members of torch ──────────┬─ after ─ probabilities, label
                 └─ what others take ─ graph of a member ─┘
```
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from lrensemble.consensus import combine
from lrensemble.errors import ExportError
from lrensemble.export.description import Part
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.graphs import Graph, joined
from lrensemble.export.programs import side_by_side
from lrensemble.export.trace import answers, example_inputs, output_names
from lrensemble.export.traced import traced
from lrensemble.networks import Foreign, as_outputs, normaliser
from lrensemble.networks.onnx import Ends, ends_of, session_of


def has_foreign(ensemble: Ensemble) -> bool:
    """Whether another library runs one of the members."""
    return any(isinstance(member, Foreign) for member in ensemble.members)


def require_graphs(ensemble: Ensemble) -> None:
    """Refuse members that are no graphs and cannot be traced.

    Raises:
        ExportError: the first such member is named.
    """
    for part, member in zip(ensemble.description.parts, ensemble.members, strict=True):
        if isinstance(member, Foreign) and not member.facts.graph:
            raise ExportError(
                f"member {part.id} ({part.name}) is a network of {member.kind.name}, which has no counterpart in ONNX; "
                "use the bundle, or choose a team without it"
            )


def require_torch(ensemble: Ensemble) -> None:
    """Refuse members that another library runs, where torch alone has to run them all.

    Raises:
        ExportError: the first such member is named.
    """
    for part, member in zip(ensemble.description.parts, ensemble.members, strict=True):
        if isinstance(member, Foreign):
            raise ExportError(
                f"member {part.id} ({part.name}) is a network of {member.kind.name}, which torch cannot run; use the "
                "bundle, or onnx"
            )


class Before(nn.Module):
    """Raw inputs [sample, *shape] to what each member gives, or what the graph of a member takes."""

    def __init__(self, ensemble: Ensemble) -> None:
        """Look into the members.

        Args:
            ensemble: whose members are all of torch, or graphs.
        """
        super().__init__()
        self.ensemble = ensemble
        self.ends: list[Ends | None] = [_ends_of(member) for member in ensemble.members]
        self.normalisers = [
            normaliser(part.inputs, keep=True) if part.inputs is not None else _as_it_is
            for part in ensemble.description.parts
        ]

    @property
    def dtype(self) -> torch.dtype:
        """Type of the inputs: float64 where the data have it and a graph takes it."""
        wide = any(ends is not None and ends.dtype == np.float64 for ends in self.ends)
        kind = self.ensemble.description.inputs.dtype
        return torch.uint8 if kind == "uint8" else torch.float64 if kind == "float64" and wide else torch.float32

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """One tensor for each member."""
        prepared = self.ensemble.prepare(inputs)
        return tuple(self._of(place, prepared) for place in range(len(self.ends)))

    def _of(self, place: int, prepared: Tensor) -> Tensor:
        member, ends = self.ensemble.members[place], self.ends[place]
        if ends is None:
            return cast(Tensor, member(prepared)).float()
        given = cast(Foreign, member).given(self.normalisers[place](prepared))
        return (given.flatten(1) if ends.flat else given).to(_torch_type(ends.dtype))


class After(nn.Module):
    """What members of torch and graphs gave to what the ensemble says."""

    def __init__(self, ensemble: Ensemble) -> None:
        super().__init__()
        self.description, self.heads = ensemble.description, ensemble.heads
        self.foreign = [isinstance(member, Foreign) for member in ensemble.members]

    def forward(self, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Outputs, by `output_names`, of one tensor for each member."""
        outputs = [self._outputs(place, own) for place, own in enumerate(given)]
        said = combine(self.description.consensus, side_by_side(self.heads, outputs), self.description.weights)
        return answers(said, self.description)

    def _outputs(self, place: int, given: Tensor) -> Tensor:
        """Outputs [sample, output] of a member that its head takes."""
        if not self.foreign[place]:
            return given
        columns = given.reshape(given.shape[0], -1)
        outputs = as_outputs(columns, self.description.parts[place].gives, self.heads[place].outputs)
        return outputs if outputs.dtype == torch.float64 else outputs.float()


def mixed_graph(ensemble: Ensemble, kind: torch.dtype | None = None) -> bytes:
    """One graph of ONNX of the ensemble.

    Args:
        ensemble: whose members are of torch, or graphs.
        kind: type of the inputs; that of the data unless given.

    Raises:
        ExportError: a member that has no graph, or graphs that cannot be joined.
    """
    require_graphs(ensemble)
    before, after, finals = Before(ensemble).eval(), After(ensemble).eval(), output_names(ensemble)
    inputs = example_inputs(ensemble, 5).to(kind or before.dtype)
    places = range(len(ensemble.members))
    said = [f"said.{place}" for place in places]
    given = [said[place] if before.ends[place] is None else f"given.{place}" for place in places]
    first = traced(before, (inputs,), ["inputs"], given)
    graphs = [Graph("what goes before", first, _same("inputs", *given))]
    found = []
    with torch.no_grad():
        values = before(inputs)
    for place, (part, ends) in enumerate(zip(ensemble.description.parts, before.ends, strict=True)):
        found.append(values[place])
        if ends is not None:
            content = cast(Foreign, ensemble.members[place]).content
            graphs.append(_tied(part, content, ends, given[place], said[place]))
            output = session_of(content).run([ends.output], {ends.input: values[place].numpy()})[0]
            found[place] = torch.from_numpy(output)
    last = traced(after, (tuple(found),), said, finals)
    graphs.append(Graph("what goes after", last, _same(*said, *finals)))
    return joined(graphs, ["inputs"], finals)


def _tied(part: Part, content: bytes, ends: Ends, given: str, said: str) -> Graph:
    """The graph of a member between what it is given and what it says."""
    return Graph(f"member {part.id} ({part.name})", content, {ends.input: given, ends.output: said})


def _ends_of(member: nn.Module) -> Ends | None:
    """Ends of a member's graph; None of a member of torch."""
    if not isinstance(member, Foreign):
        return None
    return ends_of(member.content, *(_text(member.kind.arguments.get(name)) for name in ("input", "output")))


def _text(given: object) -> str | None:
    return None if given is None else str(given)


def _torch_type(dtype: np.dtype[Any]) -> torch.dtype:
    """The same type in torch."""
    return torch.from_numpy(np.zeros(1, dtype)).dtype


def _as_it_is(given: Tensor) -> Tensor:
    return given


def _same(*names: str) -> dict[str, str]:
    """Names that stay."""
    return {name: name for name in names}
