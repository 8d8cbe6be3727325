"""Texts of questions, as people read them, beside a pool of answers."""

from pathlib import Path

import numpy as np
import pytest
from tests.language.benchmarks.sets import rows_of, write

from lrensemble.errors import PoolError
from lrensemble.files import seal
from lrensemble.language.answering import rows_asked
from lrensemble.language.benchmarks import Question, read_benchmarks
from lrensemble.language.choices import ChoiceScores, choice_log_probs, truth_of
from lrensemble.language.members import pool_of
from lrensemble.language.questions import QUESTIONS, read_questions, text_of
from lrensemble.pool import Pool


def test_a_question_and_its_choices() -> None:
    question = Question("q", ("Question: why?\nAnswer:",) * 2, (" this", " that"), (1,))
    assert text_of(question).model_dump() == {"question": "Question: why?\nAnswer:", "choices": ("this", "that")}
    assert text_of(question.after("Question: a?\nAnswer: b\n\n")) == text_of(question)


def test_answers_that_are_filled_in() -> None:
    contexts = ("Ann saw Bob since Ann", "Ann saw Bob since Andrew")
    found = text_of(Question("q", contexts, (" was there",) * 2, (0,)))
    assert (found.question, found.choices) == ("Ann saw Bob since _ was there", ("Ann", "Andrew"))


@pytest.mark.parametrize("place", range(6))
def test_answers_judged_together_stand_as_the_members_see_them(place: int) -> None:
    """The right ones are the first choice of about half of the questions."""
    question = Question("q", (f"why {place}",) * 3, (" a", " b", " c"), (0, 2), joint=True)
    ones = np.ones((1, 3), dtype=np.int64)
    scores = ChoiceScores(np.log([[0.5, 0.2, 0.3]]), ones, ones)
    said = np.exp(choice_log_probs([question], scores, "sum", 2)[0])
    right = int(truth_of([question])[0])
    assert said[right] == pytest.approx(0.8)
    assert text_of(question).choices[right] == "a; c"
    assert text_of(question).choices[1 - right] == "b"


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    write(tmp_path / "arc_easy.validation.jsonl", rows_of(5))
    write(tmp_path / "arc_easy.test.jsonl", rows_of(7, first=100))
    return pool_of(tmp_path / "a pool", rows_asked(read_benchmarks(["arc_easy"], tmp_path)))


def test_they_are_kept_beside_the_pool_and_written_once(pool: Pool) -> None:
    found = read_questions(pool)
    assert {split: len(texts) for split, texts in found.items()} == {"val": 5, "test:arc_easy": 7}
    assert found["test:arc_easy"][0].question == "Question: what is the 100?\nAnswer:"
    assert found["test:arc_easy"][0].choices[0] == "the 100"
    path = pool.folder / QUESTIONS
    before = path.stat().st_mtime_ns
    pool_of(pool.folder, rows_asked(read_benchmarks(["arc_easy"], pool.folder.parent)))
    assert path.stat().st_mtime_ns == before


def test_a_pool_without_them_and_one_with_others(pool: Pool) -> None:
    path = pool.folder / QUESTIONS
    texts = [{"question": "one", "choices": ["a", "b"]}]
    path.write_bytes(seal({"questions": {"test:arc_easy": texts}}))
    with pytest.raises(PoolError, match="has 1 questions of test:arc_easy, and the pool has 7 rows of it; remove"):
        read_questions(pool)
    path.write_bytes(seal({"questions": {"test:other": texts}}))
    with pytest.raises(PoolError, match="has 1 questions of test:other, and the pool has no such split"):
        read_questions(pool)
    path.unlink()
    assert read_questions(pool) == {}
