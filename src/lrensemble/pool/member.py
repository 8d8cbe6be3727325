"""One trained model of a pool: its record, and the files beside it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field

from lrensemble.config import Inputs, Network, Record, Scale
from lrensemble.errors import PoolError
from lrensemble.files import storage_errors
from lrensemble.notebook import Shown
from lrensemble.pool.gone import gone_is_no_damage
from lrensemble.pool.made_with import MadeWith, of_environment
from lrensemble.pool.sealed import check_file, damaged, load_tensors, map_arrays
from lrensemble.targets import Form, Labels, Predictions, predictions_of
from lrensemble.text import TextError, from_json

if TYPE_CHECKING:
    import torch

PART = "/"
"""Between the name of a split and that of a part of its predictions, in the names of stored arrays."""

MEMBER = "member.json"
PREDICTIONS, WEIGHTS, HISTORY = "predictions.safetensors", "weights.safetensors", "history.jsonl"
ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
"""Files of an adapter, as `peft` names them."""

ID_PATTERN = r"[0-9a-z][0-9a-z_\-]{0,63}"
MemberId = Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")]
"""Short hash of the recipe, or of a collected member's name and predictions; the name of the member's folder."""
Status = Literal["finished", "diverged", "learned_nothing", "pruned"]
"""Members that diverged, that ended early since they learned nothing, or that a search has pruned, have no predictions
and stay out of selection."""
FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]


def _of_format_1(form: Any) -> Any:
    """The form under the name that it has today."""
    return "labels" if form == "top1" else form


class StepStatistics(Record):
    """Moments of the rate η, the gradient norm |g| and the step length η|g| over the steps of a training run.

    Variances are population variances, ddof = 0. Jin & Wu (arXiv 2410.07564, section 5) predict the spread of the
    parameters from them.
    """

    count: int
    """Number of steps."""
    rate_mean: FiniteFloat
    rate_variance: FiniteFloat
    norm_mean: FiniteFloat
    """Mean L2 norm of the gradient over all parameters, before clipping."""
    norm_variance: FiniteFloat
    length_mean: FiniteFloat
    """Mean of rate × norm."""
    length_variance: FiniteFloat


class MemberRecord(Record):
    """Record of a member when it is added to a pool."""

    model_config = ConfigDict(populate_by_name=True)

    id: MemberId
    order: int
    """Position in the experiment's grid or in the collected file: members are sorted by it, then by id."""
    name: str
    status: Status = "finished"
    form: Annotated[Form, BeforeValidator(_of_format_1)] = Field(
        default="log_probs", validation_alias="kind", serialization_alias="kind"
    )
    """Form of its predictions; files have it under its first name, `kind`."""
    recipe: dict[str, Any] | None = None
    """`Recipe` as JSON; None for a member that was trained elsewhere."""
    scores: dict[str, dict[str, FiniteFloat]] = Field(default={})
    """Score by split, then by metric: `{"val": {"accuracy": 0.97}}`."""
    seconds: FiniteFloat | None = None
    """Wall-clock seconds of training."""
    parameters: int | None = None
    samples: int | None = None
    """Number of training rows seen, repeats counted."""
    steps: StepStatistics | None = None
    """Statistics of its training steps; None for a member that was trained elsewhere."""
    inputs: Inputs | None = None
    """Inputs that it predicts from; None for a member that was trained elsewhere."""
    scale: Scale | None = None
    """Units of the values that its network's outputs stand for; None where it has none, as with classes."""
    network: Network | None = None
    """How it is run again, where that is no model of a recipe: members that were adopted have one."""
    facts: dict[str, Any] = Field(default={})
    """What is known of a member that was trained elsewhere, ready for JSON: hyper-parameters, tool, its own metrics."""
    adapter: dict[str, Any] | None = None
    """What `peft` writes as `adapter_config.json` beside the weights of an adapter; None where they are a network's."""
    made_with: Annotated[MadeWith | None, BeforeValidator(of_environment)] = Field(
        default=None, validation_alias=AliasChoices("made_with", "environment")
    )
    """What decides its bits beside the recipe, `environment` in files of earlier versions; None for a member that was
    trained elsewhere."""


class Failure(Record):
    """A run that ended in an error; it is tried again by the next sweep."""

    id: MemberId
    name: str
    recipe: dict[str, Any] | None = None
    traceback: str


