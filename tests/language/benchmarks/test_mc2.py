"""MC2 of TruthfulQA: the metric of a pool's choices is what lm-evaluation-harness reports."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrensemble.errors import SpecError
from lrensemble.language.benchmarks.base import Question
from lrensemble.language.choices import ChoiceScores, choice_log_probs, truth_of
from lrensemble.metrics import METRICS
from lrensemble.metrics.serving import require_target
from lrensemble.select import Validation, select
from lrensemble.targets import Choices, LogProbs

CHOICES = Choices(names=("A", "B"))


@pytest.fixture(scope="module")
def theirs() -> Callable[[dict[str, Any], list[tuple[float, bool]]], dict[str, float]]:
    """Their function alone: its file imports what they need for other tasks."""
    found = importlib.util.find_spec("lm_eval")
    if found is None or found.origin is None:
        pytest.skip("lm-eval is not installed")
    path = Path(found.origin).parent / "tasks" / "truthfulqa" / "utils.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "process_results_mc2"]
    names: dict[str, Any] = {"np": np}
    exec(compile(tree, str(path), "exec"), names)
    function: Callable[[dict[str, Any], list[tuple[float, bool]]], dict[str, float]] = names["process_results_mc2"]
    return function


def test_it_is_that_of_lm_evaluation_harness(theirs: Callable[..., dict[str, float]]) -> None:
    draw = np.random.default_rng(0)
    rights = [(0,), (1, 3), (0, 1, 2), (2,), (0, 4)]
    questions = [
        Question(f"{row}", (f"question {row}",) * 5, (" a",) * 5, right, joint=True) for row, right in enumerate(rights)
    ]
    scores = ChoiceScores(draw.normal(-20, 3, (5, 5)), np.ones((5, 5), np.int64), np.ones((5, 5), np.int64))
    said = LogProbs(choice_log_probs(questions, scores, "sum", 2))
    found = METRICS.call("mc2", CHOICES.seen(said), truth_of(questions))
    expected = [
        theirs(
            {"mc2_targets": {"labels": [int(place in right) for place in range(5)]}}, [(each, False) for each in own]
        )
        for right, own in zip(rights, scores.log_likelihoods, strict=True)
    ]
    assert found == pytest.approx(np.mean([each["acc"] for each in expected]), rel=1e-6)


def test_by_hand_and_at_the_edges() -> None:
    """Probabilities 0.2 and 0.6 of the truth: 0.4; the second row thrice: 0.5."""
    probs, truth = np.array([[0.2, 0.8, 0.0], [0.1, 0.3, 0.6]]), np.array([0, 2])
    assert METRICS.call("mc2", probs, truth) == pytest.approx(0.4)
    assert METRICS.call("mc2", probs, truth, np.array([1.0, 3.0])) == pytest.approx(0.5)
    assert METRICS.call("mc2", np.eye(3)[truth], truth) == 1
    assert METRICS.call("mc2", np.eye(3)[truth - 1], truth) == 0
    with pytest.raises(SpecError, match="metric 'mc2' is for choices, and the target here is classes; use one of "):
        require_target(METRICS, "mc2", "classes")


def test_a_team_may_be_chosen_by_it() -> None:
    """The mean of members has the mean of their MC2: the best one alone, whatever is added."""
    draw = np.random.default_rng(1)
    truth = draw.integers(2, size=40)
    said = [LogProbs(np.log(draw.dirichlet((2.0, 2.0), size=40)).astype(np.float32)) for _ in range(4)]
    of_truth = [float(np.exp(each.main[np.arange(40), truth]).mean()) for each in said]
    selection = select(Validation(said, truth, target=CHOICES), "greedy(bootstrap=0)", metric="mc2")
    assert selection.team == (int(np.argmax(of_truth)),)
    assert selection.score == pytest.approx(max(of_truth), rel=1e-6)
