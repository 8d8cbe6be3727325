"""Benchmarks as they are asked for: questions to choose teams on, test sets, and solved examples before them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrensemble.config.benchmarks import Normalisation
from lrensemble.errors import ConfigError, DataError
from lrensemble.language.benchmarks.base import BENCHMARKS, BenchmarkFacts, Question, Row
from lrensemble.language.benchmarks.rows import read_rows, wanted_files
from lrensemble.spec import Spec, SpecLike, to_spec

Shots = int | Mapping[str, int]
"""Solved examples before each question, of all benchmarks or by the name of each."""


@dataclass(frozen=True)
class Benchmark:
    """Questions of one benchmark."""

    name: str
    normalisation: Normalisation
    val: tuple[Question, ...]
    """Questions that teams are chosen on; none where a set has rows for one use alone."""
    test: Mapping[str, tuple[Question, ...]]
    """Questions of each test set, by its name: the benchmark's, or one for each of its parts."""


def read_benchmarks(
    given: Sequence[SpecLike],
    folder: Path | str | None = None,
    *,
    shots: Shots = 0,
    val_rows: int | None = None,
    test_rows: int | None = None,
) -> tuple[Benchmark, ...]:
    """Questions of benchmarks.

    Validation and test rows are never the same ones. Where a set keeps the answers of its test rows secret, its
    validation rows are the test rows and training rows are validated on, as many as there are test rows at most. A set
    with one split has test rows alone.

    Args:
        given: names of benchmarks with their arguments, `mmlu(by_subject=true)`.
        folder: folder with their files, `arc_easy.test.jsonl.gz`; the Hugging Face hub is asked unless given.
        shots: solved examples before each question, the first ones that there are.
        val_rows: validation rows of each benchmark at most, drawn by a hash of their ids; all unless given.
        test_rows: the same of each of its test sets.

    Raises:
        ConfigError: no benchmark, two of one name, or a number that cannot be.
        UnknownNameError, SpecError: as `Registry.check` does.
        DataError: no rows to be found, a damaged file, a row that cannot be asked, or too few solved examples.
        UntrustedError, MissingExtraError, StorageError: as `read_rows` does.
    """
    for name, rows in (("val_rows", val_rows), ("test_rows", test_rows)):
        if rows is not None and rows < 1:
            raise ConfigError(f"{name} = {rows} is refused; give at least 1, or leave it away for all")
    specs = [BENCHMARKS.check(each) for each in given]
    if isinstance(shots, Mapping) and (unknown := set(shots) - {spec.name for spec in specs}):
        raise ConfigError(f"shots are given for {min(unknown)}, which is not among the benchmarks asked for")
    found = tuple(_read(spec, folder, _shots_of(spec.name, shots), val_rows, test_rows) for spec in specs)
    names = [name for each in found for name in each.test]
    if not names:
        raise ConfigError(f"no benchmark is asked for; give some of {', '.join(BENCHMARKS)}")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"two benchmarks are called {twice}; give each of them once")
    return found


def _shots_of(name: str, shots: Shots) -> int:
    asked = shots if isinstance(shots, int) else shots.get(name, 0)
    if asked < 0:
        raise ConfigError(f"shots = {asked} is refused; give 0 or more solved examples")
    if asked and not BENCHMARKS.facts(name).examples:
        raise ConfigError(
            f"shots = {asked} is refused for {name}: its prompt has solved examples of its own; give shots by the name "
            "of each benchmark"
        )
    return asked


def _read(spec: Spec, folder: Path | str | None, shots: int, val_rows: int | None, test_rows: int | None) -> Benchmark:
    facts = BENCHMARKS.facts(spec)
    path = None if facts.files or facts.repo else Path(str(spec.arguments["path"]))
    ask: Callable[..., Question | None] = BENCHMARKS.bound(spec)

    def split_of(names: Iterable[str]) -> tuple[str, list[Row]]:
        for name in names:
            rows = read_rows(facts, name, None if folder is None else Path(folder), path)
            if rows is not None:
                return name, rows
        return "", []

    def questions_of(rows: Iterable[Row]) -> list[Question]:
        return [question for question in map(ask, rows) if question is not None]

    tested, rows = split_of(facts.test)
    test = questions_of(rows)
    if not test:
        raise DataError(_nothing(spec, facts, folder, bool(rows)))
    chosen, rows = split_of(name for name in facts.val if name != tested)
    val = questions_of(rows)
    val_limit = min(val_rows or len(val), len(test)) if chosen in facts.examples else val_rows
    solved = questions_of(split_of(facts.examples)[1]) if shots else []
    stem = _name_of(spec, path)

    def of(questions: Sequence[Question], limit: int | None) -> tuple[Question, ...]:
        return tuple(with_examples(each, solved, shots, stem) for each in drawn(questions, limit))

    parts = dict.fromkeys(question.part for question in test)
    return Benchmark(
        name=stem,
        normalisation=facts.normalisation,
        val=of(val, val_limit),
        test={
            "-".join(filter(None, (stem, part))): of([each for each in test if each.part == part], test_rows)
            for part in parts
        },
    )


def drawn(questions: Sequence[Question], limit: int | None) -> list[Question]:
    """So many of the questions, in their order: those with the lowest hashes, whatever order they come in."""
    if limit is None or limit >= len(questions):
        return list(questions)
    ranks = sorted(questions, key=lambda each: hashlib.sha256(f"{each.id}\n{each.example}".encode()).digest())
    chosen = {id(each) for each in ranks[:limit]}
    return [each for each in questions if id(each) in chosen]


def with_examples(question: Question, solved: Sequence[Question], shots: int, name: str) -> Question:
    """The question with its preamble and the first solved examples of the same preamble before it, never itself.

    Raises:
        DataError: there are fewer.
    """
    alike = (each for each in solved if each.preamble == question.preamble and each.example != question.example)
    examples = [each.example for _, each in zip(range(shots), alike, strict=False)]
    if len(examples) < shots:
        raise DataError(f"{name} has {len(examples)} solved examples; {shots} were asked for")
    return question.after("".join(f"{example}\n\n" for example in examples))


def _name_of(spec: Spec, path: Path | None) -> str:
    if path is None:
        return spec.name.rpartition(":")[2]
    return re.sub(r"[^A-Za-z0-9_.\-]+", "-", path.name.partition(".jsonl")[0]).strip("-._") or spec.name


def _nothing(spec: Spec, facts: BenchmarkFacts, folder: Path | str | None, any_rows: bool) -> str:
    if any_rows:
        return f"{to_spec(spec)} asks none of the rows that there are; look at its arguments"
    if folder is None or not facts.files:
        return f"{facts.repo or spec.arguments.get('path')} has no split {' or '.join(facts.test)}"
    wanted = wanted_files(facts, facts.test[0])[0]
    return f"{folder} holds no test rows of {spec.name}: there is no {wanted}.jsonl or {wanted}.jsonl.gz in it"
