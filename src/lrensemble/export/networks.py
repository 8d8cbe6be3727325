"""An ensemble of networks of torch for those who have arrays of numpy: a `Predictor`, as an `OnnxFile` is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.errors import ExportError
from lrensemble.export.description import Description
from lrensemble.export.disagreement import Disagreement, with_disagreement
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.language import is_language_bundle
from lrensemble.export.operations import operations_of
from lrensemble.export.outside import Outside
from lrensemble.export.threads import needs_threads
from lrensemble.metrics.base import Floats
from lrensemble.models.arithmetic import threads


@dataclass(frozen=True, eq=False)
class Networks:
    """An ensemble, and how torch runs it."""

    ensemble: Ensemble
    platform: ClassVar[str] = "lrensemble_bundle"

    @classmethod
    def load(cls, folder: Path, *, trust_code: bool = False) -> Self:
        """The ensemble of a bundle.

        Args:
            folder: folder of the bundle.
            trust_code: whether to import code that the bundle names.

        Raises:
            LREnsembleError: as `predictor_of`.
        """
        if is_language_bundle(folder):
            raise ExportError(
                f"{folder} is a team of language models, and serve answers for networks that take arrays; use "
                "lrensemble predict or generate, or export it as merged for a server of language models"
            )
        return cls(Ensemble.load(folder, trust_code=trust_code))

    @property
    def description(self) -> Description:
        """Description of the ensemble."""
        return self.ensemble.description

    def outside(self, rows: NDArray[Any]) -> Outside:
        """Raw inputs [sample, *shape] that are far outside of what was trained on."""
        return self.ensemble.outside(torch.from_numpy(rows))

    def in_blocks(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """What `Ensemble.forward` gives for raw inputs [sample, *shape], block by block."""
        return self.ensemble.in_blocks(torch.from_numpy(rows))

    def with_disagreement(self, rows: NDArray[Any]) -> tuple[Floats, Disagreement]:
        """Probabilities [sample, class] of raw inputs [sample, *shape], and their uncertainty."""
        return with_disagreement(self.ensemble, torch.from_numpy(rows))

    def threads(self) -> int:
        """Threads of torch for a batch: one where each network is small, which would wait longer than compute."""
        inputs = self.description.inputs
        prepared = self.ensemble.prepare(torch.zeros(1, *inputs.shape, dtype=getattr(torch, inputs.dtype)))
        largest = max(operations_of(member, prepared) for member in self.ensemble.members)
        return torch.get_num_threads() if needs_threads(largest) else 1

    def on_threads(self) -> AbstractContextManager[None]:
        """A block in which torch computes on so many threads."""
        return threads(self.threads())
