"""The ensemble: members, consensus and preprocessing as one module, from raw inputs to probabilities or values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lrensemble.consensus import combine
from lrensemble.errors import DataError, ExportError
from lrensemble.export.bundle import read_bundle, write_bundle
from lrensemble.export.description import Description
from lrensemble.export.hub import Hub
from lrensemble.export.outside import Outside, outside, warn_or_refuse
from lrensemble.export.programs import batched_is_faster, groups_of, network_of, run_batched, run_each, side_by_side
from lrensemble.export.raw_inputs import PREDICT_BATCH_ROWS, rows_given
from lrensemble.export.stages import run_stages
from lrensemble.models.arithmetic import cuda_arithmetic
from lrensemble.networks import Foreign
from lrensemble.numerics import likeliest
from lrensemble.registry import known_paths_only, require_known_paths


class Ensemble(nn.Module, Hub):
    """Members of a team and the fitted consensus of their predictions, the very function that was scored.

    Inputs are [sample, *shape], uint8 or float, on the scale of the data set (bytes from 0 to 255, say); the ensemble
    normalises them itself. What predicts also scales and cuts images of another size, where training did. Inputs far
    outside of what was trained on are said, or refused with `strict=True`. It only predicts: members stay in evaluation
    mode, their parameters without gradients.

    ```python
    ensemble = Ensemble.load(Path("ensemble"))
    ensemble.predict(images)
    ```
    """

    mean: Tensor
    std: Tensor

    def __init__(self, members: Sequence[nn.Module], description: Description) -> None:
        """Join networks that are built already.

        Args:
            members: networks that give outputs [sample, output], one for each part of the description.
            description: description of the members and their consensus.

        Raises:
            ExportError: not one part and one weight for each member.
        """
        super().__init__()
        if not len(members) == len(description.parts) == len(description.weights):
            raise ExportError(
                f"{len(members)} members, {len(description.parts)} parts and {len(description.weights)} weights; "
                "give one part and one weight for each member"
            )
        self.description = description
        self.heads = description.heads()
        self.members = nn.ModuleList(members)
        axes = (1, -1, *[1] * (len(description.inputs.shape) - 1))
        self.register_buffer("mean", torch.tensor(description.inputs.mean).view(axes), persistent=False)
        self.register_buffer("std", torch.tensor(description.inputs.std).view(axes), persistent=False)
        self.requires_grad_(False)
        self.eval()

    @classmethod
    def build(
        cls,
        description: Description,
        weights: Sequence[Mapping[str, Tensor]],
        networks: Sequence[bytes | None] | None = None,
    ) -> Self:
        """Build the networks that a description names and give them their weights.

        Args:
            description: description with the models to build.
            weights: parameters and buffers by name, for each part; none of one with a file.
            networks: content of the file of each part that has one.

        Raises:
            SpecError: a model that is unknown here, or cannot be imported.
            ExportError: weights that are not those of the model.
        """
        contents = networks or [None] * len(description.parts)
        members = [
            network_of(part, description, state, content)
            for part, state, content in zip(description.parts, weights, contents, strict=True)
        ]
        return cls(members, description)

    @classmethod
    def load(cls, folder: Path | str, *, trust_code: bool = False) -> Self:
        """The ensemble that `save` wrote; its predictions are bit-equal on the same CPU.

        Args:
            folder: folder of the bundle.
            trust_code: whether to import the modules of a model or consensus that is named `package.module:function`,
                and to ask a hub for a checkpoint. Say so only where you know who made the bundle.

        Raises:
            ExportError: no bundle, or a file that is missing, changed or foreign.
            UntrustedError: it names code, or a checkpoint of a hub, that is not trusted.
            SpecError: a model that is unknown here.
            StorageError: a file cannot be read.
        """
        description, weights, networks = read_bundle(Path(folder))
        named = (*(part.model for part in description.parts), description.consensus)
        require_known_paths(str(folder), *named, trust_code=trust_code)
        states = [
            {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}
            for prefix in (f"members.{index}." for index in range(len(description.parts)))
        ]
        with known_paths_only(str(folder), trust_code=trust_code):
            return cls.build(description, states, [networks.get(part.file or "") for part in description.parts])

    def save(self, folder: Path) -> None:
        """Write a bundle that `load` reads: JSON and safetensors, whole or not at all.

        Raises:
            ExportError: there is something in the folder already.
            StorageError: it cannot be written.
        """
        pairs = zip(self.description.parts, self.members, strict=True)
        networks = {part.file: member.content for part, member in pairs if part.file and isinstance(member, Foreign)}
        write_bundle(Path(folder), self.description, self.state_dict(), networks)

    def forward(self, inputs: Tensor) -> Tensor:
        """What the ensemble says of raw inputs [sample, *shape], float64 as it was scored.

        Probabilities [sample, class]; or values [sample, output], in the units of the data; or, of normal
        distributions, means and then variances [sample, 2 · output].

        Raises:
            DataError: inputs of another shape.
        """
        if self.description.stages is not None:
            return self.in_stages(inputs)[0]
        return combine(self.description.consensus, self.said(inputs), self.description.weights)

    def in_stages(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities [sample, class] float64 of a cascade, and the number of members run on each row [sample] int64.

        Raises:
            DataError: inputs of another shape.
            ExportError: this ensemble is no cascade.
        """
        if self.description.stages is None:
            raise ExportError("this ensemble is no cascade; make one with lrensemble.export.cascade")
        return run_stages(list(self.members), self.description, self.prepare(inputs))

    def said(self, inputs: Tensor) -> Tensor:
        """What the consensus is of [member, sample, column], for raw inputs [sample, *shape].

        In float64: rules that compare sums of weights would decide otherwise in float32. Values beside distributions
        are served as values, as they were scored.

        Raises:
            DataError: inputs of another shape.
        """
        return side_by_side(self.heads, self._outputs(inputs))

    def member_log_probs(self, inputs: Tensor) -> Tensor:
        """Log-probabilities [member, sample, class] float32 of raw inputs [sample, *shape].

        Raises:
            DataError: inputs of another shape.
        """
        outputs = self._outputs(inputs)
        return torch.stack([head.stored(own) for head, own in zip(self.heads, outputs, strict=True)])

    def _outputs(self, inputs: Tensor) -> list[Tensor]:
        """Outputs [sample, output] of each member."""
        prepared = self.prepare(inputs)
        if self.description.batched:
            return run_batched(list(self.members), groups_of(self.description.parts), prepared)
        return run_each(list(self.members), prepared)

    def prepare(self, inputs: Tensor) -> Tensor:
        """Normalised inputs [sample, *shape], on the scale that the members were trained on.

        Raises:
            DataError: inputs of another shape.
        """
        self._check_shape(inputs)
        given = inputs.double() if self.description.inputs.dtype == "float64" else inputs.float()
        return (given - self.mean) / self.std

    def _check_shape(self, inputs: Tensor) -> None:
        shape = self.description.inputs.shape
        if tuple(inputs.shape[1:]) != shape:
            axes = ", ".join(map(str, shape))
            raise DataError(f"inputs have shape {tuple(inputs.shape)}; the ensemble takes [sample, {axes}]")

    @property
    def classes_(self) -> NDArray[Any]:
        """Names of the classes [class], as scikit-learn has them; integers where they are called 0, 1, …"""
        return self.description.class_labels

    def predict_dense(self, inputs: Tensor | NDArray[np.generic], *, strict: bool = False) -> NDArray[np.float64]:
        """What `forward` gives for raw inputs [sample, *shape], which are compared with those of training first.

        Raises:
            DataError: inputs of another shape; or far outside of what was trained on, where `strict`.
        """
        given = self.raw(inputs)
        warn_or_refuse(self.outside(given), strict=strict)
        return self.in_blocks(given)

    def raw(self, inputs: Tensor | NDArray[np.generic] | Any) -> Tensor:
        """Raw inputs [sample, *shape]: as they are, or images with their channels last, of another size or number of
        channels, made those of training (`raw_inputs`). The columns of a frame are found by the names of features.

        Raises:
            DataError: inputs of another shape, or a frame without a feature.
        """
        if isinstance(inputs, Tensor):
            inputs = inputs.detach()
            if tuple(inputs.shape[1:]) == self.description.inputs.shape and not inputs.is_complex():
                return inputs
            inputs = inputs.cpu().numpy()
        return torch.from_numpy(rows_given(inputs, self.description.inputs))

    def outside(self, inputs: Tensor) -> Outside:
        """Raw inputs [sample, *shape] that are far outside of what was trained on.

        Raises:
            DataError: inputs of another shape.
        """
        self._check_shape(inputs)
        if any(hasattr(member, "vocabulary") for member in self.members):  # numbers of words are no quantities
            return Outside(np.zeros(len(inputs), dtype=np.bool_))
        return outside(self.description.inputs, inputs)

    @torch.no_grad()
    def in_blocks(self, given: Tensor) -> NDArray[np.float64]:
        """What `forward` gives for raw inputs [sample, *shape], block by block on the ensemble's device, unchecked.

        Raises:
            DataError: inputs of another shape.
        """
        with cuda_arithmetic(self.mean.device):
            blocks = [self(block.to(self.mean.device)).cpu() for block in torch.split(given, PREDICT_BATCH_ROWS)]
        return cast("NDArray[np.float64]", torch.cat(blocks).numpy())

    def predict_proba(self, inputs: Tensor | NDArray[np.generic], *, strict: bool = False) -> NDArray[np.float64]:
        """Probabilities [sample, class] of raw inputs [sample, *shape], block by block on the ensemble's device.

        Raises:
            DataError: inputs of another shape; or far outside of what was trained on, where `strict`.
            ExportError: it predicts values.
        """
        if self.description.of_values:
            raise ExportError("this ensemble predicts values and has no probabilities; use predict, or predict_std")
        return self.predict_dense(inputs, strict=strict)

    def predict(self, inputs: Tensor | NDArray[np.generic], *, strict: bool = False) -> NDArray[Any]:
        """Likeliest class [sample] of raw inputs [sample, *shape], as `classes_` has it, ties to the lowest; or values
        [sample, output] in the units of the data.

        Raises:
            DataError: inputs of another shape; or far outside of what was trained on, where `strict`.
        """
        if self.description.of_values:
            return self.predict_dense(inputs, strict=strict)[:, : self.description.target.width]
        named: NDArray[Any] = self.classes_[likeliest(self.predict_proba(inputs, strict=strict))]
        return named

    def predict_std(self, inputs: Tensor | NDArray[np.generic], *, strict: bool = False) -> NDArray[np.float64]:
        """Standard deviations [sample, output] of the values that are predicted.

        Raises:
            DataError: inputs of another shape; or far outside of what was trained on, where `strict`.
            ExportError: its members do not say how sure they are.
        """
        width = self.description.target.width
        said = self.predict_dense(inputs, strict=strict) if self.description.of_distributions else np.empty((0, 0))
        if said.shape[1] != 2 * width:
            raise ExportError("this ensemble does not say how sure it is; train its members with form = 'gaussian'")
        return np.sqrt(said[:, width:])

    def with_faster_execution(self) -> Self:
        """This ensemble, batched or one by one: the execution that is faster on this machine, by measurement."""
        members, groups = list(self.members), groups_of(self.description.parts)
        batched = batched_is_faster(members, groups, self.description.inputs.shape, self.mean.device)
        return type(self)(members, self.description.model_copy(update={"batched": batched}))

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002
        """Stay in evaluation mode: an ensemble only predicts."""
        return super().train(False)
