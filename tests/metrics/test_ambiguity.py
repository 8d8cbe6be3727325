"""Diversity of values: the decomposition holds for every team, weights count, and what cannot be read is refused."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError, SpecError
from lrensemble.metrics import mse, serving
from lrensemble.metrics.diversity import (
    DIVERSITY,
    all_teams,
    all_teams_focal,
    diversity,
    higher_is_more_diverse,
    pairwise,
)

Floats = NDArray[np.float64]

MEMBERS, ROWS, OUTPUTS = 5, 17, 3
OF_VALUES = serving(DIVERSITY, "values")


@pytest.fixture
def truth() -> Floats:
    return np.random.default_rng(0).normal(size=(ROWS, OUTPUTS)) * [1, 10, 0.1]


@pytest.fixture
def values(truth: Floats) -> Floats:
    generator = np.random.default_rng(1)
    common = generator.normal(size=(ROWS, OUTPUTS))
    return np.asarray(truth + 100 + common + generator.normal(size=(MEMBERS, ROWS, OUTPUTS)))


def members_of(mask: int) -> list[int]:
    return [member for member in range(MEMBERS) if mask >> member & 1]


@pytest.mark.parametrize("name", OF_VALUES)
class TestContract:
    def test_all_ways_give_the_same_numbers(self, name: str, values: Floats, truth: Floats) -> None:
        teams, pairs = all_teams(name, values, truth), pairwise(name, values, truth)
        assert teams.shape == (1 << MEMBERS,)
        for mask in range(1, 1 << MEMBERS):
            team = members_of(mask)
            assert teams[mask] == pytest.approx(diversity(name, values[team], truth), rel=1e-9)
            if len(team) == 2:
                assert teams[mask] == pytest.approx(pairs[team[0], team[1]], rel=1e-12)
        np.testing.assert_array_equal(pairs, pairs.T)

    def test_rows_count_by_their_weights(self, name: str, values: Floats, truth: Floats) -> None:
        counts = np.random.default_rng(2).integers(0, 4, size=ROWS)
        rows = np.repeat(np.arange(ROWS), counts)
        found = all_teams(name, values, truth, weights=counts)
        np.testing.assert_allclose(found, all_teams(name, values[:, rows], truth[rows]), rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(found, all_teams(name, values, truth, weights=counts / 4), rtol=1e-12)

    def test_each_says_which_direction_is_diverse(self, name: str, values: Floats, truth: Floats) -> None:
        middle = values.mean(axis=0)
        alike = middle + 0.1 * (values - middle)
        more, less = (diversity(name, each, truth) for each in (values, alike))
        assert (more > less) == higher_is_more_diverse(name)
        assert more != less

    def test_always_finite(self, name: str, values: Floats, truth: Floats) -> None:
        for given in (values, values[:1], np.repeat(values[:1], 3, axis=0), values[:, :1], values[:, :0]):
            assert np.isfinite(all_teams(name, given, truth[: given.shape[1]])).all()
        assert all_teams(name, np.repeat(values[:1], 3, axis=0), truth)[1:] == pytest.approx(0, abs=0)

    def test_variances_are_not_looked_at(self, name: str, values: Floats, truth: Floats) -> None:
        normal = np.concatenate([values, np.exp(values / 100)], axis=2)
        np.testing.assert_array_equal(all_teams(name, normal, truth), all_teams(name, values, truth))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_decomposition_is_exact(weighted: bool, values: Floats, truth: Floats) -> None:
    """The error of the mean is the mean of the errors less the ambiguity (Krogh & Vedelsby 1995), for every team."""
    weights = np.random.default_rng(3).random(ROWS) if weighted else None
    found = all_teams("ambiguity", values, truth, weights=weights)
    for mask in range(1, 1 << MEMBERS):
        team = values[members_of(mask)]
        of_members = np.mean([mse(one, truth, weights) for one in team])
        assert mse(team.mean(axis=0), truth, weights) == pytest.approx(of_members - found[mask], rel=1e-12)
        spread = np.mean(np.square(team - team.mean(axis=0)), axis=(0, 2))
        assert found[mask] == pytest.approx(np.average(spread, weights=weights), rel=1e-12)


def test_by_hand() -> None:
    """Values 1, 2 and 6 around 3: (4 + 1 + 9) / 3; and of the first two, 1/4."""
    values, truth = np.array([1.0, 2.0, 6.0]).reshape(3, 1, 1), np.zeros((1, 1))
    assert diversity("ambiguity", values, truth) == pytest.approx(14 / 3)
    assert pairwise("ambiguity", values, truth)[0, 1] == pytest.approx(1 / 4)


def test_what_is_not_served_is_refused(values: Floats, truth: Floats) -> None:
    labels = np.zeros(ROWS, dtype=np.int64)
    with pytest.raises(
        SpecError, match=r"'entropy' is for classes and choices, .* here is values; use one of ambiguity"
    ):
        diversity("entropy", values, truth)
    with pytest.raises(SpecError, match="'ambiguity' is for values, and the target here is classes; use one of"):
        all_teams("ambiguity", np.eye(3)[None, labels], labels)
    for focal in (
        lambda: diversity("ambiguity", values, truth, focal=1),
        lambda: all_teams_focal("ambiguity", values, truth),
    ):
        with pytest.raises(PredictionsError, match="no value is simply wrong"):
            focal()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, OUTPUTS), r"predictions have shape \(4, 3\) and the truth \(17, 3\); give \[member"),
        ((0, ROWS, OUTPUTS), r"shape \(0, 17, 3\)"),
        ((2, ROWS + 1, OUTPUTS), "values of the same rows"),
        ((2, ROWS, OUTPUTS + 1), "4 columns for 3 outputs; give one for each, or the means and then the variances"),
    ],
)
def test_shapes_that_do_not_fit(shape: tuple[int, ...], message: str, truth: Floats) -> None:
    with pytest.raises(PredictionsError, match=message):
        diversity("ambiguity", np.zeros(shape), truth)


def test_values_that_are_not_finite(values: Floats, truth: Floats) -> None:
    values[1, 4, 2] = np.nan
    with pytest.raises(PredictionsError, match="member 1, row 4, output 2 is nan; give finite values"):
        pairwise("ambiguity", values, truth)
