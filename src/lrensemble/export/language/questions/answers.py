"""What a team answers to multiple-choice questions: probabilities over the answers of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray

from lrensemble.errors import DataError
from lrensemble.export.disagreement import disagreement_of
from lrensemble.export.language.ensemble import LanguageEnsemble
from lrensemble.export.predicting import PLAIN, Asked
from lrensemble.export.predictions import Cell, Predictions
from lrensemble.files import warn_once
from lrensemble.language.benchmarks import BENCHMARKS, Normalisation, Question
from lrensemble.language.benchmarks.rows import read_questions
from lrensemble.language.choices import answer_scores, choice_scores_by, counts_of, names_of
from lrensemble.language.likelihood import ROWS
from lrensemble.language.sequences import Sequences
from lrensemble.numerics import likeliest
from lrensemble.spec import Spec
from lrensemble.targets import Choices

PROMPT = "Question: {question}\nAnswer:"

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What a team and its members say of questions."""

    probabilities: Floats
    """[question, choice] of the team; 0 where a question has fewer choices."""
    members: Floats
    """[member, question, choice] of each member alone."""


@dataclass(frozen=True, eq=False)
class AnsweredFiles:
    """Answers to the questions of files, as a table."""

    predictions: Predictions
    """One row a question: the letter of the answer, the probability of each, and the text of the answer."""
    accuracy: float | None
    """Share of right answers among the questions that say which is right; None where none does."""


def answers_to(
    ensemble: LanguageEnsemble, questions: Sequence[Question], normalisation: Normalisation = "sum", rows: int = ROWS
) -> Answers:
    """Probabilities over the answers of questions, by the team's consensus.

    By `answer_probabilities`, members' likelihoods are normalised over the answers and then averaged. Else the team's
    own likelihood of each answer is normalised.

    Args:
        ensemble: the team.
        questions: one or more.
        normalisation: how likelihoods of answers are made comparable.
        rows: sequences in a batch.

    Raises:
        DataError: an answer without a token, or with too many.
        ExportError: a member that gives NaN.
    """

    def score(sequences: Sequences) -> Floats:
        found = ensemble.score(sequences, rows)
        each: Floats = np.concatenate([found.log_probs[None], found.members]).sum(axis=2)
        return each

    alone = normalisation == "unconditional"
    said = choice_scores_by(score, ensemble.tokenizer, questions, context=ensemble.context, unconditional=alone)
    if said[0].cut:
        warn_once(f"{said[0].cut} answers have a prompt that is too long for the model; it is cut in front")
    team, *members = (scipy.special.log_softmax(answer_scores(each, normalisation), axis=1) for each in said)
    if ensemble.description.consensus == "answer_probabilities":
        team = scipy.special.logsumexp(np.log(ensemble.weights)[:, None, None] + np.stack(members), axis=0)
    return Answers(np.exp(team), np.exp(np.stack(members)))


def answer_files(
    ensemble: LanguageEnsemble,
    files: Sequence[Path],
    *,
    prompt: str = PROMPT,
    normalisation: Normalisation = "sum",
    members: bool = False,
    asked: Asked = PLAIN,
) -> AnsweredFiles:
    """Answers to all questions of files, in their order.

    Args:
        ensemble: the team.
        files: `.jsonl` or `.jsonl.gz`, an object a line with `question` and `choices`, perhaps `answer` and `id`.
        prompt: text before the answers, as the benchmark `questions` has it.
        normalisation: how likelihoods of answers are made comparable.
        members: whether a column for each member says what it answers alone.
        asked: what else is asked; there is no range of inputs to be strict about.

    Raises:
        DataError: no files, one that cannot be used, or an answer without a token, or with too many.
        SpecError: a prompt without the question.
        ExportError: a member that gives NaN, or what is asked cannot be.
        StorageError: a file cannot be read.
    """
    if not files:
        raise DataError("there is nothing to predict: give files of questions")
    asked.check(Choices(names=names_of(2)))
    read = [(str(path), place, row) for path in files for place, row in enumerate(read_questions(path))]
    write = BENCHMARKS.bound(Spec("questions", {"path": str(files[0]), "prompt": prompt}))
    questions = [question for _, _, row in read if (question := write(row)) is not None]
    found = answers_to(ensemble, questions, normalisation)
    names = names_of(max(2, int(counts_of(questions).max())))
    answers = likeliest(found.probabilities)
    further: dict[str, Sequence[Cell]] = {
        "answer": [row.choices[place] for (_, _, row), place in zip(read, answers.tolist(), strict=True)]
    }
    if members:
        for name, own in zip(ensemble.description.names, found.members, strict=True):
            further[f"member:{name}"] = [names[place] for place in likeliest(own).tolist()]
    if asked.disagreement:
        further |= disagreement_of(found.probabilities, found.members, ensemble.weights).columns()
    right = [place in row.right for (_, _, row), place in zip(read, answers.tolist(), strict=True) if row.right]
    predictions = Predictions(
        target=Choices(names=names),
        files=tuple(file for file, _, _ in read),
        rows=tuple(place for _, place, _ in read),
        said=found.probabilities,
        further=further,
        abstain=asked.abstain,
    )
    return AnsweredFiles(predictions, float(np.mean(right)) if right else None)
