"""Questions of natural science as schools ask them: ARC and OpenBookQA."""

from __future__ import annotations

from lrensemble.language.benchmarks.base import BENCHMARKS, Question, Row, asked
from lrensemble.language.benchmarks.layouts import of_labels


@BENCHMARKS.register(
    files=("arc_easy",), repo="allenai/ai2_arc", config="ARC-Easy", layout=of_labels, normalisation="characters"
)
def arc_easy(row: Row) -> Question:
    """ARC, the easy questions: science of grades 3 to 9 (Clark et al. 2018)."""
    return asked(row, f"Question: {row.question}\nAnswer:")


@BENCHMARKS.register(
    files=("arc_challenge",),
    repo="allenai/ai2_arc",
    config="ARC-Challenge",
    layout=of_labels,
    normalisation="characters",
)
def arc_challenge(row: Row) -> Question:
    """ARC, the questions that retrieval and co-occurrence of words got wrong (Clark et al. 2018)."""
    return asked(row, f"Question: {row.question}\nAnswer:")


@BENCHMARKS.register(
    files=("openbookqa",), repo="allenai/openbookqa", config="main", layout=of_labels, normalisation="characters"
)
def openbookqa(row: Row) -> Question:
    """OpenBookQA: elementary science whose facts are known and have to be applied (Mihaylov et al. 2018)."""
    return asked(row, row.question)
