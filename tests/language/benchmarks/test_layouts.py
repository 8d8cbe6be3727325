"""Rows as the hub and their authors have them, by hand."""

from typing import Any

import pytest

from lrensemble.language.benchmarks import BENCHMARKS, Row

TEXTS = {"text": ["a", "b", "c"], "label": ["A", "B", "C"]}

HUB: dict[str, tuple[dict[str, Any], Row]] = {
    "arc_easy": (
        {"id": "M1", "question": "q?", "choices": TEXTS, "answerKey": "B"},
        Row("q?", ("a", "b", "c"), (1,), id="M1"),
    ),
    "openbookqa": (
        {"id": "7", "question_stem": "so", "choices": TEXTS, "answerKey": "C "},
        Row("so", ("a", "b", "c"), (2,), id="7"),
    ),
    "commonsense_qa": (
        {"id": "x", "question": "q?", "question_concept": "n", "choices": TEXTS, "answerKey": ""},
        Row("q?", ("a", "b", "c"), (), id="x"),
    ),
    "hellaswag": (
        {
            "ind": 24,
            "activity_label": "Roof",
            "ctx_a": "A man [header] sits. [title] He",
            "ctx_b": "starts  now",
            "endings": [" goes [step] on", "ends"],
            "label": "1",
        },
        Row("Roof: A man sits.. He Starts now", ("goes on", "ends"), (1,), id="24"),
    ),
    "piqa": ({"goal": "to", "sol1": "a", "sol2": "b", "label": 1}, Row("to", ("a", "b"), (1,))),
    "winogrande": (
        {"sentence": "x _ y", "option1": "a", "option2": "b", "answer": "2"},
        Row("x _ y", ("a", "b"), (1,)),
    ),
    "boolq": (
        {"passage": "P.", "question": "is it", "idx": 3, "label": 1},
        Row("P.\nQuestion: is it?", ("yes", "no"), (0,), id="3"),
    ),
}


@pytest.mark.parametrize("name", HUB)
def test_by_hand(name: str) -> None:
    raw, row = HUB[name]
    assert BENCHMARKS.facts(name).layout(raw) == row


def test_secret_answers_are_none() -> None:
    layout = BENCHMARKS.facts("piqa").layout
    assert layout({"goal": "to", "sol1": "a", "sol2": "b", "label": -1}).right == ()
    assert BENCHMARKS.facts("winogrande").layout({**HUB["winogrande"][0], "answer": ""}).right == ()


def test_truthfulqa_of_its_authors_and_of_the_hub() -> None:
    authors = {
        "Question": "what?",
        "Best Answer": "none",
        "Correct Answers": "none; no one ; ",
        "Incorrect Answers": "all; some; two",
    }
    first = BENCHMARKS.facts("truthfulqa_mc1").layout(authors)
    assert sorted(first.choices) == ["all", "none", "some", "two"]
    assert [first.choices[place] for place in first.right] == ["none"]
    second = BENCHMARKS.facts("truthfulqa_mc2").layout(authors)
    assert {second.choices[place] for place in second.right} == {"none", "no one"}
    assert len(second.choices) == 5
    targets = {"choices": ["none", "all", "some", "two"], "labels": [1, 0, 0, 0]}
    assert BENCHMARKS.facts("truthfulqa_mc1").layout({"question": "what?", "mc1_targets": targets}) == first


def test_the_right_answer_stands_in_every_place() -> None:
    """Its authors have it first; who learns from places would learn that."""
    layout = BENCHMARKS.facts("truthfulqa_mc1").layout
    targets = {"choices": ["right", "wrong", "bad", "worse"], "labels": [1, 0, 0, 0]}
    places = [layout({"question": f"q{number}", "mc1_targets": targets}).right[0] for number in range(400)]
    assert all(70 < places.count(place) < 130 for place in range(4))
