"""Answers of multiple-choice questions: their log-likelihoods, made comparable, and normalised over the answers.

Axes: questions are rows; answers are columns, padded to those of the question that has the most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from lrensemble.config.benchmarks import NORMALISATIONS, Normalisation
from lrensemble.errors import ConfigError
from lrensemble.language.benchmarks.base import LETTERS, Question, right_first
from lrensemble.language.likelihood import ROWS, token_log_probs
from lrensemble.language.pairs import Pair, encode_pairs
from lrensemble.language.sequences import Sequences
from lrensemble.targets import LOG_ZERO

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

Score = Callable[[Sequences], Floats]

AT_ONCE = 1024
"""Answers whose tokens are held at once."""


@dataclass(frozen=True, eq=False)
class ChoiceScores:
    """What a model says of the answers of questions, before they are made comparable."""

    log_likelihoods: Floats
    """[question, answer] log-probability of the whole answer given its context; -inf where there is none."""
    characters: Indices
    """[question, answer] letters of the answers, without the blank before them; 1 where there is none."""
    tokens: Indices
    """[question, answer] tokens of the answers; 1 where there is none."""
    unconditional: Floats | None = None
    """[question, answer] log-probability of the answer without its context; None where nobody asked for it."""
    cut: int = 0
    """Answers whose context was too long for the model, and was cut from the left."""


def choice_scores(
    model: Any,
    tokenizer: Any,
    questions: Sequence[Question],
    *,
    context: int | None = None,
    unconditional: bool = False,
    rows: int = ROWS,
) -> ChoiceScores:
    """Log-likelihoods of the answers of questions.

    Args:
        model: a causal model of `transformers`, or one that `peft` wraps.
        tokenizer: its tokenizer.
        questions: one or more.
        context: tokens that the model can look at; without end unless given.
        unconditional: whether the answers are scored without their contexts as well.
        rows: sequences in a batch.

    Raises:
        DataError: an answer without a token, or with too many.
        PredictionsError: a model that gives NaN.
    """

    def score(sequences: Sequences) -> Floats:
        found: Floats = token_log_probs(model, sequences, rows).sum(axis=1, dtype=np.float64)
        return found[None]

    return choice_scores_by(score, tokenizer, questions, context=context, unconditional=unconditional)[0]


def choice_scores_by(
    score: Score,
    tokenizer: Any,
    questions: Sequence[Question],
    *,
    context: int | None = None,
    unconditional: bool = False,
) -> list[ChoiceScores]:
    """Log-likelihoods of the answers of questions by several who look at the same sequences.

    Args:
        score: log-likelihoods [who, sequence] of the answer tokens of sequences.
        tokenizer: theirs.
        questions: one or more.
        context: tokens that they can look at; without end unless given.
        unconditional: whether the answers are scored without their contexts as well.

    Raises:
        DataError: an answer without a token, or with too many.
    """
    pairs = [pair for each in questions for pair in zip(each.contexts, each.continuations, strict=True)]
    summed, tokens, cut = _scored(score, tokenizer, pairs, context)
    characters = _table(questions, [len(answer) for each in questions for answer in each.answers], 1).astype(np.int64)
    counts = _table(questions, tokens, 1).astype(np.int64)
    alone = list[Floats | None]([None] * len(summed))
    if unconditional:
        texts = list(dict.fromkeys(text for _, text in pairs))
        of_texts, _, _ = _scored(score, tokenizer, [("", text) for text in texts], context)
        place = {text: number for number, text in enumerate(texts)}
        alone = [_table(questions, own[[place[text] for _, text in pairs]], 0.0) for own in of_texts]
    return [
        ChoiceScores(_table(questions, own, -np.inf), characters, counts, without, cut)
        for own, without in zip(summed, alone, strict=True)
    ]


def _scored(score: Score, tokenizer: Any, pairs: Sequence[Pair], context: int | None) -> tuple[Floats, Indices, int]:
    """Log-likelihood [who, pair] and number of tokens [pair] of what follows each context, and how many contexts were
    cut.
    """
    summed, tokens, cut = [], [], 0
    for start in range(0, len(pairs), AT_ONCE):
        encoded = encode_pairs(tokenizer, pairs[start : start + AT_ONCE], context)
        summed.append(score(encoded.sequences))
        tokens.append(encoded.sequences.answer.sum(axis=1))
        cut += encoded.cut
    return np.concatenate(summed, axis=1), np.concatenate(tokens), cut


def _table(questions: Sequence[Question], values: Sequence[float] | NDArray[Any], pad: float) -> Floats:
    """[question, answer] of values laid end to end."""
    counts = np.array([len(each.contexts) for each in questions])
    table = np.full((len(questions), int(counts.max())), pad)
    table[np.arange(table.shape[1]) < counts[:, None]] = values
    return table


def answer_scores(scores: ChoiceScores, normalisation: Normalisation) -> Floats:
    """Scores [question, answer] by which answers are compared; -inf where there is none.

    With l the log-likelihood of an answer given its context: `sum` is l, `characters` is l by the answer's characters
    (`acc_norm` of lm-evaluation-harness), `tokens` is l by its tokens, `unconditional` is l less the answer's
    log-likelihood without the context (Brown et al. 2020, sec. 2.4; `acc_mutual_info`).

    Raises:
        ConfigError: no such normalisation, or the scores lack what it needs.
    """
    if normalisation == "sum":
        return scores.log_likelihoods
    if normalisation == "characters":
        return np.asarray(scores.log_likelihoods / scores.characters)
    if normalisation == "tokens":
        return np.asarray(scores.log_likelihoods / scores.tokens)
    if normalisation != "unconditional":
        raise ConfigError(f"normalisation {normalisation!r} is refused; give {', '.join(NORMALISATIONS)}")
    if scores.unconditional is None:
        raise ConfigError("normalisation 'unconditional' needs the answers scored without their contexts as well")
    return np.asarray(scores.log_likelihoods - scores.unconditional)


def choice_log_probs(
    questions: Sequence[Question], scores: ChoiceScores, normalisation: Normalisation, width: int
) -> NDArray[np.float32]:
    """Log-probabilities [question, choice] of a pool's members: scores normalised over the answers of each question.

    Where answers are judged together, the choices are the right ones as one and the wrong ones as one, in an order that
    `truth_of` knows.

    Args:
        questions: as many as there are rows of scores.
        scores: of one model.
        normalisation: how answers are made comparable.
        width: columns, those without a choice at `LOG_ZERO`.
    """
    of_answers = scipy.special.log_softmax(answer_scores(scores, normalisation), axis=1)
    found = np.full((len(questions), width), LOG_ZERO, dtype=np.float32)
    for row, question in enumerate(questions):
        own = of_answers[row, : len(question.contexts)]
        if question.joint:
            right = np.isin(np.arange(len(own)), question.right)
            both = np.array([scipy.special.logsumexp(own[right]), scipy.special.logsumexp(own[~right])])
            own = both if right_first(question) else both[::-1]
        found[row, : len(own)] = np.maximum(own, LOG_ZERO)
    return found


def truth_of(questions: Sequence[Question]) -> Indices:
    """Place [question] of the right choice."""
    places = [int(not right_first(each)) if each.joint else each.right[0] for each in questions]
    return np.array(places, dtype=np.int64)


def counts_of(questions: Sequence[Question]) -> Indices:
    """Number [question] of choices."""
    return np.array([2 if each.joint else len(each.contexts) for each in questions], dtype=np.int64)


def names_of(width: int) -> tuple[str, ...]:
    """Names of choices by their places: letters, or numbers where there are more than letters."""
    return tuple(LETTERS[:width]) if width <= len(LETTERS) else tuple(str(place + 1) for place in range(width))
