"""Networks of members, and their two executions: one after another, or those of one architecture as one program.

Both give what the networks give, logits [sample, class] or other outputs, member by member. Their last bits may differ.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from lrensemble.errors import DataError, ExportError
from lrensemble.export.description import Description, Part
from lrensemble.networks import build
from lrensemble.targets.heads import Head

TOLERANCE = 1e-4
"""Largest accepted difference between the outputs of the two, relative to max(1, largest output)."""

MEASURED_ROWS = 128
"""Rows of the batch on which the two are timed."""

REPEATS = 5


def network_of(part: Part, description: Description, state: Mapping[str, Tensor], content: bytes | None) -> nn.Module:
    """The network of a part, from prepared inputs to outputs that its head takes.

    Args:
        part: the member.
        description: of the ensemble.
        state: parameters and buffers by name.
        content: content of its file, where another library runs it.

    Raises:
        SpecError: a model that is unknown here, or cannot be imported.
        ExportError: weights that are not those of the model, or content that cannot be read.
    """
    outputs, shape = description.target.head(part.form).outputs, description.inputs.shape
    try:
        return build(part.network, shape, outputs, inputs=part.inputs, weights=state, content=content)
    except DataError as error:
        raise ExportError(f"member {part.id} ({part.name}): {error}") from None


def as_tokens(members: Sequence[nn.Module], drawn: Tensor) -> Tensor:
    """Random inputs as members can take them: whole numbers below the size of a vocabulary, where one has such."""
    sizes = [size for member in members if isinstance(size := getattr(member, "vocabulary", None), int)]
    return (100 * drawn.abs()).floor() % min(sizes) if sizes else drawn


def run_each(members: Sequence[nn.Module], inputs: Tensor) -> list[Tensor]:
    """Outputs [sample, output] of each member for inputs [sample, …], one member after another."""
    return [_floating(member(inputs)) for member in members]


def _floating(outputs: Tensor) -> Tensor:
    """Outputs in float32, or in float64 where a network gives them so: large values lie close together."""
    return outputs if outputs.dtype == torch.float64 else outputs.float()


def run_batched(members: Sequence[nn.Module], groups: Sequence[Sequence[int]], inputs: Tensor) -> list[Tensor]:
    """Outputs [sample, output] of each member for inputs [sample, …], each group of members as one program.

    Parameters are stacked at every call, which costs little beside the work and never leaves a stale copy behind.

    Args:
        members: the networks.
        groups: positions of members of one architecture; every member in one group.
        inputs: normalised.
    """
    outputs: dict[int, Tensor] = {}
    for group in groups:
        base = members[group[0]]
        parameters, buffers = stack_module_state([members[index] for index in group])

        def call(own: dict[str, Tensor], state: dict[str, Tensor], base: nn.Module = base) -> Tensor:
            return cast(Tensor, functional_call(base, (own, state), (inputs,)))

        outputs |= dict(zip(group, vmap(call)(parameters, buffers).float(), strict=True))
    return [outputs[index] for index in range(len(members))]


def side_by_side(heads: Sequence[Head], outputs: Sequence[Tensor]) -> Tensor:
    """What a consensus is of [member, sample, column], for the outputs [sample, output] of each member.

    Values beside distributions are served as values.
    """
    said = [head.dense(own) for head, own in zip(heads, outputs, strict=True)]
    width = min(own.shape[-1] for own in said)
    return torch.stack([own[:, :width] for own in said])


def groups_of(parts: Sequence[Part]) -> list[list[int]]:
    """Positions of members that share an architecture, its inputs and outputs, in the order of their first.

    A network that another library runs is alone.
    """
    found: dict[tuple[object, ...], list[int]] = {}
    for index, part in enumerate(parts):
        found.setdefault((str(part.model), part.form, part.file, part.gives, part.inputs), []).append(index)
    return list(found.values())


@torch.no_grad()
def batched_is_faster(
    members: Sequence[nn.Module], groups: Sequence[Sequence[int]], shape: Sequence[int], device: torch.device
) -> bool:
    """Whether the batched program is faster on random inputs, by the median of a few runs, and gives equal outputs.

    False for a network that cannot be batched, such as one whose path depends on its data.

    Args:
        members: the networks.
        groups: positions of members of one architecture.
        shape: of one input.
        device: device of the networks.
    """
    if all(len(group) == 1 for group in groups):
        return False
    drawn = torch.randn(MEASURED_ROWS, *shape, generator=torch.Generator().manual_seed(0)).to(device)
    inputs = as_tokens(members, drawn)
    each = run_each(members, inputs)
    try:
        batched = run_batched(members, groups, inputs)
    except Exception:  # whatever a user's network raises under vmap, it runs without
        return False
    pairs = zip(batched, each, strict=True)
    if any(float((one - two).abs().max()) > TOLERANCE * max(1.0, float(two.abs().max())) for one, two in pairs):
        return False
    return _seconds(lambda: run_batched(members, groups, inputs)) < _seconds(lambda: run_each(members, inputs))


def _seconds(run: Callable[[], list[Tensor]]) -> float:
    """Median seconds of a run, until the device has finished."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()[-1].sum().item()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
