"""Every benchmark that is registered: what it asks, and how, by hand; and on the shared files."""

from pathlib import Path

import pytest

from lrensemble.errors import DataError, SpecError
from lrensemble.language.benchmarks import BENCHMARKS, Question, Row, listed, read_benchmarks

ROW = Row("Who _ it?", ("the sun", "a moon", "no star"), (2,), id="7", subject="high_school_physics")


def asked_of(spec: str, row: Row = ROW) -> Question:
    question = BENCHMARKS.call(spec, row)
    assert question is not None
    return question


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in ("mmlu", "winogrande", "questions")])
def test_everything_registered_asks_one_context(name: str) -> None:
    question = asked_of(name)
    assert (question.id, question.right) == ("7", (2,))
    assert len(set(question.contexts)) == 1
    assert question.contexts[0].count(ROW.question) == 1
    assert all(text.startswith(" ") for text in question.continuations)
    facts = BENCHMARKS.facts(name)
    assert facts.files
    assert facts.repo.count("/") == 1
    assert not set(facts.val) & set(facts.test)


@pytest.mark.parametrize(
    ("spec", "context", "continuations"),
    [
        ("arc_easy", "Question: Who _ it?\nAnswer:", (" the sun", " a moon", " no star")),
        ("arc_challenge", "Question: Who _ it?\nAnswer:", (" the sun", " a moon", " no star")),
        ("piqa", "Question: Who _ it?\nAnswer:", (" the sun", " a moon", " no star")),
        ("openbookqa", "Who _ it?", (" the sun", " a moon", " no star")),
        ("hellaswag", "Who _ it?", (" the sun", " a moon", " no star")),
        ("boolq", "Who _ it?\nAnswer:", (" the sun", " a moon", " no star")),
        (
            "commonsense_qa",
            "Question: Who _ it?\nA. the sun\nB. a moon\nC. no star\nAnswer:",
            (" A", " B", " C"),
        ),
        ("mmlu", "Who _ it?\nA. the sun\nB. a moon\nC. no star\nAnswer:", (" A", " B", " C")),
        ("questions(path='q.jsonl')", "Question: Who _ it?\nAnswer:", (" the sun", " a moon", " no star")),
        ("questions(path='q.jsonl', prompt='{question} ->')", "Who _ it? ->", (" the sun", " a moon", " no star")),
        (
            "questions(path='q.jsonl', prompt='{question}\\n{choices}\\n')",
            "Who _ it?\nA. the sun\nB. a moon\nC. no star\n",
            (" A", " B", " C"),
        ),
    ],
)
def test_prompts_by_hand(spec: str, context: str, continuations: tuple[str, ...]) -> None:
    question = asked_of(spec)
    assert set(question.contexts) == {context}
    assert question.continuations == continuations
    assert question.example == context + continuations[2]


def test_winogrande_scores_what_follows_the_gap() -> None:
    question = asked_of("winogrande")
    assert question.contexts == ("Who the sun", "Who a moon", "Who no star")
    assert question.continuations == (" it?",) * 3
    assert question.example == "Who no star it?"
    with pytest.raises(DataError, match=r"asks for the gap '_' in a sentence, and 'Who is it\?' has none"):
        BENCHMARKS.call("winogrande", Row("Who is it?", ("a", "b"), (0,)))


def test_mmlu_by_subject() -> None:
    question = asked_of("mmlu")
    assert question.preamble == (
        "The following are multiple choice questions (with answers) about high school physics.\n\n"
    )
    assert question.part == ""
    assert asked_of("mmlu(by_subject=true)").part == "high_school_physics"
    assert asked_of("mmlu(subject='high_school_physics')").part == "high_school_physics"
    assert BENCHMARKS.call("mmlu(subject='anatomy')", ROW) is None


def test_truthfulqa_has_examples_of_its_own() -> None:
    first, second = asked_of("truthfulqa_mc1"), asked_of("truthfulqa_mc2")
    assert first.contexts == second.contexts
    assert first.contexts[0].startswith("Q: What is human life expectancy in the United States?\nA: Human life")
    assert first.contexts[0].endswith("held in Barcelona, Spain.\n\nQ: Who _ it?\nA:")
    assert (first.joint, second.joint) == (False, True)


def test_prompts_that_ask_nothing() -> None:
    with pytest.raises(SpecError, match=r"prompt = 'who' asks nothing; give a text with \{question\} in it"):
        BENCHMARKS.call("questions(path='q.jsonl', prompt='who')", ROW)
    many = Row("who?", tuple(f"answer {number}" for number in range(27)), (0,), id="9")
    with pytest.raises(DataError, match="question 9 has 27 answers; 26 can be listed by letters"):
        BENCHMARKS.call("mmlu", many)
    assert listed(many).endswith("\nZ. answer 25")


def test_what_is_in_a_question_is_not_filled_in() -> None:
    row = Row("is {choices} of {question}?", ("a", "b"), (0,))
    assert asked_of("questions(path='q.jsonl')", row).contexts[0] == "Question: is {choices} of {question}?\nAnswer:"


ROWS = {
    "arc_easy": (570, 2376),
    "arc_challenge": (299, 1172),
    "openbookqa": (500, 500),
    "hellaswag": (0, 1000),
    "piqa": (1838, 1838),
    "winogrande": (1267, 1267),
    "boolq": (3270, 3270),
    "commonsense_qa": (1221, 1221),
    "mmlu": (1531, 14042),
    "truthfulqa_mc1": (0, 817),
    "truthfulqa_mc2": (0, 817),
}
"""Validation and test rows of the shared files, as they are published; those from training rows are no more than those
of the test."""


LARGE = ("piqa", "winogrande", "boolq", "commonsense_qa", "mmlu")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name in LARGE)) for name in ROWS])
def test_the_shared_files(shared_data: Path, name: str) -> None:
    (found,) = read_benchmarks([name], shared_data)
    assert (len(found.val), {key: len(each) for key, each in found.test.items()}) == (
        ROWS[name][0],
        {name: ROWS[name][1]},
    )
    for questions in (found.val, found.test[name]):
        assert len({question.id for question in questions}) == len(questions)
        assert all(0 <= place < len(question.contexts) for question in questions for place in question.right)


@pytest.mark.long
def test_subjects_of_the_shared_files(shared_data: Path) -> None:
    (found,) = read_benchmarks(["mmlu(by_subject=true)"], shared_data, shots=1, val_rows=50)
    assert len(found.test) == 57
    assert sum(map(len, found.test.values())) == 14042
    assert len(found.test["mmlu-anatomy"]) == 135
    assert len(found.val) == 50
    context = found.test["mmlu-anatomy"][0].contexts[0]
    assert context.startswith("The following are multiple choice questions (with answers) about anatomy.\n\n")
    assert context.count("Answer:") == 2
