"""Predictions of one member as another program wrote them, and their log-probabilities."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from lrensemble.pool.arrays import Arrays
from lrensemble.targets import LOG_ZERO, Labels, LogProbs, Predictions, check_probabilities
from lrensemble.targets.forms import check_indices

Form = Literal["log_probs", "logits", "probs", "top1"]
"""Form of an array of predictions; where a file holds several, the first of these is taken."""
FORMS: tuple[Form, ...] = get_args(Form)
PREFIX = {"val": "", "test": "test_"}


@dataclass(frozen=True)
class CollectedMember:
    """Predictions of one member, in the form in which a file holds them."""

    name: str
    path: Path
    form: Form
    predictions: Arrays
    """Predictions by split: [sample, class]; for the form `top1`, class indices [sample]."""

    @property
    def id(self) -> str:
        """Short hash of the name and the predictions: a member that is collected twice is one member."""
        digest = hashlib.sha256(f"{self.name}\n{self.form}".encode())
        for split, array in self.predictions.items():
            digest.update(f"\n{split} {array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]

    def as_said(self, split: str, classes: int) -> Predictions:
        """Predictions on a split in the form that they are kept in.

        Raises:
            PredictionsError: NaN, rows that do not sum to one, or labels outside the classes.
        """
        given = self.predictions[split]
        where = f"{self.path}: {PREFIX[split]}{self.form} of {self.name}"
        if self.form == "top1":
            check_indices(where, given, len(given), classes)
            return Labels(given)
        values = given.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if self.form == "probs":
                check_probabilities(values, where)
                return _kept(np.log(values))
            log_probs = np.asarray(scipy.special.log_softmax(values, axis=-1)) if self.form == "logits" else values
            check_probabilities(np.exp(log_probs), where)
        return _kept(log_probs)


def _kept(log_probs: NDArray[np.float64]) -> LogProbs:
    return LogProbs(np.maximum(log_probs, LOG_ZERO).astype(np.float32))
