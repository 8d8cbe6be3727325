"""Diversity of every team equals the definitions, written here slowly and row by row, straight from the papers."""

from collections.abc import Callable
from itertools import combinations
from math import ceil

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from sklearn.metrics import cohen_kappa_score

from lrensemble.metrics import serving
from lrensemble.metrics.diversity import DIVERSITY, all_teams, all_teams_focal, diversity, given_teams, pairwise

Rows = NDArray[np.bool_]
Classes = NDArray[np.int64]


def of_pairs(value: Callable[[int, int], float], members: int) -> float:
    return float(np.mean([value(i, j) for i, j in combinations(range(members), 2)]))


def table(right: Rows, i: int, j: int) -> tuple[int, int, int, int]:
    pairs = list(zip(right[i].tolist(), right[j].tolist(), strict=True))
    return (
        pairs.count((True, True)),
        pairs.count((True, False)),
        pairs.count((False, True)),
        pairs.count((False, False)),
    )


def binary_disagreement(right: Rows) -> float:
    return of_pairs(lambda i, j: float(np.mean(right[i] != right[j])), len(right))


def double_fault(right: Rows) -> float:
    return of_pairs(lambda i, j: float(np.mean(~right[i] & ~right[j])), len(right))


def q_statistic(right: Rows) -> float:
    def value(i: int, j: int) -> float:
        a, b, c, d = table(right, i, j)
        return (a * d - b * c) / (a * d + b * c) if a * d + b * c else 0.0

    return of_pairs(value, len(right))


def correlation(right: Rows) -> float:
    def value(i: int, j: int) -> float:
        constant = right[i].all() or right[j].all() or not right[i].any() or not right[j].any()
        return 0.0 if constant else float(np.corrcoef(right[i], right[j])[0, 1])

    return of_pairs(value, len(right))