class Member(Shown, MemberRecord):
    """A member of a pool on disk; made by `Pool.members`."""

    task: dict[str, str]
    """Hashes that it must share with its pool (`Task.hashes`)."""
    files: dict[str, str]
    """SHA-256 of each file beside `member.json`."""
    folder: Path = Field(default=Path(), exclude=True)

    def _headline(self) -> str:
        scores = ", ".join(f"{name} {value:.4g}" for name, value in list(self.scores.get("val", {}).items())[:3])
        return f"{self.name} ({self.id}), {self.status}{f', val {scores}' if scores else ''}"

    def _table(self) -> list[dict[str, Any]]:
        """One row for each line of its history; its scores where there is none."""
        return self.history() or [{"split": split, **scores} for split, scores in self.scores.items()]

    def record(self) -> dict[str, Any]:
        """`member.json` without format and checksum, ready for JSON."""
        return self.model_dump(mode="json", by_alias=True)

    def predictions(self, split: str) -> Predictions:
        """Predictions on a split as they were said, memory-mapped.

        Raises:
            PoolError: no such split, no predictions, a file that is missing or damaged, or the member has gone.
        """
        path = self.file(PREDICTIONS)
        with self._there(PREDICTIONS):
            arrays = map_arrays(path)
        parts = {
            name.removeprefix(split).removeprefix(PART): array
            for name, array in arrays.items()
            if name == split or name.startswith(f"{split}{PART}")
        }
        if "" not in parts:
            known = [name for name in arrays if PART not in name]
            raise PoolError(
                f"member {self.id} ({self.name}) has no predictions on {split!r}; it has {', '.join(known)}"
            )
        if self.form == "labels" and parts[""].ndim == 2:  # the first format kept labels as certain probabilities
            return Labels(parts[""].argmax(axis=1))
        return predictions_of(self.form, parts)

    def weights(self) -> dict[str, torch.Tensor]:
        """The trained parameters and buffers by name, on the CPU; of an adapter those that it adds to its base.

        Raises:
            PoolError: none were kept, the file is missing or damaged, or the member has gone.
            StorageError: it cannot be read.
        """
        path = self.weights_file()
        with self._there(path.name):
            return load_tensors(path)

    def weights_file(self) -> Path:
        """The safetensors file that `weights` reads, for readers of slices.

        Raises:
            PoolError: none was kept, it is missing or damaged, or the member has gone.
        """
        return self.file(self.name_of_weights)

    @property
    def name_of_weights(self) -> str:
        """Name of the file of its trained parameters, whether it was kept or not."""
        return WEIGHTS if self.adapter is None else ADAPTER

    @property
    def has_weights(self) -> bool:
        """Whether trained parameters were kept."""
        return self.name_of_weights in self.files

    @property
    def has_network_file(self) -> bool:
        """Whether it is run by another library, and its file was kept."""
        return self.network is not None and self.network.file in self.files

    def network_file(self) -> bytes:
        """Content of the file that its `network` names.

        Raises:
            PoolError: it has none or none was kept, the file is missing or damaged, or the member has gone.
            StorageError: it cannot be read.
        """
        if self.network is None or self.network.file is None:
            raise PoolError(f"member {self.id} ({self.name}) has no file of a network")
        path = self.file(self.network.file)
        with self._there(path.name), storage_errors("read", path):
            return path.read_bytes()

    def history(self) -> list[dict[str, Any]]:
        """One record for each line of its training; empty where none was kept.

        Raises:
            PoolError: the file is missing or damaged, or the member has gone.
        """
        if HISTORY not in self.files:
            return []
        path = self.file(HISTORY)
        with self._there(HISTORY), storage_errors("read", path):
            lines = path.read_bytes().splitlines()
        try:
            return [from_json(line) for line in lines]
        except TextError as error:
            raise damaged(path, str(error)) from None

    def file(self, name: str) -> Path:
        """The path of one of its files, whose content is proven.

        Raises:
            PoolError: it has none of that name, the file is missing or damaged, or the member has gone.
            StorageError: it cannot be read.
        """
        if name not in self.files:
            raise PoolError(f"member {self.id} ({self.name}, {self.status}) has no {name}")
        with self._there(name):
            check_file(self.folder / name, self.files[name])
        return self.folder / name

    def _there(self, name: str) -> AbstractContextManager[None]:
        return gone_is_no_damage(self.folder / MEMBER, self.name, name)
