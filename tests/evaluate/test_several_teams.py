"""Teams that share a method, metrics of a user's own, metrics that are not defined on the rows, stored results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.evaluate.pools import SMALL, blocks, pool_of, said

from lrensemble.errors import SelectionError
from lrensemble.evaluate import choose, evaluate, load, save, scores, stored_result, why_not_chosen, write_result
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect

ROWS, CLASSES = 180, 3
LABELS = np.arange(ROWS) % CLASSES
WRONG = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6))


def three(folder: Path) -> Pool:
    probs = np.stack([said(LABELS, one, CLASSES) for one in blocks(ROWS, WRONG)])
    return pool_of(folder, (LABELS, probs), (LABELS, probs), names=("a", "b", "c"))


def test_a_method_used_once_is_named_by_itself_and_twice_with_what_differs(tmp_path: Path) -> None:
    pool = three(tmp_path)
    method = "greedy(size=3, bootstrap=0)"
    once = evaluate(pool, [choose(pool, method, folds=0)])
    assert method in once.teams
    twice = evaluate(
        pool,
        [
            choose(pool, method, metric="accuracy", consensus="plurality", folds=0),
            choose(pool, method, metric="accuracy", consensus="tempered", folds=0),
        ],
    )
    assert {f"{method} by accuracy, plurality", f"{method} by accuracy, tempered"} < set(twice.teams)
    assert method not in twice.teams


def test_the_order_of_the_table_is_that_of_the_registered_methods(tmp_path: Path) -> None:
    pool = three(tmp_path)
    methods = (SMALL, "brute_force", "top_k(k=2)", "all")
    tables = []
    for order in (methods, methods[::-1]):
        result = evaluate(pool, [choose(pool, method, folds=0) for method in order])
        tables.append(list(result.teams))
    assert tables[0] == tables[1]
    assert set(methods) < set(tables[0])


@pytest.fixture
def own_metrics() -> Iterator[None]:
    """A loss, and a metric that needs a row of class 2."""

    def share_of_misses(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
        return float(np.mean(probs.argmax(axis=1) != labels))

    def third_class(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
        if not (labels == 2).any():
            raise ValueError("no row of class 2")
        return float(probs[labels == 2, 2].mean())

    METRICS.register(higher_is_better=False, needs="labels", lowest=0.0, highest=1.0)(share_of_misses)
    METRICS.register(higher_is_better=True, lowest=0.0, highest=1.0)(third_class)
    yield
    for name in ("share_of_misses", "third_class"):
        METRICS._functions.pop(name)


@pytest.mark.usefixtures("own_metrics")
def test_a_metric_of_ones_own_is_judged_in_its_own_direction(tmp_path: Path) -> None:
    """A loss: what errs least is the best, and less is a gain."""
    pool = three(tmp_path)
    result = evaluate(pool, [choose(pool, "all", metric="share_of_misses")])
    team = result.teams["all"]
    assert team.test.others["share_of_misses"] == 0.0
    assert team.gain["share_of_misses"].value == pytest.approx(0.2)
    assert result.references["share_of_misses"].test.others["share_of_misses"] == pytest.approx(0.2)
    assert result.verdict.kind == "better"


@pytest.mark.usefixtures("own_metrics")
def test_a_metric_that_is_not_defined_on_the_rows_is_none_and_not_an_end() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    probs = np.tile([0.7, 0.2, 0.1], (5, 1))
    found = scores(probs, labels, metrics=("third_class",))
    assert found.others == {"third_class": None}
    assert found.by("third_class") is None
    assert found.accuracy == 0.6


def test_a_method_that_cannot_aim_at_a_metric_is_a_line(tmp_path: Path) -> None:
    pool = three(tmp_path)
    with pytest.raises(SelectionError) as failed:
        choose(pool, "top_k(k=4)")
    refused = why_not_chosen("top_k(k=4)", failed.value)
    assert "\n" not in refused


def test_too_few_rows_for_folds_are_a_caution_and_not_a_refusal(tmp_path: Path) -> None:
    labels = np.array([1])
    probs = np.array([[[0.3, 0.7]], [[0.4, 0.6]]])
    pool = pool_of(tmp_path, (labels, probs), (labels, probs), names=("a", "b"))
    team = choose(pool, "all")
    assert team.cross_fitted is None
    assert team.caution


class TestStoredResult:
    """What was evaluated is not evaluated again, as long as it is the same."""

    @staticmethod
    def stored(pool: Pool) -> Path:
        save(pool, choose(pool, "all", folds=3))
        path = pool.folder / "result.json"
        write_result(evaluate(pool, load(pool)), path)
        return path

    def test_it_is_found_in_the_pool(self, tmp_path: Path) -> None:
        pool = three(tmp_path)
        self.stored(pool)
        found = stored_result(pool, load(pool))
        assert found is not None
        assert found.looks == 1

    def test_a_team_more_is_another_evaluation(self, tmp_path: Path) -> None:
        pool = three(tmp_path)
        self.stored(pool)
        more = choose(pool, "top_k(k=2)", folds=0)
        assert stored_result(pool, [*load(pool), more]) is None

    def test_other_weights_of_a_team_are_another_evaluation(self, tmp_path: Path) -> None:
        pool = three(tmp_path)
        self.stored(pool)
        (team,) = load(pool)
        assert stored_result(pool, [team.model_copy(update={"weights": (0.5, 0.25, 0.25)})]) is None

    def test_a_member_more_is_another_evaluation(self, tmp_path: Path) -> None:
        pool = three(tmp_path)
        self.stored(pool)
        teams = load(pool)
        probs = said(LABELS, blocks(ROWS, ((0.1, 0.2),))[0], CLASSES)[None]
        arrays = {"probs": probs, "labels": LABELS, "test_probs": probs, "test_labels": LABELS}
        np.savez(tmp_path / "d.npz", names=np.array(["d"]), **arrays)  # type: ignore[arg-type]
        collect([tmp_path / "d.npz"], pool.folder)
        assert stored_result(Pool.open(pool.folder), teams) is None

    def test_rows_that_have_groups_now_are_another_evaluation(self, tmp_path: Path) -> None:
        """Intervals are wider where rows go together."""
        pool = three(tmp_path)
        self.stored(pool)
        groups = np.arange(ROWS) // 10
        with np.load(tmp_path / "predictions.npz") as arrays:
            np.savez(tmp_path / "grouped.npz", groups=groups, test_groups=groups, **arrays)
        again = collect([tmp_path / "grouped.npz"], pool.folder).pool
        assert stored_result(again, load(again)) is None
