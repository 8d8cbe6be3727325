"""Selection of members that give numbers, or normal distributions: every team by the slow definition."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import scipy.optimize
from numpy.typing import NDArray
from sklearn.metrics import mean_squared_error, r2_score, root_mean_squared_error

from lrensemble.errors import PredictionsError, SelectionError, SpecError
from lrensemble.select import (
    SELECTORS,
    Validation,
    cross_fit,
    learned_nothing,
    select,
    stability,
    team_score,
    team_table,
)
from lrensemble.select.scoring.team_scores import team_scorer
from lrensemble.targets import Gaussian, RealValues, Values

MEMBERS, ROWS, OUTPUTS = 6, 70, 2
UNITS = np.array([1.0, 40.0])


def said_and_truth(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Members of different skill whose errors are partly shared; outputs of different units."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=(ROWS, OUTPUTS)) * UNITS + [3, -100]
    shared = generator.normal(size=(1, ROWS, OUTPUTS))
    own = generator.normal(size=(MEMBERS, ROWS, OUTPUTS)) * generator.uniform(0.4, 1.2, size=(MEMBERS, 1, 1))
    return truth + 0.4 * UNITS * (shared + own), truth


def values(seed: int = 0) -> Validation:
    return Validation(*said_and_truth(seed))


def gaussians(seed: int = 0) -> Validation:
    said, truth = said_and_truth(seed)
    log_variance = np.log(np.square(0.5 * UNITS)) + np.random.default_rng(9).normal(size=said.shape) / 4
    return Validation([Gaussian(one, spread) for one, spread in zip(said, log_variance, strict=True)], truth)


SERVING = [name for name in SELECTORS if "values" in SELECTORS.facts(name).targets]


@pytest.mark.parametrize("name", SERVING)
@pytest.mark.parametrize("metric", ["mse", "rmse", "mae", "r2", "pinball(quantile=0.3)"])
def test_every_selector_reports_the_definitions_score(name: str, metric: str) -> None:
    if name == "branch_and_bound" and metric != "mse":
        with pytest.raises(SelectionError, match="no bound is known"):
            select(values(), name, metric=metric)
        return
    found = select(values(), str(SELECTORS.example(name)) if name != "simplex" else name, metric=metric, seed=1)
    expected = team_score(values(), found.team, found.weights, metric=metric, consensus=found.consensus)
    assert found.score == pytest.approx(expected, rel=1e-12)
    assert sum(found.weights) == pytest.approx(1)


@pytest.mark.parametrize("name", [name for name in SERVING if name not in ("branch_and_bound", "stacking")])
@pytest.mark.parametrize("metric", ["gaussian_nll", "crps", "mse"])
def test_members_that_give_normal_distributions(name: str, metric: str) -> None:
    found = select(gaussians(), str(SELECTORS.example(name)) if name != "simplex" else name, metric=metric, seed=1)
    assert found.consensus == "mixture"
    expected = team_score(gaussians(), found.team, found.weights, metric=metric, consensus="mixture")
    assert found.score == pytest.approx(expected, rel=1e-12)


def test_squared_error_of_every_team_is_that_of_scikit_learn() -> None:
    said, truth = said_and_truth(3)
    table = team_table(Validation(said, truth), metric="mse")
    assert len(table.mask) == 2**MEMBERS - 1
    for mask, score in zip(table.mask.tolist(), table.score.tolist(), strict=True):
        team = [member for member in range(MEMBERS) if mask >> member & 1]
        assert -score == pytest.approx(mean_squared_error(truth, said[team].mean(axis=0)), rel=1e-12)


def test_brute_force_finds_the_best_team_of_the_definition() -> None:
    for validation, metric, consensus in ((values(4), "mse", "mean"), (gaussians(4), "gaussian_nll", "mixture")):
        every = [team for size in range(1, MEMBERS + 1) for team in itertools.combinations(range(MEMBERS), size)]
        scores = [team_score(validation, team, metric=metric, consensus=consensus) for team in every]
        found = select(validation, "brute_force", metric=metric)
        assert found.team == every[int(np.argmax(scores))]
        assert found.score == pytest.approx(max(scores), rel=1e-12)


@pytest.mark.parametrize("metric", ["gaussian_nll", "crps", "mse", "mae", "rmse"])
def test_many_mixtures_at_once_score_as_the_definition(metric: str) -> None:
    validation = gaussians(7).weighted(np.arange(ROWS) % 3)
    weights = np.random.default_rng(0).integers(1, 4, size=(9, MEMBERS)) * np.array([[1.0], [0.3], [7.0]] * 3)
    weights[2, 1:] = weights[3, :5] = 0
    scores = team_scorer(validation, metric, "mixture")(weights)
    for row, score in zip(weights, scores.tolist(), strict=True):
        team = np.flatnonzero(row)
        expected = team_score(validation, team.tolist(), row[team].tolist(), metric=metric, consensus="mixture")
        assert score == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("metric", "reference"), [("rmse", root_mean_squared_error), ("r2", r2_score)])
def test_errors_of_each_output_of_many_teams_are_those_of_scikit_learn(
    metric: str, reference: Callable[..., float]
) -> None:
    said, truth = said_and_truth(8)
    times = np.arange(ROWS) % 3
    weights = np.random.default_rng(1).uniform(size=(4, MEMBERS))
    scores = team_scorer(Validation(said, truth).weighted(times), metric, "mean")(weights)
    sign = 1 if metric == "r2" else -1
    for row, score in zip(weights, scores.tolist(), strict=True):
        mean = np.einsum("m,mso->so", row / row.sum(), said)
        assert sign * score == pytest.approx(reference(truth, mean, sample_weight=times), rel=1e-12)


@pytest.mark.parametrize("metric", ["rmse", "r2"])
def test_teams_are_scored_without_another_reading_of_the_predictions(metric: str) -> None:
    said, truth = said_and_truth(8)
    scorer = team_scorer(Validation(said, truth), metric, "mean")
    before = scorer(np.eye(MEMBERS))
    said[:] = 0
    assert (scorer(np.eye(MEMBERS)) == before).all()


def test_an_output_that_does_not_vary_is_judged_by_whether_it_is_met() -> None:
    said, truth = said_and_truth(8)
    said[:, :, 0] = truth[:, 0] = 0.5
    said[0, 0, 0] = 0.75
    scores = team_scorer(Validation(said, truth), "r2", "mean")(np.eye(MEMBERS))
    for member, score in enumerate(scores.tolist()):
        assert score == pytest.approx(r2_score(truth, said[member]), rel=1e-12)


def test_bounds_find_the_same_team_and_prove_it() -> None:
    found = select(values(5), "branch_and_bound", metric="mse")
    assert found.team == select(values(5), "brute_force", metric="mse").team
    assert found.details["complete"] is True


@pytest.mark.parametrize("seed", range(3))
def test_simplex_is_the_optimum_of_scipy(seed: int) -> None:
    said, truth = said_and_truth(seed)
    scale = 1 / np.sqrt(2 * ROWS)
    errors = ((said - truth) * scale).reshape(MEMBERS, -1)
    gram = errors @ errors.T
    expected = scipy.optimize.minimize(  # type: ignore[call-overload]
        lambda weights: weights @ gram @ weights,
        np.full(MEMBERS, 1 / MEMBERS),
        jac=lambda weights: 2 * gram @ weights,
        bounds=[(0, 1)] * MEMBERS,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": lambda _: np.ones(MEMBERS)},
        options={"ftol": 1e-15, "maxiter": 1000},
        method="SLSQP",
    )
    found = select(Validation(said, truth), "simplex(least_weight=0)")
    weights = np.zeros(MEMBERS)
    weights[list(found.team)] = found.weights
    assert found.details["loss"] == "mse"
    assert -found.score <= expected.fun + 1e-8 * max(1, expected.fun)
    np.testing.assert_allclose(weights, expected.x, atol=1e-4)


def test_greedy_is_caruanas_loop() -> None:
    said, truth = said_and_truth(6)
    counts = np.zeros(MEMBERS)
    best, best_loss = counts, np.inf
    for _ in range(12):
        losses = [np.square((counts + one) @ said.reshape(MEMBERS, -1) / (counts.sum() + 1) - truth.ravel()).mean()
                  for one in np.eye(MEMBERS)]  # fmt: skip
        counts = counts + np.eye(MEMBERS)[int(np.argmin(losses))]
        if min(losses) < best_loss:
            best, best_loss = counts, min(losses)
    found = select(Validation(said, truth), "greedy(size=12, bootstrap=0)")
    assert found.team == tuple(np.flatnonzero(best).tolist())
    np.testing.assert_allclose(found.weights, best[best > 0] / best.sum())


def test_defaults_follow_what_all_members_say() -> None:
    said, truth = said_and_truth()
    assert (select(values()).metric, select(values()).consensus) == ("mse", "mean")
    assert (select(gaussians()).metric, select(gaussians()).consensus) == ("gaussian_nll", "mixture")
    mixed = Validation([RealValues(said[0]), *(Gaussian(one, np.zeros_like(one)) for one in said[1:])], truth)
    found = select(mixed)
    assert (found.metric, found.consensus, found.team) == ("mse", "mean", select(values()).team)
    with pytest.raises(
        SelectionError, match="member 0 gives values without a variance, which cannot serve gaussian_nll"
    ):
        select(mixed, metric="gaussian_nll", consensus="mixture")


def test_cross_fitting_and_resamples() -> None:
    for validation in (values(), gaussians()):
        found = cross_fit(validation, "greedy", repeats=2)
        assert found.score < select(validation, "greedy").score + 3 * found.standard_error
        assert len(stability(validation, "greedy(size=4)", resamples=3).frequency) == MEMBERS


def test_weights_of_rows_repeat_them() -> None:
    said, truth = said_and_truth()
    times = np.arange(ROWS) % 3
    repeated = np.repeat(np.arange(ROWS), times)
    for method in ("greedy(bootstrap=0)", "brute_force", "simplex", "stacking"):
        one = select(Validation(said, truth, weights=times.astype(float)), method)
        other = select(Validation(said[:, repeated], truth[repeated]), method)
        assert one.team == other.team
        assert one.score == pytest.approx(other.score, rel=1e-9)


def test_who_learned_nothing() -> None:
    said, truth = said_and_truth()
    generator = np.random.default_rng(4)
    constant = np.repeat(truth.mean(axis=0)[None], ROWS, axis=0)
    shuffled = said[0][generator.permutation(ROWS)]
    useless = learned_nothing(Validation(np.stack([said[0], constant, shuffled, -said[1]]), truth))
    assert useless.tolist() == [False, True, True, True]


def test_a_shift_between_members_is_no_wall() -> None:
    """One output, one row, one member; and a truth of one axis where it should have two."""
    assert select(Validation(np.array([[[2.0]]]), np.array([[3.0]])), "best").score == -1
    with pytest.raises(PredictionsError, match=r"give \[sample, output\] = \(4, 1\)"):
        Validation(np.zeros((2, 4, 1)), np.zeros(4))
    with pytest.raises(PredictionsError, match="predictions have 3 columns; the target has 1 outputs"):
        Validation(np.zeros((2, 4, 3)), np.zeros((4, 1)), target=Values(names=("y",)))
    with pytest.raises(SpecError, match="selector 'focal' is for classes and choices, and the target here is values"):
        select(values(), "focal")
