"""Members that know only labels: no score is made up for them, and defaults aim at what they can serve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.pools import SMALL, blocks, pool_of, said

from lrensemble.evaluate import Result, Scores, choose, default_metric, evaluate
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect

VAL, TEST, CLASSES = 84, 120, 7
WRONG = ((0.0, 0.25), (0.25, 0.5), (0.6, 0.9))
NEED_MORE = ("nll", "brier", "ece", "top5_accuracy")


def labels_of(rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(rows) % CLASSES


def named(rows: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """[member, sample] the classes that three members name."""
    return np.where(blocks(rows, WRONG), labels_of(rows), (labels_of(rows) + 1) % CLASSES)


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return pool_of(tmp_path, (labels_of(VAL), named(VAL)), (labels_of(TEST), named(TEST)), form="top1")


def invented(result: Result) -> list[object]:
    """Scores beyond accuracy, of whomever."""
    scores: list[Scores | None] = []
    for member in result.members:
        scores += [member.val, member.test]
    for reference in result.references.values():
        scores += [reference.val, reference.test]
    for team in result.teams.values():
        scores += [team.val, team.test]
    return [getattr(one, name) for one in scores if one for name in NEED_MORE if getattr(one, name) is not None]


def test_by_default_teams_of_labels_aim_at_accuracy(pool: Pool) -> None:
    assert default_metric(pool) == "accuracy"
    assert choose(pool, SMALL).metric == "accuracy"


def test_no_score_is_made_up(pool: Pool) -> None:
    result = evaluate(pool, [choose(pool, "all", consensus="plurality"), choose(pool, SMALL)])
    assert invented(result) == []
    assert result.references["accuracy"].tempered is None
    assert set(result.teams["all"].gain) == {"accuracy"}
    assert result.teams["all"].gain_over_tempered == {}
    assert result.teams["all"].test.accuracy == pytest.approx(np.mean(np.sum(blocks(TEST, WRONG), axis=0) >= 2))


def test_a_team_with_one_member_that_knows_only_labels_has_no_probabilities(pool: Pool, tmp_path: Path) -> None:
    probs, test_probs = (
        said(labels_of(rows), blocks(rows, ((0.3, 0.5),))[0], CLASSES)[None].astype(np.float32) for rows in (VAL, TEST)
    )
    labels = {"labels": labels_of(VAL), "test_labels": labels_of(TEST)}
    np.savez(tmp_path / "more.npz", probs=probs, test_probs=test_probs, names=np.array(["sure"]), **labels)  # type: ignore[arg-type]
    collect([tmp_path / "more.npz"], pool.folder)
    result = evaluate(pool, [choose(pool, "all")])
    sure = next(member for member in result.members if member.name == "sure")
    assert sure.test is not None
    assert sure.test.nll is not None
    assert result.teams["all"].test.nll is None
