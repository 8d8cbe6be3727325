"""Every metric of values: what is better by how predictions were made, weights, other libraries, by hand, the edges."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats
from sklearn import metrics as reference

from lrensemble.errors import PredictionsError, SpecError
from lrensemble.metrics import METRICS, require_aim, require_target, row_values, score, serving

Floats = NDArray[np.float64]

ROWS, OUTPUTS = 401, 3
CHOICES = (
    "mse",
    "rmse",
    "mae",
    "r2",
    "pinball",
    "pinball(quantile=0.1)",
    "crps",
    "gaussian_nll",
    "coverage",
    "coverage(level=0.5)",
    "interval_width",
    "interval_width(level=0.5)",
)
"""Metrics with every choice that they offer."""

SHIPPED = {METRICS.check(spec).name for spec in CHOICES}
SPECS = (*CHOICES, *(str(METRICS.example(name)) for name in serving(METRICS, "values") if name not in SHIPPED))
"""And every other metric of values by its example: the tests below hold for it, whoever wrote it."""

RANGES = {"r2": (-np.inf, 1), "gaussian_nll": (-np.inf, np.inf), "coverage": (0, 1)}
"""Ranges of the metrics above; those of all others there are from 0."""


def truth_of(outputs: int, seed: int = 0) -> Floats:
    """Values [sample, output], each output in a unit of its own, skewed and correlated."""
    generator = np.random.default_rng(seed)
    common = generator.exponential(size=(ROWS, 1))
    return np.asarray((common + generator.normal(size=(ROWS, outputs))) * 2.0 ** np.arange(outputs) - 3)


def saying(means: Floats, deviation: float) -> Floats:
    """Means and then variances [sample, 2 · output], in the units of `truth_of`."""
    units = 2.0 ** np.arange(means.shape[1])
    return np.concatenate([means, np.broadcast_to((deviation * units) ** 2, means.shape)], axis=1)


def better_to_worse(truth: Floats) -> list[Floats]:
    """Almost perfect and as sure; decent and as sure; no better than the mean; far off and sure."""
    noise = np.random.default_rng(2).normal(size=truth.shape) * 2.0 ** np.arange(truth.shape[1])
    return [
        saying(truth + 0.01 * noise, 0.01),
        saying(truth + 0.5 * noise, 0.5),
        saying(np.broadcast_to(truth.mean(axis=0), truth.shape), 1.4),
        saying(truth.mean(axis=0) - 3 * (truth - truth.mean(axis=0)), 0.3),
    ]


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("spec", [spec for spec in SPECS if METRICS.facts(spec).aim])
def test_better_predictions_score_better(spec: str, outputs: int) -> None:
    truth = truth_of(outputs)
    scores = [score(spec, said, truth) for said in better_to_worse(truth)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


@pytest.mark.parametrize("spec", SPECS)
def test_values_stay_in_the_range_that_the_metric_states(spec: str) -> None:
    name, facts = METRICS.check(spec).name, METRICS.facts(spec)
    if name in SHIPPED:
        assert (facts.lowest, facts.highest) == RANGES.get(name, (0, np.inf))
    for said in better_to_worse(truth_of(2)):
        assert facts.lowest <= METRICS.call(spec, said, truth_of(2)) <= facts.highest


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("outputs", [1, 2])
def test_weights_count_rows(spec: str, outputs: int) -> None:
    generator = np.random.default_rng(3)
    truth = truth_of(outputs)
    said = saying(truth + generator.normal(size=truth.shape), 0.8)
    said[:, outputs:] *= generator.uniform(0.5, 2, size=truth.shape)
    times = generator.integers(0, 4, size=ROWS)
    index = np.repeat(np.arange(ROWS), times)
    weighted = METRICS.call(spec, said, truth, times.astype(np.float64))
    assert weighted == pytest.approx(METRICS.call(spec, said[index], truth[index]), rel=1e-12, abs=1e-12)
    assert weighted != pytest.approx(METRICS.call(spec, said, truth), rel=1e-9), "the weights matter here"
    assert METRICS.call(spec, said, truth, np.full(ROWS, 0.5)) == pytest.approx(METRICS.call(spec, said, truth))


@pytest.mark.parametrize("spec", SPECS)
def test_rows_and_outputs_have_no_order(spec: str) -> None:
    truth = truth_of(OUTPUTS)
    said = better_to_worse(truth)[1] + np.random.default_rng(4).random((ROWS, 2 * OUTPUTS))
    rows, outputs = np.random.default_rng(5).permutation(ROWS), [2, 0, 1]
    other = said[rows][:, [*outputs, *(OUTPUTS + each for each in outputs)]]
    assert METRICS.call(spec, other, truth[rows][:, outputs]) == pytest.approx(METRICS.call(spec, said, truth))


@pytest.mark.parametrize("spec", SPECS)
def test_a_mean_over_rows_is_one(spec: str) -> None:
    truth, weights = truth_of(2), np.random.default_rng(6).random(ROWS)
    said = better_to_worse(truth)[1]
    per_row = row_values(spec, said, truth)
    assert (per_row is None) == (METRICS.check(spec).name in ("rmse", "r2"))
    if per_row is not None:
        assert per_row.shape == (ROWS,)
        value = METRICS.call(spec, said, truth, weights)
        assert value == pytest.approx(per_row @ weights / weights.sum(), rel=1e-12)


@pytest.mark.parametrize("spec", SPECS)
def test_every_value_is_defined(spec: str) -> None:
    """One row, one value of the truth, sure and right, sure and wrong, and weights that leave one row."""
    for rows in (1, 5):
        for truth in (np.full((rows, 2), 0.1), np.arange(2.0 * rows).reshape(rows, 2)):
            for means in (truth, truth + 1, truth * 0):
                for variance in (0.0, 1.0, 1e12):
                    said = np.concatenate([means, np.full_like(means, variance)], axis=1)
                    assert np.isfinite(METRICS.call(spec, said, truth))
                    alone = np.eye(rows)[rows // 2]
                    assert np.isfinite(METRICS.call(spec, said, truth, alone))


@pytest.mark.parametrize("spec", SPECS)
def test_what_needs_values_alone_reads_nothing_else(spec: str) -> None:
    truth = truth_of(2)
    said = better_to_worse(truth)[1]
    needs = METRICS.facts(spec).needs
    assert needs in ("values", "distribution")
    if needs == "values":
        assert METRICS.call(spec, said[:, :2], truth) == METRICS.call(spec, said, truth)
    else:
        with pytest.raises(PredictionsError, match="2 columns for 2 outputs; give 4: the mean of each output and then"):
            METRICS.call(spec, said[:, :2], truth)
        wider = np.concatenate([said[:, :2], 2 * said[:, 2:]], axis=1)
        assert METRICS.call(spec, wider, truth) != METRICS.call(spec, said, truth)


SCIKIT_LEARN: dict[str, Callable[..., Any]] = {
    "mean_squared_error": reference.mean_squared_error,
    "root_mean_squared_error": reference.root_mean_squared_error,
    "mean_absolute_error": reference.mean_absolute_error,
    "r2_score": reference.r2_score,
    "mean_pinball_loss": reference.mean_pinball_loss,
    "pinball(quantile=0.1)": lambda truth, said, **own: reference.mean_pinball_loss(truth, said, alpha=0.1, **own),
}


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("spec", list(SCIKIT_LEARN))
def test_scikit_learn_gives_the_same(spec: str, outputs: int) -> None:
    truth = truth_of(outputs)
    for weights in (None, np.random.default_rng(7).random(ROWS)):
        for said in better_to_worse(truth):
            expected = SCIKIT_LEARN[spec](truth, said[:, :outputs], sample_weight=weights)
            assert METRICS.call(spec, said, truth, weights) == pytest.approx(float(expected), rel=1e-12)


def test_crps_is_the_integral_of_its_definition() -> None:
    """The squared distance of two distribution functions (Gneiting & Raftery 2007, eq. 20)."""
    for mean, variance, value in ((0.0, 1.0, 0.3), (-2.0, 0.25, 1.0), (5.0, 9.0, 5.0), (0.0, 4.0, -7.0)):
        normal = stats.norm(mean, np.sqrt(variance))
        below, _ = integrate.quad(lambda x, n=normal: n.cdf(x) ** 2, -np.inf, value)
        above, _ = integrate.quad(lambda x, n=normal: n.sf(x) ** 2, value, np.inf)
        found = METRICS.call("crps", np.array([[mean, variance]]), np.array([[value]]))
        assert found == pytest.approx(below + above, rel=1e-7)


def test_normal_distributions_of_scipy() -> None:
    truth = truth_of(2)
    said = better_to_worse(truth)[1] * np.random.default_rng(8).uniform(0.9, 1.1, size=(ROWS, 4))
    normal = stats.norm(said[:, :2], np.sqrt(said[:, 2:]))
    assert METRICS.call("gaussian_nll", said, truth) == pytest.approx(-np.mean(normal.logpdf(truth)))
    low, high = normal.interval(0.7)
    held = ((low <= truth) & (truth <= high)).mean()
    assert METRICS.call("coverage(level=0.7)", said, truth) == pytest.approx(held)
    assert METRICS.call("interval_width(level=0.7)", said, truth) == pytest.approx(
        float(np.mean(np.asarray(high) - low))
    )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("mse", (1 + 0 + 4 + 1 + 4 + 0) / 6),
        ("mae", (1 + 0 + 2 + 1 + 2 + 0) / 6),
        ("rmse", (np.sqrt(9 / 3) + np.sqrt(1 / 3)) / 2),
        ("r2", ((1 - 9 / 8) + (1 - 1 / 2)) / 2),
        ("pinball(quantile=0.75)", (0.25 * 1 + 0.75 * (2 + 1 + 2)) / 6),
    ],
)
def test_by_hand(spec: str, expected: float) -> None:
    """Errors 1, -2, -2 of the first output (0, 2, 4) and 0, -1, 0 of the second (1, 2, 3)."""
    truth = np.array([[0.0, 1.0], [2.0, 2.0], [4.0, 3.0]])
    said = np.array([[1.0, 1.0], [0.0, 1.0], [2.0, 3.0]])
    assert METRICS.call(spec, said, truth) == pytest.approx(expected)


def test_edges_by_hand() -> None:
    sure = np.array([[2.0, 0.0]])
    assert METRICS.call("crps", sure, np.array([[-1.0]])) == 3.0, "of a sure prediction, the absolute error"
    assert METRICS.call("crps", sure, np.array([[2.0]])) == 0.0
    assert METRICS.call("coverage", sure, np.array([[2.0]])) == 1.0, "the ends are within"
    assert METRICS.call("coverage", sure, np.array([[2.1]])) == 0.0
    assert METRICS.call("gaussian_nll", sure, np.array([[2.0]])) == pytest.approx(np.log(2 * np.pi * 1e-30) / 2)
    constant = np.full((7, 1), 0.1)
    third = np.full(7, 1 / 3)  # of which the mean of 0.1 is not 0.1
    assert METRICS.call("r2", constant, constant, third) == 1.0
    assert METRICS.call("r2", constant + 1e-9, constant, third) == 0.0
    assert METRICS.call("r2", np.array([[1.0], [5.0]]), np.array([[1.0], [2.0]]), np.array([1.0, 0.0])) == 1.0


@pytest.mark.parametrize("spec", ["mse", "brier"])
def test_the_quadratic_form_of_members_errors(spec: str) -> None:
    generator = np.random.default_rng(9)
    if spec == "mse":
        truth: NDArray[Any] = truth_of(OUTPUTS)
        said = truth + generator.normal(size=(4, ROWS, OUTPUTS)) + generator.normal(size=(4, 1, OUTPUTS))
        errors, outputs = said - truth, OUTPUTS
    else:
        truth = generator.integers(5, size=ROWS)
        said = generator.dirichlet(np.ones(5), size=(4, ROWS))
        errors, outputs = said - np.eye(5)[truth], 1
    weights, rows = generator.dirichlet(np.ones(4)), generator.random(ROWS)
    gram = np.einsum("msc,nsc,s->mn", errors, errors, rows / rows.sum()) / outputs
    combined = np.einsum("m,msc->sc", weights, said)
    assert METRICS.call(spec, combined, truth, rows) == pytest.approx(weights @ gram @ weights, rel=1e-12)


def test_only_those_are_quadratic() -> None:
    assert [name for name in METRICS if METRICS.facts(name).quadratic] == ["brier", "mse"]


def mean_cubed(predictions: Floats, truth: Floats) -> float:
    """A metric of one's own: one function, which says for whom it is. Lower is better."""
    return float(np.mean(np.abs(predictions[:, : truth.shape[1]] - truth) ** 3))


