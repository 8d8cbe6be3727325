"""Rows of multiple-choice sets in our form, from the form in which their authors or the Hugging Face hub have them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from lrensemble.language.benchmarks.base import Raw, Row


def of_labels(raw: Raw) -> Row:
    """ARC, OpenBookQA and CommonsenseQA: texts with labels beside them, and the label of the right one."""
    choices: Mapping[str, Sequence[str]] = raw["choices"]
    key, labels = str(raw["answerKey"]).strip(), list(choices["label"])
    return Row(
        question=raw["question_stem"] if "question_stem" in raw else raw["question"],
        choices=tuple(choices["text"]),
        right=(labels.index(key),) if key in labels else (),
        id=str(raw.get("id", "")),
    )


def of_hellaswag(raw: Raw) -> Row:
    """HellaSwag: what is told so far, and four ends; marks of WikiHow are taken out, as lm-evaluation-harness does."""
    context = f"{raw['ctx_a']} {raw['ctx_b'].capitalize()}"
    return Row(
        question=_without_marks(f"{raw['activity_label']}: {context}"),
        choices=tuple(map(_without_marks, raw["endings"])),
        right=_place(raw["label"]),
        id=str(raw.get("ind", "")),
    )


def of_piqa(raw: Raw) -> Row:
    """PIQA: an aim, and two ways to it."""
    return Row(question=raw["goal"], choices=(raw["sol1"], raw["sol2"]), right=_place(raw["label"]))


def of_winogrande(raw: Raw) -> Row:
    """WinoGrande: a sentence with a gap, and two names for it, counted from 1."""
    right = tuple(place - 1 for place in _place(raw["answer"]))
    return Row(question=raw["sentence"], choices=(raw["option1"], raw["option2"]), right=right)


def of_boolq(raw: Raw) -> Row:
    """BoolQ: a passage and a question of yes or no."""
    right = {1: (0,), 0: (1,)}.get(int(raw["label"]), ())
    question = f"{raw['passage']}\nQuestion: {raw['question'].rstrip('?')}?"
    return Row(question=question, choices=("yes", "no"), right=right, id=str(raw.get("idx", "")))


def of_truthfulqa_mc1(raw: Raw) -> Row:
    """TruthfulQA with its best answer among the wrong ones (Lin et al. 2022, MC1)."""
    if "mc1_targets" in raw:
        return _of_targets(raw["question"], raw["mc1_targets"])
    return _answers_of(raw["Question"], [raw["Best Answer"]], _listed(raw["Incorrect Answers"]))


def of_truthfulqa_mc2(raw: Raw) -> Row:
    """TruthfulQA with all of its right and wrong answers (Lin et al. 2022, MC2)."""
    if "mc2_targets" in raw:
        return _of_targets(raw["question"], raw["mc2_targets"])
    return _answers_of(raw["Question"], _listed(raw["Correct Answers"]), _listed(raw["Incorrect Answers"]))


def _of_targets(question: str, targets: Mapping[str, Sequence[object]]) -> Row:
    pairs = list(zip(map(str, targets["choices"]), targets["labels"], strict=True))
    return _answers_of(question, [text for text, label in pairs if label], [text for text, label in pairs if not label])


def _answers_of(question: str, right: Sequence[str], wrong: Sequence[str]) -> Row:
    """Row with its answers in an order that says nothing of which are right, though everybody has the same.

    The authors have the right ones first: a consensus that learns from places would learn that.
    """
    known = [(text, True) for text in right] + [(text, False) for text in wrong]
    known.sort(key=lambda each: hashlib.sha256(f"{question}\n{each[0]}".encode()).digest())
    places = tuple(place for place, (_, is_right) in enumerate(known) if is_right)
    return Row(question=question, choices=tuple(text for text, _ in known), right=places)


def _listed(answers: str) -> list[str]:
    """The answers of a text that holds several."""
    return [each.strip() for each in answers.split(";") if each.strip()]


def _place(label: object) -> tuple[int, ...]:
    """The place of the right answer, whether it is a number or its digits; none where it is kept secret."""
    text = str(label)
    return (int(text),) if re.fullmatch(r"\d+", text) else ()


def _without_marks(text: str) -> str:
    bare = re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". "))
    return bare.replace("  ", " ")
