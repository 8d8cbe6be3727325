"""The door to all selectors: the consensus for a target, and what is refused there."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.pairwise import pairwise

from lrensemble.errors import SelectionError, SpecError
from lrensemble.select import Validation, cross_fit, select

Floats = NDArray[np.float64]

MEMBERS, ROWS, OUTPUTS = 5, 61, 2


@pytest.fixture
def truth() -> Floats:
    return np.random.default_rng(0).normal(size=(ROWS, OUTPUTS))


@pytest.fixture
def values(truth: Floats) -> Floats:
    return np.asarray(truth + np.random.default_rng(1).normal(size=(MEMBERS, ROWS, OUTPUTS)))


@pairwise(
    {
        "method": ("greedy(size=3, bootstrap=0)", "best", "all"),
        "consensus, meant": (
            ("median", "median_of_values"),
            ("trimmed_mean(trim=0.1)", "trimmed_mean_of_values(trim=0.1)"),
            ("stacking", "stacked_regression"),
            ("mean", "mean"),
        ),
        "metric": ("mse", "r2"),
    }
)
def test_a_consensus_is_the_one_for_values(
    method: str, consensus: str, meant: str, metric: str, values: Floats, truth: Floats
) -> None:
    validation = Validation(values, truth)
    assert select(validation, method, metric=metric, consensus=consensus).consensus == meant
    named, other = (
        cross_fit(validation, method, metric=metric, consensus=each, repeats=1) for each in (consensus, meant)
    )
    assert named == other
    assert np.isfinite(named.score)


def test_rows_of_a_group_stay_together(values: Floats, truth: Floats) -> None:
    grouped = Validation(values, truth, groups=np.arange(ROWS) // 2)
    assert np.isfinite(cross_fit(grouped, "best", metric="mse", repeats=1).score)


@pytest.mark.parametrize(
    ("metric", "consensus", "message"),
    [
        ("mse", "plurality", "consensus 'plurality' is for classes and choices, and the target here is values"),
        ("accuracy", "mean", "metric 'accuracy' is for classes and choices, and the target here is values"),
        ("coverage", "mean", "metric 'coverage' describes predictions"),
    ],
)
def test_what_is_not_for_values(metric: str, consensus: str, message: str, values: Floats, truth: Floats) -> None:
    both = np.concatenate([values, np.ones_like(values)], axis=2)
    for function in (select, cross_fit):
        with pytest.raises(SpecError, match=message):
            function(Validation(both, truth), "all", metric=metric, consensus=consensus)


def test_a_mixture_needs_variances(values: Floats, truth: Floats) -> None:
    """Two columns of two outputs are no mean and variance of one."""
    with pytest.raises(
        SelectionError, match="member 0 gives values without a variance, which cannot serve mixture; use consensus mean"
    ):
        select(Validation(values, truth), "all", metric="mse", consensus="mixture")
    both = np.concatenate([values, np.ones_like(values)], axis=2)
    found = select(Validation(both, truth), "all", metric="gaussian_nll")
    assert found.consensus == "mixture"