def test_a_metric_of_ones_own_is_one_function() -> None:
    mean_cubed.higher_is_better, mean_cubed.targets = False, "values"  # type: ignore[attr-defined]
    spec = METRICS.check(f"{__name__}:mean_cubed")
    facts = METRICS.facts(spec)
    assert (facts.targets, facts.needs, facts.aim) == (("values",), "values", True)
    truth = truth_of(1)
    assert score(spec, truth + 2, truth, np.full(ROWS, 2.0)) == pytest.approx(-8)


def test_targets_that_are_not_served() -> None:
    with pytest.raises(SpecError, match=r"metric 'accuracy' is for classes and choices, and the target here is values"):
        require_target(METRICS, "accuracy_score", "values")
    with pytest.raises(SpecError, match=r"'crps' is for values, .* here is choices; use one of accuracy, top_k"):
        require_target(METRICS, "crps", "choices")
    assert require_target(METRICS, "mean_squared_error", "values").name == "mse"
    with pytest.raises(SpecError, match=r"'coverage' describes .* no team is chosen by it; use one of crps, gaussian_"):
        require_aim("coverage(level=0.8)")
    assert require_aim("r2_score").name == "r2"
    for spec in ("pinball(quantile=1)", "coverage(level=0)"):
        with pytest.raises(SpecError, match="is refused: input should be"):
            METRICS.check(spec)
