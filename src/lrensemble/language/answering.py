"""What a language model says of benchmarks: log-probabilities over the answers of their questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import ConfigError
from lrensemble.files import warn_once
from lrensemble.language.base import context_length
from lrensemble.language.benchmarks import Benchmark, Normalisation, Question
from lrensemble.language.choices import choice_log_probs, choice_scores, counts_of, names_of, truth_of
from lrensemble.language.likelihood import ROWS
from lrensemble.language.members import Predicted
from lrensemble.pool.task import split_named
from lrensemble.targets import Choices, LogProbs


@dataclass(frozen=True)
class Part:
    """Questions of one benchmark in one split."""

    benchmark: str
    normalisation: Normalisation
    questions: tuple[Question, ...]

    @property
    def places(self) -> NDArray[np.int64]:
        """[question] hash of all that decides what is said of it: the texts, and how answers are compared."""
        texts = [
            [self.normalisation, each.joint, each.right, each.contexts, each.continuations] for each in self.questions
        ]
        digests = (hashlib.sha256(json.dumps(each).encode()).digest() for each in texts)
        return np.array([int.from_bytes(each[:8], "little") >> 1 for each in digests], dtype=np.int64)


def rows_asked(
    benchmarks: Sequence[Benchmark], *, normalisation: Normalisation | None = None, balanced: bool = False
) -> Predicted:
    """Rows of a pool of multiple-choice questions, of which nobody has said anything yet.

    `val` are the validation rows of all benchmarks, one after another; each test set of a benchmark is a test set of
    its own, `test:arc_easy`.

    Args:
        benchmarks: what `read_benchmarks` gave.
        normalisation: how answers are compared; as each benchmark states unless given.
        balanced: whether the validation rows of each benchmark count as much together as those of any other.

    Raises:
        ConfigError: no benchmark has validation rows.
    """
    parts = _parts(benchmarks, normalisation)
    return Predicted(
        target=Choices(names=names_of(_width(parts))),
        said={},
        truth=_joined(parts, truth_of),
        places={split: np.concatenate([part.places for part in each]) for split, each in parts.items()},
        choices=_joined(parts, counts_of),
        weights={"val": balance([len(part.questions) for part in parts["val"]])} if balanced else {},
        ids={
            split: [f"{part.benchmark}/{question.id}" for part in each for question in part.questions]
            for split, each in parts.items()
        },
    )


def predictions_of(
    model: Any,
    tokenizer: Any,
    benchmarks: Sequence[Benchmark],
    *,
    normalisation: Normalisation | None = None,
    balanced: bool = False,
    rows: int = ROWS,
    beat: Callable[[], object] | None = None,
) -> Predicted:
    """What a causal model says of multiple-choice questions: log-probabilities over the answers of each.

    The rows are those of `rows_asked`.

    Args:
        model: a causal model of `transformers`, or one that `peft` wraps.
        tokenizer: its tokenizer.
        benchmarks: what `read_benchmarks` gave.
        normalisation: how answers are compared; as each benchmark states unless given.
        balanced: whether the validation rows of each benchmark count as much together as those of any other.
        rows: sequences that the model is given at once.
        beat: called now and then while it goes on.

    Raises:
        ConfigError: no benchmark has validation rows.
        DataError, PredictionsError: as `choice_scores` does.
    """
    parts = _parts(benchmarks, normalisation)
    context, cut, width = context_length(model, tokenizer), 0, _width(parts)
    said: dict[str, LogProbs] = {}
    for split, of_split in parts.items():
        log_probs = []
        for part in of_split:
            alone = part.normalisation == "unconditional"
            scores = choice_scores(
                model, tokenizer, part.questions, context=context, unconditional=alone, rows=rows, beat=beat
            )
            log_probs.append(choice_log_probs(part.questions, scores, part.normalisation, width))
            cut += scores.cut
        said[split] = LogProbs(np.concatenate(log_probs))
    if cut:
        warn_once(
            f"{cut} answers have a prompt of more than the {context} tokens that the model looks at; it is cut in front"
        )
    return replace(rows_asked(benchmarks, normalisation=normalisation, balanced=balanced), said=said, cut=cut)


def balance(sizes: Sequence[int]) -> NDArray[np.float64]:
    """Weights [row] by which groups of rows of these sizes count the same, with a sum of the number of rows."""
    mean = sum(sizes) / len(sizes)
    return np.concatenate([np.full(size, mean / size) for size in sizes])


def _parts(benchmarks: Sequence[Benchmark], normalisation: Normalisation | None) -> dict[str, list[Part]]:
    """Questions by split of the pool."""
    if not any(each.val for each in benchmarks):
        names = ", ".join(each.name for each in benchmarks) or "no benchmark"
        raise ConfigError(
            f"{names}: there are no validation rows to choose a team on; add a benchmark that has some, or the file of "
            "them beside that of the test rows"
        )
    parts = {"val": [Part(each.name, normalisation or each.normalisation, each.val) for each in benchmarks if each.val]}
    for each in benchmarks:
        for name, questions in each.test.items():
            parts[split_named(name)] = [Part(name, normalisation or each.normalisation, questions)]
    return parts


def _width(parts: Mapping[str, list[Part]]) -> int:
    """Number of choices of the question that has the most."""
    return max(int(counts_of(part.questions).max()) for each in parts.values() for part in each)


def _joined(parts: Mapping[str, list[Part]], what: Any) -> dict[str, NDArray[np.int64]]:
    return {split: np.concatenate([what(part.questions) for part in each]) for split, each in parts.items()}
