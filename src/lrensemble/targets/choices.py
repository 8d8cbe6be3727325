"""One of a number of answers that differs by row, as in multiple-choice questions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.errors import PredictionsError
from lrensemble.targets.classes import Classes
from lrensemble.targets.forms import Form


class Choices(Classes):
    """The truth is one answer of its row; rows with fewer answers than the most are padded with probabilities of zero.

    How many answers each row has is kept beside the truth (`choices` [sample]): a pad counts nowhere.
    """

    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "nll", "brier")
    nouns: ClassVar[tuple[str, str]] = ("choices", "choice")
    forms: ClassVar[tuple[Form, ...]] = ("labels", "log_probs", "likelihood")
    shown: ClassVar[tuple[str, ...]] = ("accuracy", "nll", "brier")

    kind: Literal["choices"] = "choices"  # type: ignore[assignment]
    names: Annotated[tuple[str, ...], Field(min_length=2, strict=False)]
    """Names of the answers, by place: "A", "B", …; as many as the row with the most has."""

    def check_choices(self, choices: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.int64]:
        """Numbers of answers [sample], if they are such and the truth [sample] is among them.

        Raises:
            PredictionsError: what is wrong; the first bad row is named.
        """
        if choices.shape != truth.shape or choices.dtype.kind not in "iu":
            raise PredictionsError(
                f"choices are {choices.dtype} of shape {choices.shape}; give the number of answers of each row as "
                f"integers {truth.shape}"
            )
        bad = np.flatnonzero((choices < 1) | (choices > self.width) | (truth >= choices))
        if len(bad):
            raise PredictionsError(
                f"row {bad[0]} has {choices[bad[0]]} choices, and answer {truth[bad[0]]} is right; give 1 to "
                f"{self.width} choices, and the right answer among them"
            )
        return choices.astype(np.int64)

    def strata(self, truth: NDArray[Any]) -> NDArray[np.int64]:
        """One stratum: an answer's place says nothing of the question."""
        return np.zeros(len(truth), dtype=np.int64)
