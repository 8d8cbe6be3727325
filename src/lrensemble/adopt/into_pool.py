"""Adopt trained models: their networks are read again as they will be later, and predict the rows of the pool."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lrensemble.adopt.checks import RequireProbabilities, check_classes, difference_of
from lrensemble.adopt.found import Found
from lrensemble.adopt.logged import differences
from lrensemble.adopt.rows import Rows
from lrensemble.config import Inputs
from lrensemble.errors import AdoptError, DataError, LREnsembleError
from lrensemble.files.claims import claimed
from lrensemble.models.arithmetic import cuda_arithmetic
from lrensemble.networks import build
from lrensemble.notebook import Shown
from lrensemble.pool import MemberRecord, Pool
from lrensemble.pool.collect.scores import scores_of
from lrensemble.registry import reason_of
from lrensemble.targets import Predictions
from lrensemble.targets.heads import Head
from lrensemble.text.counted import counted

logger = logging.getLogger(__name__)

PREDICTION_ROWS = 1024
"""Rows that are predicted at once, as when members are trained here."""

LONGEST = 500
"""Characters of a reason at most: weights that do not fit are many."""


@dataclass(frozen=True)
class AdoptedMember:
    """What became of one model."""

    id: str
    name: str
    new: bool
    """Whether it was added; False where the pool has it already."""
    scores: Mapping[str, float]
    """Scores on `val`."""
    difference: float | None
    """Largest |difference| of a probability or value on `val` from what its own tool gives; None where that is not at
    hand."""
    logged: Mapping[str, tuple[float, float]]
    """What its tool logged, and what it scores here, for metrics that both know and that differ."""


@dataclass(frozen=True, repr=False)
class AdoptResult(Shown, Sequence[AdoptedMember]):
    """Pool that models were added to, and what became of each."""

    pool: Pool
    members: tuple[AdoptedMember, ...]

    def __getitem__(self, place: Any) -> Any:
        return self.members[place]

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[AdoptedMember]:
        return iter(self.members)

    def _headline(self) -> str:
        """Number of members that came, and the pool."""
        new = sum(member.new for member in self.members)
        return f"{counted(new, 'member')} adopted into {self.pool.folder}, {len(self) - new} were there already"

    def _table(self) -> list[dict[str, Any]]:
        """One row for each model."""
        return [
            {
                "id": member.id,
                "member": member.name,
                "what": "adopted" if member.new else "was there already",
                **member.scores,
                "difference": member.difference,
            }
            for member in self.members
        ]


def add_all(rows: Rows, found: Sequence[Found]) -> AdoptResult:
    """Predict the pool's rows by each model and add it; nothing is added unless every model can be.

    Raises:
        AdoptError: a model that cannot be run again, or that does not fit the pool's task.
        StorageError: the pool cannot be written.
    """
    ready = [_Ready.of(rows, one) for one in found]
    with claimed(rows.pool.folder / "unfinished", "adopt") as claim:
        first = 1 + max((member.order for member in rows.pool.members(include_diverged=True)), default=-1)
        members = []
        for place, each in enumerate(ready):
            claim.beat()
            with claim.fenced():
                new = rows.pool.add(
                    each.record.model_copy(update={"order": first + place}),
                    each.said,
                    weights=each.found.weights,
                    history=each.found.history or None,
                    network=each.found.content,
                    within=claim.folder,
                )
            members.append(each.outcome(new))
    return AdoptResult(rows.pool, tuple(members))


def require_fit(rows: Rows, found: Found) -> None:
    """Refuse a model that could not be added: before it is trained, that is, and by its first rows alone.

    Raises:
        AdoptError, DataError, SpecError: it cannot be built again, or does not fit the pool's rows or classes.
    """
    head, network = _network_of(rows, found)
    outputs_of(network, rows.raw["val"][:2], head, found.name)


def _network_of(rows: Rows, found: Found) -> tuple[Head, nn.Module]:
    """What the target makes of its outputs, and the network as it will be read later.

    Raises:
        AdoptError: it does not fit the pool's classes, or its weights do not fit its builder.
    """
    target, inputs = rows.pool.task.target, found.inputs or rows.inputs
    check_classes(found, target)
    head = target.head(found.form)
    try:
        network = build(
            found.network, inputs.shape, head.outputs, inputs=inputs, weights=found.weights, content=found.content
        )
    except DataError as error:
        reason = str(error) if len(str(error)) <= LONGEST else f"{str(error)[:LONGEST]} …"
        raise AdoptError(f"{found.name}: {reason}") from None
    if found.network.gives == "probs":  # before they become logarithms, which would hide that they are none
        network.register_forward_hook(RequireProbabilities(found.name, head.outputs), prepend=True)
    return head, network.eval()


@dataclass(frozen=True, eq=False)
class _Ready:
    """A model with all that its member holds."""

    found: Found
    record: MemberRecord
    said: Mapping[str, Predictions]
    difference: float | None

    @classmethod
    def of(cls, rows: Rows, found: Found) -> _Ready:
        """Build the network as it will be read later, and let it predict.

        Raises:
            AdoptError: it does not fit the pool's rows or classes.
            PredictionsError: it gives NaN.
        """
        target, inputs = rows.pool.task.target, found.inputs or rows.inputs
        head, network = _network_of(rows, found)
        said, difference = {}, None
        for split, raw in rows.raw.items():
            outputs = outputs_of(network, raw, head, found.name)
            said[split] = head.predictions(head.stored(outputs).numpy())
            target.check(said[split], len(raw), f"{found.name}: {split} predictions")
            if split == "val" and found.own is not None:
                difference = difference_of(found, head, raw, outputs)
        scores = scores_of(said["val"], target, rows.pool.truth("val"), rows.pool.weights("val"))
        record = MemberRecord(
            id=_id(found, inputs),
            order=0,
            name=found.name,
            form=head.form,
            scores={"val": scores},
            seconds=found.seconds,
            parameters=sum(each.numel() for each in network.parameters()) or None,
            inputs=inputs,
            network=found.network,
            facts=json.loads(json.dumps(dict(found.facts), default=str)),
        )
        return cls(found, record, said, difference)

    def outcome(self, new: bool) -> AdoptedMember:
        """What is told of it; what its tool logged and does not hold here is said loudly."""
        scores = self.record.scores["val"]
        logged = differences(self.found.logged, scores)
        for name, (theirs, ours) in logged.items():
            logger.warning(
                "%s: its tool logged %s %.4g, and on the pool's val rows it has %.4g: other rows, or another "
                "preprocessing (--mean, --std)",
                self.found.name,
                name,
                theirs,
                ours,
            )
        return AdoptedMember(self.record.id, self.found.name, new, scores, self.difference, logged)


@torch.no_grad()
def outputs_of(network: nn.Module, raw: NDArray[Any], head: Head, name: str) -> Tensor:
    """Outputs [sample, output] on raw inputs [sample, *shape], on the CPU.

    Raises:
        AdoptError: the network gives something else.
    """
    blocks = []
    with cuda_arithmetic(torch.device("cpu")):
        for start in range(0, len(raw), PREDICTION_ROWS):
            given = torch.from_numpy(np.ascontiguousarray(raw[start : start + PREDICTION_ROWS]))
            try:
                found = network(given if given.dtype == torch.float64 else given.float())
            except LREnsembleError:
                raise
            except Exception as error:  # whatever its layers raise
                raise AdoptError(
                    f"{name} does not take inputs of shape {tuple(given.shape[1:])}: {reason_of(error)}"
                ) from error
            if not isinstance(found, Tensor) or found.shape != (len(given), head.outputs):
                shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
                raise AdoptError(
                    f"{name} gives {shape} for {len(given)} rows; the pool's task needs {(len(given), head.outputs)}: "
                    "say what it gives (gives='probs', 'logits', 'values'), or which output"
                )
            blocks.append(found)
    return torch.cat(blocks)


def _id(found: Found, inputs: Inputs) -> str:
    """Short hash of the network and of what goes in: a model that is adopted twice is one member."""
    digest = hashlib.sha256(found.name.encode())
    digest.update(found.network.model_dump_json().encode())
    nameless = inputs.model_copy(update={"features": None})  # names of columns make no other network
    digest.update(nameless.model_dump_json(exclude={"seen"}).encode())
    digest.update(found.content or b"")
    for name, tensor in sorted((found.weights or {}).items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]
