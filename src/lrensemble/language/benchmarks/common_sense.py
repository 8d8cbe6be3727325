"""Questions of common sense: HellaSwag, PIQA, WinoGrande, CommonsenseQA, and BoolQ, which gives what to read."""

from __future__ import annotations

from typing import Any

from lrensemble.errors import DataError
from lrensemble.language.benchmarks.base import BENCHMARKS, Question, Row, asked, lettered, listed
from lrensemble.language.benchmarks.layouts import of_boolq, of_hellaswag, of_labels, of_piqa, of_winogrande

HIDDEN: dict[str, Any] = {"test": ("validation",), "val": ("train",)}
"""Splits of a set whose test answers are secret: it is tested on its validation rows, and chosen on training rows."""


@BENCHMARKS.register(
    files=("hellaswag", "hellaswag_1k"),
    repo="Rowan/hellaswag",
    layout=of_hellaswag,
    normalisation="characters",
    **HIDDEN,
)
def hellaswag(row: Row) -> Question:
    """HellaSwag: how a scene goes on, with ends that a machine wrote against it (Zellers et al. 2019)."""
    return asked(row, row.question)


@BENCHMARKS.register(files=("piqa",), repo="baber/piqa", layout=of_piqa, normalisation="characters", **HIDDEN)
def piqa(row: Row) -> Question:
    """PIQA: which of two ways serves an aim of daily life (Bisk et al. 2020)."""
    return asked(row, f"Question: {row.question}\nAnswer:")


@BENCHMARKS.register(
    files=("winogrande", "winogrande_xl"),
    repo="allenai/winogrande",
    config="winogrande_xl",
    layout=of_winogrande,
    **HIDDEN,
)
def winogrande(row: Row) -> Question:
    """WinoGrande: whom a pronoun means; what follows the gap is scored, given each name in it (Sakaguchi et al. 2020).

    Raises:
        DataError: the sentence has no gap, `_`.
    """
    before, gap, after = row.question.partition("_")
    if not gap:
        raise DataError(f"WinoGrande asks for the gap '_' in a sentence, and {row.question!r} has none")
    contexts = tuple(before + choice for choice in row.choices)
    return Question(row.id, contexts, (f" {after.strip()}",) * len(contexts), row.right)


@BENCHMARKS.register(files=("boolq",), repo="aps/super_glue", config="boolq", layout=of_boolq, **HIDDEN)
def boolq(row: Row) -> Question:
    """BoolQ: a passage, and a question of yes or no that somebody had (Clark et al. 2019)."""
    return asked(row, f"{row.question}\nAnswer:")


@BENCHMARKS.register(files=("commonsense_qa",), repo="tau/commonsense_qa", layout=of_labels, **HIDDEN)
def commonsense_qa(row: Row) -> Question:
    """CommonsenseQA: one of five, listed in the prompt; the letters are scored (Talmor et al. 2019)."""
    return lettered(row, f"Question: {row.question.strip()}\n{listed(row)}\nAnswer:")
