"""How unsure an ensemble is of what it predicts, and how much its members disagree (Depeweg et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.consensus import combine
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.outside import warn_or_refuse
from lrensemble.export.predictions import require_classes
from lrensemble.export.raw_inputs import PREDICT_BATCH_ROWS
from lrensemble.metrics.base import Floats
from lrensemble.metrics.detection import entropy, mutual_information
from lrensemble.models.arithmetic import cuda_arithmetic


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Uncertainty of rows, in nats: the more, the less is known of them."""

    entropy: Floats
    """Predictive entropy [sample]: that of the probabilities that the ensemble gives."""
    mutual_information: Floats
    """Mutual information [sample] of class and member: 0 where all members say the same."""

    def columns(self) -> dict[str, list[float]]:
        """Columns [sample] of a table, by heading."""
        return {"entropy": self.entropy.tolist(), "mutual_information": self.mutual_information.tolist()}


def disagreement(ensemble: Ensemble, inputs: Tensor | NDArray[np.generic], *, strict: bool = False) -> Disagreement:
    """Uncertainty of the rows of raw inputs.

    ```python
    disagreement(ensemble, images).mutual_information
    ```

    Args:
        ensemble: of classes.
        inputs: [sample, …], as `Ensemble.predict` takes them.
        strict: whether to refuse rows far outside of what was trained on, rather than to warn of them.

    Raises:
        DataError: inputs of another shape; or far outside of what was trained on, where `strict`.
        ExportError: it predicts values.
    """
    require_classes(ensemble.description.target, "disagreement")
    given = ensemble.raw(inputs)
    warn_or_refuse(ensemble.outside(given), strict=strict)
    return with_disagreement(ensemble, given)[1]


@torch.no_grad()
def with_disagreement(ensemble: Ensemble, given: Tensor) -> tuple[Floats, Disagreement]:
    """Probabilities [sample, class] of raw inputs [sample, *shape], unchecked, and their uncertainty.

    Every member is run once on every row, of a cascade too.
    """
    description = ensemble.description
    weights = np.asarray(description.weights)
    probs, disagreements = list[Floats](), list[Disagreement]()
    with cuda_arithmetic(ensemble.mean.device):
        for block in torch.split(given, PREDICT_BATCH_ROWS):
            on_device = block.to(ensemble.mean.device)
            members = ensemble.said(on_device)
            said: Any = (
                ensemble(on_device)
                if description.stages is not None
                else combine(description.consensus, members, description.weights)
            )
            probs.append(said.cpu().numpy())
            disagreements.append(disagreement_of(probs[-1], members.cpu().numpy(), weights))
    whole = {
        name: np.concatenate([getattr(each, name) for each in disagreements])
        for name in ("entropy", "mutual_information")
    }
    return np.concatenate(probs), Disagreement(**whole)


def disagreement_of(probs: Floats, members: Floats, weights: Floats) -> Disagreement:
    """Uncertainty of probabilities.

    Args:
        probs: [sample, class] of the ensemble.
        members: [member, sample, class].
        weights: [member] of the members.
    """
    return Disagreement(entropy(probs), mutual_information(members, weights))
