"""One of a number of answers that differs by row, as in multiple-choice questions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.targets.classes import Classes
from lrensemble.targets.forms import Form


class Choices(Classes):
    """The truth is one answer of its row; rows with fewer answers than the most are padded with probabilities of zero.

    How many answers each row has is kept beside the truth (`choices` [sample]): a pad counts nowhere.
    """

    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "nll", "brier")
    nouns: ClassVar[tuple[str, str]] = ("choices", "choice")
    forms: ClassVar[tuple[Form, ...]] = ("labels", "log_probs", "likelihood")

    kind: Literal["choices"] = "choices"  # type: ignore[assignment]
    names: Annotated[tuple[str, ...], Field(min_length=2, strict=False)]
    """Names of the answers, by place: "A", "B", …; as many as the row with the most has."""

    def strata(self, truth: NDArray[Any]) -> NDArray[np.int64]:
        """One stratum: an answer's place says nothing of the question."""
        return np.zeros(len(truth), dtype=np.int64)
