"""Checks of what a network gives: probabilities, of the pool's classes, the same as in its own tool."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.adopt.found import Found
from lrensemble.errors import AdoptError
from lrensemble.networks import as_outputs
from lrensemble.targets import Target
from lrensemble.targets.checks import SUM_TOLERANCE
from lrensemble.targets.heads import Head

logger = logging.getLogger(__name__)

TOLERANCE = 1e-5
"""Largest difference between what a network gives in its tool and here that is not worth a word; of values above 1
relative to the largest."""


class RequireProbabilities:
    """Hook of a network that gives probabilities [sample, class], of two classes also [sample, 1].

    It refuses what is none, and says once where they do not sum to one.
    """

    def __init__(self, name: str, classes: int) -> None:
        self.name, self.classes = name, classes
        self._told = False

    def __call__(self, _module: torch.nn.Module, _given: Any, said: Any) -> None:
        """Look at what it gives.

        Raises:
            AdoptError: a number outside of 0 and 1, with what to do.
        """
        if not isinstance(said, Tensor) or said.ndim != 2 or said.shape[1] not in (1, self.classes):
            return  # told by its shape, later
        if not bool(((said >= -SUM_TOLERANCE) & (said <= 1 + SUM_TOLERANCE)).all()):
            first = ", ".join(f"{each:.4g}" for each in said[0, :4].tolist())
            raise AdoptError(
                f"{self.name} gives no probabilities ({first}, … for the first row): say what it gives, gives='logits' "
                "or 'log_probs'"
            )
        sums = said.double().sum(dim=1)
        if said.shape[1] > 1 and not self._told and bool(((sums - 1).abs() > SUM_TOLERANCE).any()):
            self._told = True
            logger.warning(
                "%s: its probabilities sum to %.3g to %.3g and not to one; they are divided by their sum",
                self.name,
                float(sums.min()),
                float(sums.max()),
            )


def check_classes(found: Found, target: Target) -> None:
    """Refuse a model whose columns are of other classes than the pool's.

    Raises:
        AdoptError: the first that differs is named.
    """
    if found.classes is None or tuple(map(str, found.classes)) == target.names:
        return
    theirs = ", ".join(map(str, found.classes[:10]))
    raise AdoptError(
        f"{found.name} gives the classes {theirs}, and the pool has {', '.join(target.names[:10])}; give data whose "
        "'classes' are in the model's order"
    )


def difference_of(found: Found, head: Head, raw: NDArray[Any], outputs: Tensor) -> float:
    """Largest |difference| of a probability or value between what a model gives in its tool and what it gives here; one
    that rounding does not explain is said loudly.
    """
    assert found.own is not None
    given = torch.from_numpy(np.array(found.own(raw)))
    given = given.reshape(len(raw), -1)
    theirs = head.dense(as_outputs(given, found.network.gives, head.width))
    apart = (theirs - head.dense(outputs)).abs().amax(dim=1)
    largest = float(apart.max())
    limit = TOLERANCE * max(1.0, float(theirs.abs().max()))
    if largest > limit:
        logger.warning(
            "%s gives other predictions here than in its own tool: they differ by up to %.2g on val, in %d of %d rows; "
            "the member is what is run here",
            found.name,
            largest,
            int((apart > limit).sum()),
            len(raw),
        )
    return largest
