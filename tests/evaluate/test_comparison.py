"""Gains of one team alone and of many in a table: like with like, adjusted, by any metric, with weights and groups."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.pools import blocks, said

from lrensemble.evaluate import gains
from lrensemble.evaluate.comparison import gains_in_table

ROWS, CLASSES = 400, 5
LABELS = np.arange(ROWS) % CLASSES
RIGHT = blocks(ROWS, ((0.0, 0.2), (0.1, 0.2), (0.1, 0.28), (0.0, 0.2)))
SINGLE, BETTER, OTHER, SAME = (said(LABELS, one, CLASSES) for one in RIGHT)


def test_values_are_differences_of_what_is_measured() -> None:
    found = gains(BETTER, SINGLE, LABELS, metrics=("accuracy", "nll", "brier", "balanced_accuracy"))
    assert found["accuracy"].value == pytest.approx(0.1)
    assert found["balanced_accuracy"].value == pytest.approx(0.1), "classes are of one size"
    right, wrong = -np.log(0.8), -np.log(0.05)
    assert found["nll"].value == pytest.approx(0.1 * (wrong - right))
    assert found["brier"].value == pytest.approx(0.1 * (0.95**2 + 0.8**2 + 3 * 0.05**2 - (0.2**2 + 4 * 0.05**2)))
    assert all(gain.low <= gain.value <= gain.high for gain in found.values())
    assert all(gain.rows == ROWS for gain in found.values())


def test_the_other_way_round_is_a_loss_of_the_same_size() -> None:
    there, back = gains(BETTER, SINGLE, LABELS), gains(SINGLE, BETTER, LABELS)
    for metric in ("accuracy", "nll"):
        assert back[metric].value == pytest.approx(-there[metric].value)
        assert (back[metric].low, back[metric].high) == pytest.approx((-there[metric].high, -there[metric].low))
        assert back[metric].p_value == pytest.approx(there[metric].p_value)


def test_the_same_predictions_gain_nothing_and_are_not_reliable() -> None:
    for gain in gains(SINGLE, SAME, LABELS).values():
        assert gain.value == 0.0
        assert gain.p_value == pytest.approx(1.0)
        assert not gain.reliable


def test_a_table_is_adjusted_and_the_single_model_itself_is_not_compared() -> None:
    teams = {"better": BETTER, "other": OTHER, "itself": SINGLE.copy()}
    found = gains_in_table("accuracy", teams, SINGLE, LABELS)
    assert found["itself"].adjusted_p is None
    for key in ("better", "other"):
        alone = gains(teams[key], SINGLE, LABELS, metrics=("accuracy",))["accuracy"]
        one = found[key]
        assert (one.value, one.low, one.high, one.p_value) == (alone.value, alone.low, alone.high, alone.p_value)
        assert one.adjusted_p is not None
        assert one.adjusted_low is not None
        assert one.adjusted_high is not None
        assert one.adjusted_p >= one.p_value
        assert one.adjusted_low <= one.low < one.high <= one.adjusted_high
    assert found["better"].reliable_in_table
    assert not found["other"].reliable_in_table


def test_a_table_of_one_needs_no_adjustment() -> None:
    found = gains_in_table("nll", {"better": BETTER}, SINGLE, LABELS)["better"]
    assert found.adjusted_p == pytest.approx(found.p_value, abs=1e-3)


def test_rows_without_weight_have_no_say() -> None:
    weights = np.where(np.arange(ROWS) < ROWS * 0.1, 0.0, 1.0)  # where they differ nothing counts
    found = gains(BETTER, SINGLE, LABELS, weights=weights)
    assert found["accuracy"].value == 0.0
    assert found["nll"].value == pytest.approx(0.0)


def test_rows_of_one_group_count_as_one_observation() -> None:
    rows = gains(BETTER, SINGLE, LABELS)["nll"]
    grouped = gains(BETTER, SINGLE, LABELS, groups=np.arange(ROWS) // 40)["nll"]
    assert grouped.value == pytest.approx(rows.value)
    assert grouped.high - grouped.low > 1.5 * (rows.high - rows.low)
    assert grouped.p_value > rows.p_value
