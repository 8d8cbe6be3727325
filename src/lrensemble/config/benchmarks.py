"""`[benchmarks]`: multiple-choice questions that language models are asked once they are trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field

from lrensemble.config.records import PositiveInt, Record, SpecField

Normalisation = Literal["sum", "characters", "tokens", "unconditional"]
NORMALISATIONS: tuple[Normalisation, ...] = get_args(Normalisation)
"""How log-likelihoods of answers are made comparable (`lrensemble.language.choices.answer_scores`)."""


class BenchmarkSettings(Record):
    """Multiple-choice questions that language models are asked once they are trained. They change no choice: the team
    and the best single model stay those of the pool's own `val` rows.
    """

    names: Annotated[tuple[SpecField, ...], Field(min_length=1, strict=False)]
    """The benchmarks, with their arguments: `arc_easy`, `mmlu(by_subject=true)`, …"""
    folder: Path | None = Field(default=None, strict=False)
    """Where their files lie; `data.folder` unless given, and the Hugging Face hub where that is not given either."""
    shots: Annotated[int, Field(ge=0, le=1000)] = 0
    """Solved examples before each question."""
    val_rows: PositiveInt | None = None
    """Validation questions of each benchmark at most, drawn by a hash of their ids; all unless given."""
    test_rows: PositiveInt | None = None
    """Test questions of each of its test sets at most, drawn in the same way; all unless given."""
    normalisation: Normalisation | None = None
    """How the likelihoods of answers are made comparable: by their `sum`, a mean over `characters` or `tokens`, or less
    what they are without the question (`unconditional`); as each benchmark states unless given."""
