"""The whole judgement of hand-made pools: each verdict, several metrics, nothing selected, what is noted beside."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.pools import SMALL, blocks, pool_of, said

from lrensemble.cli.select import choose_all
from lrensemble.errors import PoolError, SelectionError
from lrensemble.evaluate import choose, evaluate, load, why_not_chosen
from lrensemble.pool import Pool
from lrensemble.select import Validation

VAL, TEST, CLASSES = 300, 900, 3
APART = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6))
"""Three members that err on rows of their own: together they never do."""
TOGETHER = ((0.0, 0.2), (0.0, 0.25), (0.0, 0.3))
"""The errors of the first are those of all."""


def labels(rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(rows) % CLASSES


def pool(
    folder: Path,
    val: tuple[tuple[float, float], ...],
    test: tuple[tuple[float, float], ...],
    confidences: tuple[float, ...] = (0.8, 0.8, 0.8),
) -> Pool:
    said_on = [
        np.stack(
            [said(labels(rows), one, CLASSES, sure) for one, sure in zip(blocks(rows, wrong), confidences, strict=True)]
        )
        for rows, wrong in ((VAL, val), (TEST, test))
    ]
    names = ("a", "b", "c")[: len(val)]
    return pool_of(folder, (labels(VAL), said_on[0]), (labels(TEST), said_on[1]), names=names)


@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier", "balanced_accuracy"])
def test_better_by_every_metric(tmp_path: Path, metric: str) -> None:
    made = pool(tmp_path, APART, APART)
    result = evaluate(made, [choose(made, "all", metric=metric)])
    assert (result.verdict.metric, result.verdict.kind, result.verdict.method) == (metric, "better", "all")
    assert set(result.teams["all"].gain) == {metric, "accuracy", "nll"}
    assert set(result.teams["all"].gain_over_tempered) == {"nll", "brier"} & {metric, "nll"}
    assert result.teams["all"].test.by(metric) is not None


def test_worse_where_test_rows_are_unlike_val(tmp_path: Path) -> None:
    """On test the two that were good helpers err together, and outvote the best."""
    made = pool(tmp_path, APART, ((0.0, 0.02), (0.3, 0.7), (0.3, 0.7)))
    result = evaluate(made, [choose(made, "all", metric="accuracy")])
    assert result.verdict.kind == "worse"
    assert result.verdict.text.startswith("The ensemble is worse: all, a team of 3, ")


def test_no_team_where_all_err_together(tmp_path: Path) -> None:
    made = pool(tmp_path, TOGETHER, TOGETHER)
    result = evaluate(made, [choose(made, method, metric="accuracy") for method in ("all", "top_k(k=2)", SMALL)])
    assert (result.verdict.kind, result.verdict.method) == ("no team", None)
    assert result.verdict.text.startswith("No team beats a: ship that one.")
    assert result.best_single.name == "a"
    assert {"all", "top_k(k=2)", SMALL, "best"} == set(result.teams), "they stand in the table all the same"


def test_a_pool_of_one_has_no_team(tmp_path: Path) -> None:
    made = pool(tmp_path, ((0.0, 0.2),), ((0.0, 0.2),), (0.8,))
    result = evaluate(made, [])
    assert result.verdict.text.startswith("No team beats a: ship that one.")
    assert all(len(team.team) == 1 for team in result.teams.values())


def test_teams_that_aim_at_different_metrics_are_judged_by_each(tmp_path: Path) -> None:
    made = pool(tmp_path, APART, APART)
    teams = [choose(made, "all", metric=metric) for metric in ("accuracy", "nll")]
    for order in (teams, teams[::-1]):
        result = evaluate(made, order)
        assert [verdict.metric for verdict in result.verdicts] == ["nll", "accuracy"]
        assert result.verdict == result.verdicts[0]
        assert {"nll", "accuracy"} == set(result.references)
        assert {"all by nll, mean", "all by accuracy, mean"} < set(result.teams)


def test_where_nothing_was_selected_the_default_method_chooses_and_says_so(tmp_path: Path) -> None:
    made = pool(tmp_path, APART, APART)
    result = evaluate(made, ())
    assert "greedy" in result.teams
    assert result.notes[0] == "Nothing was selected, so the default method has chosen a team now: greedy."
    assert [team.method for team in load(made)] == ["greedy"], "it is kept, to be exported"


def test_methods_that_have_no_team_are_handed_on(tmp_path: Path) -> None:
    made = pool(tmp_path, APART, APART)
    with pytest.raises(SelectionError) as failed:
        choose(made, "top_k(k=9)")
    refused = why_not_chosen("top_k(k=9)", failed.value)
    assert refused == "k = 9 is above the pool; it has 3 members to choose from"
    result = evaluate(made, [choose(made, "all")], not_run={"top_k(k=9)": refused})
    assert result.not_run == {"top_k(k=9)": refused}


def test_a_method_that_breaks_is_a_reason_and_not_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pool(tmp_path, APART, APART)

    def broken(_: Validation, *__: object, **___: object) -> None:
        raise ZeroDivisionError("of a library")

    monkeypatch.setattr(import_module("lrensemble.front.teams"), "select_on", broken)
    with pytest.raises(SelectionError, match=r"^ZeroDivisionError: of a library$"):
        choose_all(made, ["all"], metric=None, consensus="mean", seed=0)


def test_a_member_that_learned_nothing_is_named_and_left_out(tmp_path: Path) -> None:
    made = pool(tmp_path, (*APART[:2], (0.0, 1.0)), (*APART[:2], (0.0, 1.0)))
    result = evaluate(made, [choose(made, "all")])
    status = {member.name: member.status for member in result.members}
    assert status == {"a": "finished", "b": "finished", "c": "learned nothing"}
    assert "c learned nothing: no better than chance on val." in result.notes
    assert len(result.teams["all"].team) == 2


def test_the_temperature_of_the_single_model_is_fitted_on_val(tmp_path: Path) -> None:
    """It says 0.99 where it is right in 0.8: then odds of 4 are right, and T = ln(198) / ln(8)."""
    made = pool(tmp_path, APART, APART, (0.99, 0.98, 0.97))
    result = evaluate(made, [choose(made, "all")])
    reference = result.references["nll"]
    assert reference.tempered is not None
    assert reference.tempered.temperature > 1.5
    assert reference.tempered.test.accuracy == reference.test.accuracy
    assert reference.tempered.val.nll is not None
    assert reference.val.nll is not None
    assert reference.tempered.val.nll < reference.val.nll
    assert not reference.tempered.at_limit


def test_a_temperature_at_its_limit_is_told(tmp_path: Path) -> None:
    never = ((0.0, 0.0), (0.0, 0.5), (0.2, 0.9))
    made = pool(tmp_path, never, never, (0.6, 0.6, 0.6))
    result = evaluate(made, [choose(made, "all", metric="nll")])
    told = [
        note for note in result.notes if note.startswith("The temperature of a, the best by NLL, ended at the border")
    ]
    assert len(told) == 1


def test_without_members_there_is_nothing_to_judge(tmp_path: Path) -> None:
    made = pool(tmp_path, APART, APART)
    for member in made.members():
        member.folder.rename(tmp_path / member.id)
    with pytest.raises(PoolError, match="has no finished member to evaluate"):
        evaluate(made, [])
