"""Paired differences: the interval over rows is that of `metrics.significance`, that over replicates Student's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from lrensemble.evaluate.study.findings.differences import Paired, differences, half_width, over_both, over_replicates
from lrensemble.evaluate.study.findings.reader import Measured
from lrensemble.evaluate.study.record import TEMPERED
from lrensemble.metrics import METRICS, row_values
from lrensemble.metrics.significance import Comparison, paired_scores, simultaneous_scores
from lrensemble.metrics.significance.influence import Rows

ROWS, REPLICATES, CLASSES = 90, 4, 3
Floats = NDArray[np.float64]


def probabilities(seed: int) -> Floats:
    logits = np.random.default_rng(seed).normal(size=(ROWS, CLASSES))
    logits[np.arange(ROWS), LABELS] += 0.8
    found: Floats = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return found


LABELS = np.arange(ROWS) % CLASSES
PREDICTED = [[probabilities(10 * pool + replicate) for replicate in range(REPLICATES)] for pool in range(3)]


def measured(metric: str, probs: Floats) -> Measured:
    values = row_values(metric, probs, LABELS)
    assert values is not None
    return Measured({metric: float(values.mean())}, {metric: values})


def table(metric: str, replicates: int) -> dict[str, Paired]:
    own = [[measured(metric, probs) for probs in pool[:replicates]] for pool in PREDICTED]
    return {"one": Paired(own[0], own[2]), "two": Paired(own[1], own[2])}


def same(found: Comparison, value: float, low: float | None, high: float | None, p_value: float | None) -> bool:
    ends = (value, low, high, p_value)
    assert None not in ends
    return bool(np.allclose([found.value, found.low, found.high, found.p_value], np.array(ends, dtype=np.float64)))


@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
def test_with_one_replicate_rows_are_judged_as_two_predictors_are(metric: str) -> None:
    found = differences(metric, table(metric, 1), Rows(LABELS))
    alone = paired_scores(metric, PREDICTED[0][0], PREDICTED[2][0], LABELS)
    joint = simultaneous_scores(metric, [PREDICTED[0][0], PREDICTED[1][0]], PREDICTED[2][0], LABELS)
    own = found["one"].rows
    assert same(alone, own.value, own.low, own.high, own.p_value)
    assert same(joint[0], own.value, own.adjusted_low, own.adjusted_high, own.adjusted_p)
    assert found["one"].replicates is None


def test_rows_are_averaged_over_replicates() -> None:
    found = differences("nll", table("nll", REPLICATES), Rows(LABELS))["two"]
    of_rows = np.mean(
        [
            -np.log(PREDICTED[1][r][np.arange(ROWS), LABELS]) + np.log(PREDICTED[2][r][np.arange(ROWS), LABELS])
            for r in range(REPLICATES)
        ],
        axis=0,
    )
    assert found.value == pytest.approx(-of_rows.mean())
    assert found.value == pytest.approx(np.mean(found.by_replicate))
    assert found.rows.low < found.value < found.rows.high
    wider = paired_scores("nll", PREDICTED[1][0], PREDICTED[2][0], LABELS)
    assert found.rows.high - found.rows.low < wider.high - wider.low


def test_a_metric_that_is_no_mean_is_judged_by_its_influences() -> None:
    generator = np.random.default_rng(3)
    truth = generator.normal(size=(ROWS, 2))
    said = [truth + spread * generator.normal(size=truth.shape) for spread in (0.5, 0.8)]
    own = [Measured({"rmse": METRICS.call("rmse", one, truth)}, {"rmse": one}) for one in said]
    found = differences("rmse", {"one": Paired(own[:1], own[1:])}, Rows(truth))["one"]
    expected = paired_scores("rmse", said[0], said[1], truth)
    assert same(expected, found.value, found.rows.low, found.rows.high, found.rows.p_value)
    assert found.value > 0  # a smaller error is a gain
    twice = differences("rmse", {"one": Paired(own[:1] * 2, own[1:] * 2)}, Rows(truth))["one"]
    assert twice.rows.low == pytest.approx(found.rows.low)


def test_the_interval_over_replicates_is_students() -> None:
    values = [0.011, 0.007, 0.019, 0.002, 0.013]
    found = over_replicates(values, comparisons=3)
    assert found is not None
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    low, high = stats.t.interval(1 - 0.05 / 3, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (found.adjusted_low, found.adjusted_high) == pytest.approx((low, high))
    assert found.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert found.adjusted_p == pytest.approx(3 * found.p_value)
    assert found.count == 5


def test_by_hand() -> None:
    found = over_replicates([1.0, 3.0])
    assert found is not None
    # mean 2, standard error 1, t of one degree of freedom 12.706; p = 2 / π · arctan(1 / 2)
    assert (found.low, found.high) == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-3)
    assert found.p_value == pytest.approx(2 / np.pi * np.arctan(0.5))
    assert half_width(3, 1) == pytest.approx(4.30265 / 3**0.5, abs=1e-4)


def test_over_both_the_distances_add_as_errors_do() -> None:
    replicates = over_replicates([1.0, 3.0])
    assert replicates is not None
    low, high = over_both(Comparison(2.0, -1.0, 4.0, 0.2), replicates)
    assert low == pytest.approx(2 - np.hypot(3, 12.7062), abs=1e-3)
    assert high == pytest.approx(2 + np.hypot(2, 12.7062), abs=1e-3)
    assert over_both(Comparison(2.0, -1.0, 4.0, 0.2), None) == (None, None)


@pytest.mark.parametrize("values", [[0.3], [0.25, 0.25, 0.25], [0.1 + 0.2, 0.3]])
def test_nothing_is_known_of_a_spread_that_was_not_seen(values: list[float]) -> None:
    assert over_replicates(values) is None


def pair(shift: float, spread: float, replicates: int) -> Paired:
    """Differences of one sign: of each row `shift`, and of each replicate another one more."""
    generator = np.random.default_rng(5)
    noise = 0.05 * generator.normal(size=ROWS)
    firsts = [shift + noise + spread * (place - (replicates - 1) / 2) for place in range(replicates)]
    return Paired(
        [Measured({"nll": float(1 - one.mean())}, {"nll": 1 - one}) for one in firsts],
        [Measured({"nll": 1.0}, {"nll": np.ones(ROWS)})] * replicates,
    )


@pytest.mark.parametrize(
    ("shift", "spread", "replicates", "reliability"),
    [
        (2.0, 0.01, 5, "rows and replicates"),
        (2.0, 3.0, 5, "none"),
        (2.0, 0.0, 1, "rows alone"),
        (0.0, 0.01, 5, "none"),
        (-2.0, 0.01, 5, "rows and replicates"),
    ],
)
def test_reliable_is_what_holds_over_rows_and_over_replicates(
    shift: float, spread: float, replicates: int, reliability: str
) -> None:
    found = differences("nll", {"one": pair(shift, spread, replicates)}, Rows(LABELS))["one"]
    assert found.value == pytest.approx(shift, abs=0.05)
    assert found.reliability == reliability


def test_only_replicates_that_both_have_are_paired() -> None:
    full = pair(1.0, 0.1, 4)
    fewer = Paired(full.firsts, [*full.seconds[:2], Measured({}), *full.seconds[3:]])
    assert len(differences("nll", {"one": fewer}, Rows(LABELS))["one"].by_replicate) == 3
    assert differences("nll", {"one": Paired(full.firsts, [Measured({})])}, Rows(LABELS)) == {}
    assert differences(TEMPERED, {"one": full}, Rows(LABELS)) == {}


def test_weights_and_groups_reach_the_interval() -> None:
    pairs, groups = {"one": pair(0.02, 0.0, 1)}, np.arange(ROWS) // 9
    plain = differences("nll", pairs, Rows(LABELS))["one"].rows
    grouped = differences("nll", pairs, Rows(LABELS, None, groups))["one"].rows
    weighted = differences("nll", pairs, Rows(LABELS, np.where(np.arange(ROWS) < 9, 5.0, 0.1)))["one"].rows
    assert len({round(one.low, 6) for one in (plain, grouped, weighted)}) == 3
