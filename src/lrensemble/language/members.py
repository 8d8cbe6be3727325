"""A language model as a member of a pool: what it says, and the rows that it says it of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.files.claims import claimed
from lrensemble.pool import MemberRecord, Pool, Task
from lrensemble.pool.collect.scores import scores_of
from lrensemble.targets import Predictions, Target

BySplit = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Predicted:
    """What one model says, and the rows that it says it of, by split of a pool."""

    target: Target
    said: Mapping[str, Predictions]
    truth: BySplit
    places: BySplit
    """[row] hash of what the model was asked: members of one pool were asked the same."""
    choices: BySplit = field(default_factory=dict)
    groups: BySplit = field(default_factory=dict)
    weights: BySplit = field(default_factory=dict)
    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cut: int = 0
    """Texts whose beginning was cut, since they were too long for the model."""

    @property
    def attributes(self) -> dict[str, Any]:
        """What is known of the rows beside their truth."""
        return {"choices": self.choices, "groups": self.groups, "weights": self.weights, "ids": self.ids}

    @property
    def scores(self) -> dict[str, float]:
        """Scores on `val`, by metric."""
        return scores_of(self.said["val"], self.target, self.truth["val"], self.weights.get("val"))

    def id_of(self, name: str) -> str:
        """Short hash of a member's name and of what it says: one that is added twice is one member."""
        digest = hashlib.sha256(name.encode())
        for split, said in self.said.items():
            for part, array in said.parts.items():
                digest.update(f"\n{split} {part} {array.dtype} {array.shape}\n".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]


def pool_of(folder: Path | str, predicted: Predicted) -> Pool:
    """The pool of the rows that models are asked, made where there is none.

    Args:
        folder: of the pool.
        predicted: the rows, whether somebody has said something of them or not.

    Raises:
        PoolError: there is one of other rows.
        StorageError: it cannot be written.
    """
    folder = Path(folder)
    task = Task.of(
        folder.resolve().name, predicted.target, rows=predicted.places, labels=predicted.truth, **predicted.attributes
    )
    return Pool.create(folder, task, predicted.truth, **predicted.attributes)


def add_to_pool(
    folder: Path | str,
    name: str,
    predicted: Predicted,
    *,
    parameters: int | None = None,
    seconds: float | None = None,
) -> str:
    """Add what one model says to a pool, which is made where there is none, and return the id of the member.

    A pool of four models, to be chosen from as any other:

    ```python
    asked = read_benchmarks(["arc_easy", "openbookqa"], "data/mcq")
    for name, model in models.items():
        add_to_pool("pool", name, predictions_of(model, tokenizer, asked))
    ```

    Args:
        folder: of the pool.
        name: of the member.
        predicted: what `predictions_of` or `token_predictions_of` gave.
        parameters: what it costs to run: parameters of the model, or of its adapter where members share a base.
        seconds: that its training took.

    Raises:
        PoolError: the pool's members were asked something else.
        PredictionsError: what is said cannot be, as NaN.
        StorageError: the pool cannot be written.
    """
    pool = pool_of(folder, predicted)
    id_, form = predicted.id_of(name), predicted.said["val"].form
    with claimed(pool.folder / "unfinished", "collect") as claim:
        order = 1 + max((member.order for member in pool.members(include_diverged=True)), default=-1)
        record = MemberRecord(
            id=id_,
            order=order,
            name=name,
            form=form,
            scores={"val": predicted.scores},
            parameters=parameters,
            seconds=seconds,
        )
        claim.beat()
        with claim.fenced():
            pool.add(record, predicted.said, within=claim.folder)
    return id_
