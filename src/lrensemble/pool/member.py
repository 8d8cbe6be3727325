"""One trained model of a pool: what is known of it, and the files beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.config import Inputs, Record
from lrensemble.errors import PoolError
from lrensemble.files import storage_errors
from lrensemble.pool.sealed import check_file, damaged, load_tensors, map_arrays
from lrensemble.text import TextError, from_json

if TYPE_CHECKING:
    import torch

PREDICTIONS, WEIGHTS, HISTORY = "predictions.safetensors", "weights.safetensors", "history.jsonl"

ID_PATTERN = r"[0-9a-z][0-9a-z_\-]{0,63}"
MemberId = Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")]
"""A short hash of the recipe, or of a collected member's name and predictions; it names the member's folder."""
Kind = Literal["log_probs", "top1"]
"""What a member can say: probabilities of all classes, or the likeliest class alone."""
Status = Literal["finished", "diverged", "pruned"]
"""Members that diverged, or that a search has pruned, have no predictions and stay out of selection."""
FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]


class StepStatistics(Record):
    """What the steps of a training run were like; variances are those of the population of its steps.

    They are what Jin & Wu (arXiv 2410.07564, section 5) predict the spread of parameters from.
    """

    count: int
    """Steps that the figures are of."""
    rate_mean: FiniteFloat
    rate_variance: FiniteFloat
    norm_mean: FiniteFloat
    """Of the L2 norm of the gradient over all parameters, before clipping."""
    norm_variance: FiniteFloat
    length_mean: FiniteFloat
    """Of rate times norm."""
    length_variance: FiniteFloat


class MemberRecord(Record):
    """What is known of a member when it is added to a pool."""

    id: MemberId
    order: int
    """Its place in the experiment's grid or in the collected file: members are listed by it, then by id."""
    name: str
    status: Status = "finished"
    kind: Kind = "log_probs"
    recipe: dict[str, Any] | None = None
    """`Recipe` as JSON; none for a member that was trained elsewhere."""
    scores: dict[str, dict[str, FiniteFloat]] = Field(default={})
    """By split, then by metric: `{"val": {"accuracy": 0.97}}`."""
    seconds: FiniteFloat | None = None
    """Wall-clock time of its training."""
    parameters: int | None = None
    samples: int | None = None
    """Training rows that it has seen, repeats counted."""
    steps: StepStatistics | None = None
    """Of the steps that it was trained by; none for a member that was trained elsewhere."""
    inputs: Inputs | None = None
    """What it predicts from; none for a member that was trained elsewhere."""
    environment: dict[str, Any] = Field(default={})


class Member(MemberRecord):
    """A member as it lies in a pool: made by `Pool.members`."""

    task: dict[str, str]
    """Hashes of what it must share with its pool (`Task.hashes`)."""
    files: dict[str, str]
    """SHA-256 of each file beside `member.json`."""
    folder: Path = Field(default=Path(), exclude=True)

    def record(self) -> dict[str, Any]:
        """`member.json` without format and checksum, ready for JSON."""
        return self.model_dump(mode="json")

    def predictions(self, split: str) -> NDArray[np.floating]:
        """Log-probabilities [sample, class] on a split, memory-mapped: float32, or float16 where so stored.

        Raises:
            PoolError: no such split, no predictions, or a file that is missing or damaged.
        """
        arrays = map_arrays(self._checked(PREDICTIONS))
        if split not in arrays:
            raise PoolError(
                f"member {self.id} ({self.name}) has no predictions on {split!r}; it has {', '.join(arrays)}"
            )
        return arrays[split]

    def weights(self) -> dict[str, torch.Tensor]:
        """The trained parameters and buffers by name, on the CPU.

        Raises:
            PoolError: none were kept, or the file is missing or damaged.
            StorageError: it cannot be read.
        """
        return load_tensors(self.weights_file())

    def weights_file(self) -> Path:
        """The file of what `weights` gives, in the format of safetensors, for those that read it in parts.

        Raises:
            PoolError: none was kept, or it is missing or damaged.
        """
        return self._checked(WEIGHTS)

    @property
    def has_weights(self) -> bool:
        """Whether trained parameters were kept."""
        return WEIGHTS in self.files

    def history(self) -> list[dict[str, Any]]:
        """One record for each line of its training; empty where none was kept.

        Raises:
            PoolError: the file is missing or damaged.
        """
        if HISTORY not in self.files:
            return []
        path = self._checked(HISTORY)
        with storage_errors("read", path):
            lines = path.read_bytes().splitlines()
        try:
            return [from_json(line) for line in lines]
        except TextError as error:
            raise damaged(path, str(error)) from None

    def _checked(self, name: str) -> Path:
        if name not in self.files:
            raise PoolError(f"member {self.id} ({self.name}, {self.status}) has no {name}")
        check_file(self.folder / name, self.files[name])
        return self.folder / name
