"""Backward elimination, beam search, annealing and the weights of least loss."""

import itertools

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from lrensemble.errors import SelectionError
from lrensemble.metrics import score
from lrensemble.select import Validation, select, team_score
from lrensemble.select.methods.simplex import minimise
from lrensemble.select.scoring.losses import MixtureNll, QuadraticForm
from lrensemble.targets import Labels, LogProbs

MEMBERS, ROWS, CLASSES = 6, 79, 4


def validation_of(seed: int, members: int = MEMBERS, strength: tuple[float, float] = (0.2, 0.6)) -> Validation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=ROWS)
    probs = generator.dirichlet(np.ones(CLASSES), size=(members, ROWS))
    probs[:, np.arange(ROWS), labels] += generator.uniform(*strength, size=(members, 1))
    return Validation(np.log(probs / probs.sum(axis=2, keepdims=True)).astype(np.float32), labels)


def test_backward_takes_away_the_member_missed_least() -> None:
    for seed, metric in itertools.product(range(4), ("accuracy", "nll", "brier")):
        validation = validation_of(seed)
        team = tuple(range(MEMBERS))
        best, best_score, tried = team, team_score(validation, team, metric=metric), 1
        while len(team) > 1:
            smaller = [tuple(m for m in team if m != gone) for gone in reversed(team)]
            scores = [team_score(validation, t, metric=metric) for t in smaller]
            team = smaller[next(i for i, s in enumerate(scores) if s >= max(scores) - 1e-12)]
            tried += len(smaller)
            if max(scores) >= best_score - 1e-12:
                best, best_score = team, max(scores)
        found = select(validation, "backward", metric=metric)
        assert (found.team, found.tried) == (best, tried)


def test_a_wide_beam_is_exhaustive_and_a_narrow_one_is_greedy() -> None:
    for seed, metric in itertools.product(range(4), ("accuracy", "nll", "brier")):
        validation = validation_of(seed)
        wide = select(validation, "beam(width=20)", metric=metric)
        exact = select(validation, "brute_force", metric=metric)
        assert (wide.team, wide.tried) == (exact.team, 2**MEMBERS - 1)
        narrow = select(validation, "beam(width=1)", metric=metric)
        greedy = select(validation, f"greedy(bootstrap=0, replacement=False, size={MEMBERS})", metric=metric)
        assert narrow.score >= greedy.score - 1e-12
        assert narrow.tried == MEMBERS * (MEMBERS + 1) // 2
        assert len(select(validation, "beam(max_size=2)", metric=metric).team) <= 2
    with pytest.raises(SelectionError, match="max_size = 7 is above the pool; it has 6 members"):
        select(validation_of(0), "beam(max_size=7)")


def test_annealing_finds_the_best_of_a_small_pool() -> None:
    for metric in ("accuracy", "nll", "brier"):
        validation = validation_of(5, members=8)
        found = select(validation, "anneal(steps=200)", metric=metric, seed=3)
        assert found.score == pytest.approx(select(validation, "brute_force", metric=metric).score)
        assert 200 < found.tried <= 2**8 - 1
    alike = validation_of(0, members=40, strength=(0.4, 0.4))
    short = {select(alike, "anneal(steps=2, chains=1)", metric="accuracy", seed=seed).team for seed in range(8)}
    assert len(short) > 1


@pytest.mark.parametrize("metric", ["nll", "brier"])
def test_no_weights_are_better_than_those_of_the_simplex(metric: str) -> None:
    for seed in range(3):
        validation = validation_of(seed)
        found = select(validation, "simplex", metric=metric)
        assert 0 <= found.details["gap"] < 1e-6
        generator = np.random.default_rng(seed)
        for weights in generator.dirichlet(np.full(MEMBERS, 0.3), size=200):
            probs = np.einsum("msc,m->sc", validation.probs, weights)
            assert score(metric, probs, validation.truth) <= found.score + found.details["gap"]
        assert found.score >= select(validation, "greedy(bootstrap=0, size=60)", metric=metric).score


def test_the_gap_is_a_bound_on_what_is_left_to_gain() -> None:
    """A search that stops early admits how far from the optimum it may be."""
    for seed, metric in itertools.product(range(3), ("nll", "brier")):
        early = select(validation_of(seed), "simplex(gap=0.1)", metric=metric)
        left = select(validation_of(seed), "simplex", metric=metric).score - early.score
        assert 1e-6 < left <= early.details["gap"] <= 0.2


def test_the_simplex_agrees_with_a_general_solver() -> None:
    generator = np.random.default_rng(0)
    factors = generator.normal(size=(9, 5))
    for loss in (MixtureNll(generator.random((40, 5)) + 1e-3, np.full(40, 1 / 40)), QuadraticForm(factors.T @ factors)):
        weights, _ = minimise(loss, 5, 1e-10)
        assert weights.sum() == pytest.approx(1)
        assert weights.min() > 0
        general = minimize(
            loss.value,
            np.full(5, 0.2),
            bounds=[(1e-9, 1.0)] * 5,
            constraints=LinearConstraint(np.ones(5), 1, 1),
            options={"ftol": 1e-13, "maxiter": 500},
            method="SLSQP",
        )
        assert loss.value(weights) <= general.fun + 1e-9
        step = 1e-6 * np.eye(5)[2]
        gradient, hessian = loss.derivatives(weights)
        assert gradient[2] == pytest.approx((loss.value(weights + step) - loss.value(weights - step)) / 2e-6, rel=1e-4)
        ahead, behind = loss.derivatives(weights + step)[0], loss.derivatives(weights - step)[0]
        np.testing.assert_allclose(hessian[2], (ahead - behind) / 2e-6, rtol=1e-4, atol=1e-6)


def test_one_member_that_beats_all_others_gets_all_the_weight() -> None:
    probs = np.array([[[0.9, 0.1]] * 7, [[0.5, 0.5]] * 7, [[0.6, 0.4]] * 7])
    found = select(Validation(np.log(probs), np.zeros(7, dtype=np.int64)), "simplex")
    assert (found.team, found.weights) == ((0,), (1.0,))


def test_the_simplex_minimises_a_loss_of_its_own() -> None:
    validation = validation_of(4)
    for loss, metric in itertools.product(("nll", "brier"), ("accuracy", "nll", "brier")):
        chosen = select(validation, f"simplex(loss='{loss}')", metric=metric)
        assert chosen.weights == select(validation, "simplex", metric=loss).weights
        assert chosen.details["loss"] == loss
        assert chosen.score == team_score(validation, chosen.team, chosen.weights, metric=metric)
    *others, last = validation.predictions
    labels_only = Validation([*map(LogProbs, others), Labels(last.argmax(axis=1))], validation.truth)
    with pytest.raises(SelectionError, match="member 5 knows only labels"):
        select(labels_only, "simplex", metric="accuracy")
