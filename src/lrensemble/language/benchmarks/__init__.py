"""Multiple-choice benchmarks of language models: what each asks, how its answers are compared, where its rows are.

`base` says what a question is and holds the registry, `layouts` the forms in which sets are published, `rows` reads
files and the hub, `reading` divides questions into those for selection and test sets, `science`, `common_sense`,
`knowledge` and `own` register the benchmarks. Prompts are those of lm-evaluation-harness.
"""

from lrensemble.config.benchmarks import NORMALISATIONS, Normalisation
from lrensemble.language.benchmarks import common_sense, knowledge, own, science  # noqa: F401 – they register
from lrensemble.language.benchmarks.base import (
    BENCHMARKS,
    BenchmarkFacts,
    Question,
    Row,
    asked,
    lettered,
    listed,
)
from lrensemble.language.benchmarks.reading import Benchmark, Shots, read_benchmarks

__all__ = [
    "BENCHMARKS",
    "NORMALISATIONS",
    "Benchmark",
    "BenchmarkFacts",
    "Normalisation",
    "Question",
    "Row",
    "Shots",
    "asked",
    "lettered",
    "listed",
    "read_benchmarks",
]
