"""What greedy's options do: caps, bags, pruning, a sorted start, a second metric."""

from typing import Any

import numpy as np
import pytest

from lrensemble.errors import PredictionsError, SelectionError
from lrensemble.select import Validation, select, team_score
from lrensemble.select.methods.greedy_definition import ensemble_selection
from lrensemble.select.methods.shared.forward_selection import Rules, best_prefix
from lrensemble.select.scoring.incremental import incremental_team
from lrensemble.targets import Labels, LogProbs

MEMBERS, ROWS, CLASSES = 7, 97, 4


def validation_of(seed: int, cost: tuple[float, ...] = ()) -> Validation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=ROWS)
    probs = generator.dirichlet(np.ones(CLASSES), size=(MEMBERS, ROWS))
    probs[:, np.arange(ROWS), labels] += generator.uniform(0.3, 0.6, size=(MEMBERS, 1))
    return Validation(np.log(probs / probs.sum(axis=2, keepdims=True)).astype(np.float32), labels, cost=cost)


def rules(size: int, **options: Any) -> Rules:
    return Rules(size, np.ones(MEMBERS, dtype=bool), **options)


def test_the_definition_by_hand() -> None:
    """The truth is class 1: the first is right in two rows of four, with the second in three, with all in four."""
    of_truth = np.array([[0.9, 0.9, 0.4, 0.4], [0.4, 0.4, 0.9, 0.4], [0.3, 0.3, 0.3, 0.9]])
    validation = Validation(np.log(np.stack([1 - of_truth, of_truth], axis=2)), np.ones(4, dtype=np.int64))
    for size, counts in ((1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (5, (1, 1, 1))):  # none more helps
        assert ensemble_selection(validation, size, metric="accuracy") == counts


@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
def test_a_cap_on_members_binds_every_run_and_the_average(metric: str) -> None:
    for bootstrap in (0, 5):
        free = select(validation_of(1), f"greedy(bootstrap={bootstrap})", metric=metric)
        assert len(free.team) > 2, "otherwise the cap was never tested"
        capped = select(validation_of(1), f"greedy(bootstrap={bootstrap}, max_members=2)", metric=metric)
        assert len(capped.team) <= 2
        assert sum(capped.weights) == pytest.approx(1)
    counts = [
        best_prefix(incremental_team(validation_of(s), metric, "mean"), None, rules(25, max_members=2))[0]
        for s in range(6)
    ]
    assert max(count.sum() for count in counts) > 2, "members within the cap may still be added again"


def test_a_cap_on_cost_counts_each_member_once() -> None:
    cost = (5.0, 1.0, 2.0, 4.0, 3.0, 1.0, 2.0)
    for bootstrap in (0, 5):
        capped = select(validation_of(2, cost), f"greedy(bootstrap={bootstrap}, max_cost=4.0)")
        assert sum(cost[member] for member in capped.team) <= 4
    assert len(select(validation_of(2, cost), "greedy(bootstrap=0, max_cost=4.0)").team) > 1
    with pytest.raises(SelectionError, match=r"no member costs at most 0.5; the cheapest costs 1"):
        select(validation_of(2, cost), "greedy(max_cost=0.5)")
    with pytest.raises(SelectionError, match="the members have no costs"):
        select(validation_of(2), "greedy(max_cost=4.0)")
    with pytest.raises(PredictionsError, match="cost has 2 entries for 7 members"):
        validation_of(2, (1.0, 2.0))
    with pytest.raises(PredictionsError, match="costs are finite and not negative"):
        validation_of(2, (-1.0,) * MEMBERS)


def test_pruning_leaves_only_the_best_members() -> None:
    validation = validation_of(1)
    scores = [team_score(validation, (member,)) for member in range(MEMBERS)]
    best = set(np.argsort(scores)[-3:].tolist())
    pruned = select(validation, "greedy(bootstrap=0, keep=0.43)")
    assert set(pruned.team) <= best
    assert not set(select(validation, "greedy(bootstrap=0)").team) <= best, "otherwise pruning was never tested"
    assert len(select(validation, "greedy(bootstrap=0, keep=0.01)").team) == 1


def test_each_run_draws_its_own_bag() -> None:
    validation = validation_of(4)
    best = select(validation, "best").team[0]
    without = [
        best not in select(validation, "greedy(bootstrap=1, bag=0.5, prune=False)", seed=seed).team
        for seed in range(12)
    ]
    assert 1 <= sum(without) <= 11
    many, one = (select(validation, f"greedy(bootstrap={n}, bag=0.3, size=4, prune=False)", seed=0) for n in (20, 1))
    assert len(one.team) <= 2
    assert len(many.team) > 2


def test_a_sorted_start_takes_the_best_members_first() -> None:
    validation = validation_of(1)
    scores = np.array([team_score(validation, (member,)) for member in range(MEMBERS)])
    order = np.argsort(-scores, kind="stable")
    counts, _ = best_prefix(incremental_team(validation, "nll", "mean"), None, rules(3, start=3))
    assert counts.sum() in (1, 2, 3)
    assert set(np.flatnonzero(counts)) == set(order[: int(counts.sum())])
    assert counts.sum() > 1, "otherwise the order was never tested"
    free, _ = best_prefix(incremental_team(validation, "nll", "mean"), None, rules(12))
    started, _ = best_prefix(incremental_team(validation, "nll", "mean"), None, rules(12, start=4))
    assert (started[order[:4]] >= 1).all()
    assert free.tolist() != started.tolist()


def test_a_second_metric_breaks_ties() -> None:
    """Two members right on the same rows: accuracy cannot tell them apart, NLL prefers the surer one."""
    probs = np.array([[[0.6, 0.4], [0.6, 0.4]], [[0.9, 0.1], [0.6, 0.4]]])
    validation = Validation(np.log(probs), np.array([0, 1]))
    assert select(validation, "greedy(size=1, bootstrap=0)", metric="accuracy").team == (0,)
    assert select(validation, "greedy(size=1, bootstrap=0, tie_break='nll')", metric="accuracy").team == (1,)
    resampled = select(validation, "greedy(size=1, bootstrap=40, tie_break='nll')", metric="accuracy")
    assert resampled.weights[-1] > 0.5, "on each sample that holds the first row"


def test_with_everything_used_up_the_run_ends() -> None:
    counts, tried = best_prefix(incremental_team(validation_of(6), "nll", "mean"), None, rules(9, replacement=False))
    assert counts.max() == 1
    assert tried == MEMBERS * (MEMBERS + 1) // 2


def test_the_metric_of_ties_is_checked() -> None:
    first, *others = validation_of(0).predictions
    known = [Labels(first.argmax(axis=1)), *map(LogProbs, others)]
    labels_only = Validation(known, validation_of(0).truth)
    with pytest.raises(SelectionError, match="knows only labels"):
        select(labels_only, "greedy(tie_break='nll')", metric="accuracy")
