"""Answers of questions: their scores by the slow definition, the normalisations, and what a pool stores of them."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from tests.language.models import BEGIN, tiny_model, tiny_tokenizer

from lrensemble.errors import ConfigError
from lrensemble.language.benchmarks import NORMALISATIONS, Normalisation, Question
from lrensemble.language.choices import (
    ChoiceScores,
    answer_scores,
    choice_log_probs,
    choice_scores,
    counts_of,
    names_of,
    truth_of,
)
from lrensemble.targets import LOG_ZERO

pytest.importorskip("transformers")

ASKED = (
    Question("0", ("who is it?",) * 3, (" the end", " no", " others in it"), (1,)),
    Question("1", ("is it a", "is it the other"), (" thing.", " thing."), (0,)),
    Question("2", ("so:",) * 4, (" a", " b", " is", " ttt"), (2, 3), joint=True),
)
"""Three, two and four answers: behind one context, filled into the question, and judged together."""


def slowly(model: Any, tokenizer: Any, context: str, answer: str) -> list[float]:
    """Log-probability of each token of an answer, each by a pass of its own."""
    before = [BEGIN, *tokenizer(context, add_special_tokens=False)["input_ids"]]
    ids = [BEGIN, *tokenizer(context + answer, add_special_tokens=False)["input_ids"]]
    found = []
    for place in range(len(before), len(ids)):
        with torch.no_grad():
            logits = model(torch.tensor([ids[:place]])).logits[0, -1].double()
        found.append(float(torch.log_softmax(logits, dim=0)[ids[place]]))
    return found


def slow_log_probs(model: Any, tokenizer: Any, question: Question, normalisation: Normalisation) -> list[float]:
    """Log-probabilities over the answers of a question, by the definition."""
    scores = []
    for context, answer in zip(question.contexts, question.continuations, strict=True):
        of_tokens = slowly(model, tokenizer, context, answer)
        score = sum(of_tokens)
        if normalisation == "characters":
            score /= len(answer.strip())
        elif normalisation == "tokens":
            score /= len(of_tokens)
        elif normalisation == "unconditional":
            score -= sum(slowly(model, tokenizer, "", answer))
        scores.append(score)
    total = math.log(sum(map(math.exp, scores)))
    return [score - total for score in scores]


@pytest.fixture(scope="module")
def scores() -> ChoiceScores:
    return choice_scores(tiny_model(1), tiny_tokenizer(), ASKED, unconditional=True)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_equal_to_the_definition(scores: ChoiceScores, normalisation: Normalisation) -> None:
    model, tokenizer = tiny_model(1), tiny_tokenizer()
    found = choice_log_probs(ASKED, scores, normalisation, 4)
    assert found.shape == (3, 4)
    assert found.dtype == np.float32
    for row, question in enumerate(ASKED[:2]):
        count = len(question.contexts)
        assert found[row, :count] == pytest.approx(slow_log_probs(model, tokenizer, question, normalisation), abs=1e-5)
        assert (found[row, count:] == LOG_ZERO).all()
    of_answers = np.exp(slow_log_probs(model, tokenizer, ASKED[2], normalisation))
    right = of_answers[2] + of_answers[3]
    truth = truth_of(ASKED)[2]
    assert np.exp(found[2, truth]) == pytest.approx(right, abs=1e-6)
    assert np.exp(found[2, 1 - truth]) == pytest.approx(1 - right, abs=1e-6)
    assert np.exp(found.astype(float)).sum(axis=1) == pytest.approx(1)


def test_normalisations_by_hand() -> None:
    known = ChoiceScores(
        log_likelihoods=np.array([[-6.0, -4.0], [-1.0, -np.inf]]),
        characters=np.array([[12, 4], [5, 1]]),
        tokens=np.array([[3, 1], [2, 1]]),
        unconditional=np.array([[-9.0, -5.0], [-2.0, 0.0]]),
    )
    assert answer_scores(known, "sum").tolist() == [[-6, -4], [-1, -np.inf]]
    assert answer_scores(known, "characters").tolist() == [[-0.5, -1], [-0.2, -np.inf]]
    assert answer_scores(known, "tokens").tolist() == [[-2, -4], [-0.5, -np.inf]]
    assert answer_scores(known, "unconditional").tolist() == [[3, 1], [1, -np.inf]]


def test_lengths(scores: ChoiceScores) -> None:
    assert scores.characters.tolist() == [[7, 2, 12, 1], [6, 6, 1, 1], [1, 1, 2, 3]]
    tokenizer = tiny_tokenizer()
    of_first = [len(tokenizer(answer, add_special_tokens=False)["input_ids"]) for answer in ASKED[0].continuations]
    assert scores.tokens[0, :3].tolist() == of_first
    assert scores.unconditional is not None
    assert scores.unconditional[1, 0] == scores.unconditional[1, 1]


def test_truth_and_numbers_of_choices() -> None:
    assert truth_of(ASKED)[:2].tolist() == [1, 0]
    assert counts_of(ASKED).tolist() == [3, 2, 2]


def test_answers_judged_together_say_nothing_by_their_place() -> None:
    many = [Question(str(n), (f"q{n}",) * 2, (" a", " b"), (n % 2,), joint=True) for n in range(400)]
    assert 150 < truth_of(many).sum() < 250
    assert (truth_of(many) == truth_of(many)).all()


def test_names() -> None:
    assert names_of(3) == ("A", "B", "C")
    assert names_of(27)[-1] == "27"


def test_a_certain_model_stays_a_distribution() -> None:
    known = ChoiceScores(np.array([[-3.0, -9e7]]), np.ones((1, 2), int), np.ones((1, 2), int))
    assert choice_log_probs(ASKED[1:2], known, "sum", 2).tolist() == [[0, LOG_ZERO]]


def test_long_prompts_are_counted() -> None:
    scores = choice_scores(tiny_model(1), tiny_tokenizer(), ASKED, context=12)
    assert scores.cut == 3 + 1
    assert np.isfinite(scores.log_likelihoods[0, :3]).all()


def test_what_cannot_be_compared(scores: ChoiceScores) -> None:
    with pytest.raises(
        ConfigError, match="normalisation 'letters' is refused; give sum, characters, tokens, unconditi"
    ):
        answer_scores(scores, "letters")  # type: ignore[arg-type]
    without = choice_scores(tiny_model(1), tiny_tokenizer(), ASKED[:1])
    with pytest.raises(ConfigError, match="'unconditional' needs the answers scored without their contexts as well"):
        answer_scores(without, "unconditional")