def kappa(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    one_class = len(np.union1d(first, second)) == 1
    return 1.0 if one_class else float(cohen_kappa_score(first, second))


def correctness_kappa(right: Rows) -> float:
    return of_pairs(lambda i, j: kappa(right[i], right[j]), len(right))


def cohen_kappa(predicted: Classes) -> float:
    return of_pairs(lambda i, j: kappa(predicted[i], predicted[j]), len(predicted))


def disagreement(predicted: Classes) -> float:
    return of_pairs(lambda i, j: float(np.mean(predicted[i] != predicted[j])), len(predicted))


def fleiss_kappa(predicted: Classes) -> float:
    members, rows = predicted.shape
    ratings = np.array([np.bincount(row, minlength=predicted.max() + 1) for row in predicted.T])
    per_row = (np.sum(ratings**2, axis=1) - members) / (members * (members - 1))
    chance = np.sum((ratings.sum(axis=0) / (rows * members)) ** 2)
    return 1.0 if chance == 1 else float((per_row.mean() - chance) / (1 - chance))


def kohavi_wolpert(right: Rows) -> float:
    share = right.mean(axis=0)
    return float(np.mean(0.5 * (1 - share**2 - (1 - share) ** 2)))


def generalized_diversity(right: Rows) -> float:
    members = len(right)
    failing = (~right).sum(axis=0)
    chances = [np.mean(failing == i) for i in range(members + 1)]
    once = sum(i / members * chances[i] for i in range(members + 1))
    twice = sum(i * (i - 1) / (members * (members - 1)) * chances[i] for i in range(members + 1))
    return float(1 - twice / once) if once else 0.0


def entropy(right: Rows) -> float:
    members = len(right)
    correct = right.sum(axis=0)
    return float(np.mean(np.minimum(correct, members - correct) / (members - ceil(members / 2))))


OF_CORRECTNESS: list[Callable[[Rows], float]] = [
    binary_disagreement,
    double_fault,
    q_statistic,
    correlation,
    correctness_kappa,
    kohavi_wolpert,
    generalized_diversity,
    entropy,
]
OF_CLASSES: list[Callable[[Classes], float]] = [cohen_kappa, disagreement, fleiss_kappa]
MEASURES = [function.__name__ for function in (*OF_CORRECTNESS, *OF_CLASSES)]


def by_definition(name: str, predicted: Classes, labels: Classes) -> float:
    for function in OF_CORRECTNESS:
        if function.__name__ == name:
            return function(predicted == labels)
    return next(function for function in OF_CLASSES if function.__name__ == name)(predicted)


def kullback_leibler(probs: NDArray[np.float64]) -> float:
    def value(i: int, j: int) -> float:
        both = rel_entr(probs[i], probs[j]) + rel_entr(probs[j], probs[i])
        return float(np.mean(both.sum(axis=1)) / 2)

    return of_pairs(value, len(probs))


def jensen_shannon(probs: NDArray[np.float64]) -> float:
    return of_pairs(lambda i, j: float(np.mean(jensenshannon(probs[i], probs[j], axis=1) ** 2)), len(probs))


MEMBERS, ROWS, CLASSES = 5, 37, 4
TEAMS = [mask for mask in range(1 << MEMBERS) if mask.bit_count() > 1]


@pytest.fixture(scope="module")
def labels() -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(CLASSES, size=ROWS)


@pytest.fixture(scope="module")
def probs(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Members of different quality that share their harder rows; the last is always right."""
    generator = np.random.default_rng(1)
    raw = generator.random((MEMBERS, ROWS, CLASSES)) ** np.arange(1, MEMBERS + 1)[:, None, None]
    raw[:, np.arange(ROWS), labels] += generator.random(ROWS)
    raw[-1, np.arange(ROWS), labels] += 1
    return np.asarray(raw / raw.sum(axis=2, keepdims=True))


def members_of(mask: int) -> list[int]:
    return [member for member in range(MEMBERS) if mask >> member & 1]


def test_every_definition_here_is_of_a_measure() -> None:
    assert {*MEASURES, "kullback_leibler", "jensen_shannon"} <= set(DIVERSITY)


@pytest.mark.parametrize("name", MEASURES)
def test_every_team_as_defined(name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
    predicted = probs.argmax(axis=2)
    values = all_teams(name, predicted, labels)
    assert values.shape == (1 << MEMBERS,)
    np.testing.assert_array_equal(all_teams(name, probs, labels), values, err_msg="probabilities as their classes")
    for mask in TEAMS:
        team = predicted[members_of(mask)]
        expected = by_definition(name, team, labels)
        assert values[mask] == pytest.approx(expected, abs=1e-12)
        assert diversity(name, team, labels) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", MEASURES)
def test_every_focal_value_as_defined(name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
    predicted = probs.argmax(axis=2)
    values = all_teams_focal(name, predicted, labels)
    assert values.shape == (MEMBERS, 1 << MEMBERS)
    for focal in range(MEMBERS - 1):  # the last member errs nowhere
        rows = predicted[focal] != labels
        for mask in TEAMS:
            team = predicted[members_of(mask)][:, rows]
            expected = by_definition(name, team, labels[rows])
            assert values[focal, mask] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", serving(DIVERSITY, "classes"))
def test_pairs_and_single_focal_members_are_the_same_numbers(
    name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]
) -> None:
    focal_teams = all_teams_focal(name, probs, labels)
    for focal, teams in ((None, all_teams(name, probs, labels)), (2, focal_teams[2])):
        matrix = pairwise(name, probs, labels, focal=focal)
        masks = np.bitwise_or.outer(1 << np.arange(MEMBERS), 1 << np.arange(MEMBERS))
        np.testing.assert_allclose(matrix, teams[masks], rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(all_teams(name, probs, labels, focal=focal), teams)
        whole = diversity(name, probs, labels, focal=focal)
        assert whole == pytest.approx(teams[-1], rel=1e-12)


@pytest.mark.parametrize("name", serving(DIVERSITY, "classes"))
@pytest.mark.parametrize("weighted", [False, True])
def test_teams_that_are_given_by_masks_are_each_as_alone(
    name: str, weighted: bool, probs: NDArray[np.float64], labels: NDArray[np.int64]
) -> None:
    weights = np.random.default_rng(3).integers(1, 4, ROWS).astype(np.float64) if weighted else None
    masks = np.array([np.isin(np.arange(MEMBERS), members_of(mask)) for mask in TEAMS])
    found = given_teams(name, probs, labels, masks, weights=weights)
    for value, mask in zip(found, masks, strict=True):
        assert value == pytest.approx(diversity(name, probs[mask], labels, weights=weights), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("definition", [kullback_leibler, jensen_shannon])
def test_divergences_as_defined(
    definition: Callable[[NDArray[np.float64]], float], probs: NDArray[np.float64], labels: NDArray[np.int64]
) -> None:
    name = definition.__name__
    wrong = probs[1].argmax(axis=1) != labels
    whole, focal = all_teams(name, probs, labels), all_teams_focal(name, probs, labels)[1]
    for mask in TEAMS:
        team = probs[members_of(mask)]
        assert whole[mask] == pytest.approx(definition(team), rel=1e-10)
        assert focal[mask] == pytest.approx(definition(team[:, wrong]), rel=1e-10)
