"""Every consensus of values: weights and axes right, numpy and torch alike; definitions, and what is learned."""

import json

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import Ridge

from lrensemble.consensus import CONSENSUS, combine, fit, for_target
from lrensemble.errors import PredictionsError, SpecError
from lrensemble.metrics import mse, serving
from lrensemble.spec import Spec

Floats = NDArray[np.float64]

MEMBERS, ROWS, OUTPUTS = 4, 13, 3
WEIGHTS = np.array([0.1, 0.4, 0.2, 0.3])
OF_VALUES = serving(CONSENSUS, "values")
LEARNS = [name for name in OF_VALUES if CONSENSUS.facts(name).learns is not None]


@pytest.fixture
def truth() -> Floats:
    return np.random.default_rng(0).normal(size=(ROWS, OUTPUTS)) * [1, 10, 100]


@pytest.fixture
def said(truth: Floats) -> Floats:
    """Means [member, sample, output] and then variances, of members of different quality."""
    generator = np.random.default_rng(1)
    noise = generator.normal(size=(MEMBERS, ROWS, OUTPUTS)) * np.arange(1, MEMBERS + 1)[:, None, None]
    variances = generator.exponential(size=(MEMBERS, ROWS, OUTPUTS))
    return np.concatenate([truth + noise * [1, 10, 100], variances * [1, 100, 10_000]], axis=2)


@pytest.mark.parametrize("name", OF_VALUES)
class TestContract:
    def test_torch_gives_the_same(self, name: str, said: Floats, truth: Floats) -> None:
        spec = fit(name, said, truth)
        tensor = combine(spec, torch.from_numpy(said), torch.from_numpy(WEIGHTS))
        assert isinstance(tensor, torch.Tensor)
        assert tensor.shape == (ROWS, 2 * OUTPUTS)
        np.testing.assert_allclose(tensor.numpy(), combine(spec, said, WEIGHTS), rtol=1e-12)
        assert combine(spec, torch.from_numpy(said).float()).dtype == torch.float32

    def test_a_member_without_weight_has_no_say(self, name: str, said: Floats, truth: Floats) -> None:
        other = said.copy()
        other[2] = np.roll(other[2], 1, axis=0)
        weights = [1.0, 2.0, 0.0, 1.0]
        spec = fit(name, said, truth, weights)
        np.testing.assert_array_equal(combine(spec, said, weights), combine(spec, other, weights))

    def test_the_order_of_members_does_not_matter(self, name: str, said: Floats, truth: Floats) -> None:
        order = [2, 0, 3, 1]
        found = combine(fit(name, said[order], truth, WEIGHTS[order]), said[order], WEIGHTS[order])
        np.testing.assert_allclose(found, combine(fit(name, said, truth, WEIGHTS), said, WEIGHTS), rtol=1e-9)

    def test_a_fitted_consensus_reads_back_from_its_text(self, name: str, said: Floats, truth: Floats) -> None:
        spec = fit(name, said, truth)
        out = combine(spec, said, WEIGHTS)
        np.testing.assert_array_equal(combine(str(spec), said, WEIGHTS), out)
        np.testing.assert_array_equal(combine(json.loads(json.dumps(spec.to_json())), said, WEIGHTS), out)

    def test_the_unit_and_the_zero_do_not_matter(self, name: str, said: Floats, truth: Floats) -> None:
        """Fahrenheit for Celsius: the result is in Fahrenheit."""
        other = np.concatenate([1.8 * said[:, :, :OUTPUTS] + 32, 1.8**2 * said[:, :, OUTPUTS:]], axis=2)
        found = combine(fit(name, other, 1.8 * truth + 32, WEIGHTS), other, WEIGHTS)[:, :OUTPUTS]
        expected = 1.8 * combine(fit(name, said, truth, WEIGHTS), said, WEIGHTS)[:, :OUTPUTS] + 32
        np.testing.assert_allclose(found, expected, rtol=1e-9)

    def test_members_that_agree_are_not_changed(self, name: str, said: Floats) -> None:
        same = np.broadcast_to(said[1], said.shape)
        found = combine(fit(name, same, said[1, :, :OUTPUTS]), same, WEIGHTS)
        np.testing.assert_allclose(found, said[1, :, : found.shape[1]], rtol=1e-9)

    @pytest.mark.parametrize(("members", "rows", "outputs"), [(1, 5, 3), (3, 1, 1), (2, 4, 1), (5, 2, 2)])
    def test_edges(self, name: str, members: int, rows: int, outputs: int) -> None:
        generator = np.random.default_rng(3)
        said = generator.exponential(size=(members, rows, 2 * outputs))
        for given in (said, said * 0):
            for truth in (given[0, :, :outputs], given[0, :, :outputs] + 1, np.zeros((rows, outputs))):
                out = combine(fit(name, given, truth), given)
                assert len(out) == rows
                assert np.isfinite(out).all()

    def test_the_example_runs(self, name: str) -> None:
        example = CONSENSUS.example(name)
        outputs = len(example.arguments["intercepts"]) if "intercepts" in example.arguments else 4  # type: ignore[arg-type]
        values = np.random.default_rng(4).normal(size=(2, 7, outputs))
        assert combine(example, values).shape == (7, outputs)

    def test_rows_count_by_their_weights(self, name: str, said: Floats, truth: Floats) -> None:
        counts = np.array([0, 1, 2, 3, 1, 1, 2, 4, 1, 1, 1, 2, 1.0])
        rows = np.repeat(np.arange(ROWS), counts.astype(np.int64))
        kept = counts > 0
        counted = combine(fit(name, said[:, kept], truth[kept], WEIGHTS, counts[kept]), said, WEIGHTS)
        np.testing.assert_allclose(counted, combine(fit(name, said[:, rows], truth[rows], WEIGHTS), said, WEIGHTS))


@pytest.mark.parametrize("name", [name for name in OF_VALUES if name != "stacked_regression"])
def test_a_member_given_twice_counts_by_its_weight(name: str, said: Floats, truth: Floats) -> None:
    doubled, halved = [0, 0, 1, 2, 3], np.array([0.05, 0.05, 0.4, 0.2, 0.3])
    found = combine(fit(name, said[doubled], truth, halved), said[doubled], halved)
    np.testing.assert_allclose(found, combine(fit(name, said, truth, WEIGHTS), said, WEIGHTS), rtol=1e-12)


def test_median_and_trimmed_mean_of_other_libraries(said: Floats) -> None:
    five = np.concatenate([said, -said[:1]])
    for members in (said, five):
        np.testing.assert_allclose(combine("median_of_values", members), np.median(members, axis=0))
    expected = stats.trim_mean(five, 0.2, axis=0)
    np.testing.assert_allclose(combine("trimmed_mean_of_values(trim=0.2)", five), expected)
    np.testing.assert_allclose(combine("trimmed_mean_of_values(trim=0)", five), five.mean(axis=0))
    repeated = np.repeat(said, [3, 1, 2, 1], axis=0)
    np.testing.assert_allclose(combine("median_of_values", said, [3, 1, 2, 1]), np.median(repeated, axis=0))


def test_means_by_hand() -> None:
    values = np.array([[[8.0, -2.0]], [[2.0, 8.0]], [[5.0, 0.0]]])
    np.testing.assert_allclose(combine("mean", values, [2.0, 1.0, 1.0]), [[5.75, 1.0]])
    np.testing.assert_allclose(combine("median_of_values", values), [[5.0, 0.0]])
    # A third each; a quarter is cut at each end, so the outer two keep a twelfth and the middle one its third.
    first = (8 / 12 + 5 / 3 + 2 / 12) * 2
    np.testing.assert_allclose(combine("trimmed_mean_of_values(trim=0.25)", values)[:, 0], [first])


class TestMixture:
    def test_by_hand(self) -> None:
        """Means 1 and 3 of variances 4 and 1, the first three times as heavy."""
        said = np.array([[[1.0, 4.0]], [[3.0, 1.0]]])
        np.testing.assert_allclose(combine("mixture", said, [3, 1]), [[1.5, 3.25 + 0.75 * 0.25 + 0.25 * 2.25]])

    def test_the_moments_of_draws(self, said: Floats) -> None:
        found = combine("mixture", said, WEIGHTS)
        generator = np.random.default_rng(5)
        member = generator.choice(MEMBERS, p=WEIGHTS, size=200_000)
        for row, output in ((0, 0), (7, 2)):
            draws = generator.normal(said[member, row, output], np.sqrt(said[member, row, OUTPUTS + output]))
            error = draws.std() / np.sqrt(len(draws))
            assert found[row, output] == pytest.approx(draws.mean(), abs=4 * error)
            assert found[row, OUTPUTS + output] == pytest.approx(draws.var(), rel=0.02)

    def test_far_from_zero_nothing_is_lost(self, said: Floats) -> None:
        far = said + np.repeat([1e8, 0.0], OUTPUTS)
        np.testing.assert_allclose(
            combine("mixture", far)[:, OUTPUTS:], combine("mixture", said)[:, OUTPUTS:], rtol=1e-6
        )

    def test_of_one_member_and_without_variances(self, said: Floats) -> None:
        np.testing.assert_array_equal(combine("mixture", said[:1]), said[0])
        with pytest.raises(PredictionsError, match="is given 3 columns; give the mean of each output and then"):
            combine("mixture", said[:, :, :OUTPUTS])


class TestLearned:
    def test_errors_are_learned(self, said: Floats, truth: Floats) -> None:
        spec = fit("error_weighted", said, truth)
        errors = np.square(said[:, :, :OUTPUTS] - truth).mean(axis=(1, 2))
        np.testing.assert_allclose(combine(spec, said), np.average(said, axis=0, weights=1 / errors))
        exact = np.concatenate([said[:3, :, :OUTPUTS], truth[None]])
        np.testing.assert_allclose(combine(fit("error_weighted", exact, truth), exact), truth)

    @pytest.mark.parametrize("penalty", [0.3, 20.0])
    def test_the_regression_of_scikit_learn(self, penalty: float, said: Floats, truth: Floats) -> None:
        """Ridge regression of what the mean misses, for equal weights."""
        spec = fit(f"stacked_regression(penalty={penalty})", said, truth)
        found = combine(spec, said)
        for output in range(OUTPUTS):
            inputs = said[:, :, output].T
            mean = inputs.mean(axis=1)
            ridge = Ridge(alpha=penalty * inputs.var(axis=0).mean()).fit(inputs, truth[:, output] - mean)
            np.testing.assert_allclose(found[:, output], mean + ridge.predict(inputs), rtol=1e-8)
        np.testing.assert_allclose(found[:, OUTPUTS:], said[:, :, OUTPUTS:].mean(axis=0))
        np.testing.assert_allclose(combine(spec, said[:, :, :OUTPUTS]), found[:, :OUTPUTS])

    @pytest.mark.parametrize("seed", range(5))
    def test_never_worse_on_its_own_rows_than_the_mean(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        rows = int(generator.integers(1, 9))
        truth, said = generator.normal(size=(rows, 2)), generator.normal(size=(3, rows, 2))
        weights = generator.dirichlet(np.ones(3))
        learned = combine(fit("stacked_regression", said, truth, weights), said, weights)
        assert mse(learned, truth) <= mse(combine("mean", said, weights), truth) + 1e-12

    def test_a_bias_that_all_share_is_taken_off(self, truth: Floats) -> None:
        biased = np.stack([truth + 5, truth + 7])
        found = combine(fit("stacked_regression", biased, truth), biased)
        np.testing.assert_allclose(found, truth, rtol=1e-9)

    @pytest.mark.parametrize("name", LEARNS)
    def test_what_is_not_learned_of_these_members_is_refused(self, name: str, said: Floats, truth: Floats) -> None:
        with pytest.raises(PredictionsError, match=r"learned of 0 members.* is given 4 members"):
            combine(name, said)
        with pytest.raises(PredictionsError, match=r"learned of 4 members.* is given 3 members"):
            combine(fit(name, said, truth), said[:3])


class TestForTarget:
    def test_names_that_mean_another_function_for_values(self) -> None:
        assert for_target("median", "values") == Spec("median_of_values")
        assert for_target("trimmed_mean(trim=0.1)", "values") == Spec("trimmed_mean_of_values", {"trim": 0.1})
        assert for_target("stacking(penalty=2.0)", "values") == Spec("stacked_regression", {"penalty": 2.0})
        assert for_target("accuracy_weighted", "values") == Spec("error_weighted")
        for target in ("classes", "choices"):
            assert for_target("median", target) == Spec("median")
        for target in ("classes", "choices", "values"):
            assert for_target("mean", target) == Spec("mean")
        for name in CONSENSUS:
            twin = CONSENSUS.facts(name).for_values
            assert not twin or twin in OF_VALUES

    @pytest.mark.parametrize(
        ("given", "target", "message"),
        [
            (
                "plurality",
                "values",
                "'plurality' is for classes and choices, and the target here is values; use one of",
            ),
            ("tempered", "values", "'tempered' is for classes and choices"),
            ("mixture", "classes", "'mixture' is for values, and the target here is classes; use one of mean, geom"),
            ("median_of_values", "choices", "'median_of_values' is for values"),
            ("tempered(consensus='mixture')", "classes", "'mixture' is for values"),
            ("tempered(consensus='borda')", "choices", "'borda' is for classes, and the target here is choices"),
            ("stacking", "choices", "'stacking' is for classes"),
            ("medain", "values", "did you mean 'median'"),
        ],
    )
    def test_targets_that_are_not_served(self, given: str, target: str, message: str) -> None:
        with pytest.raises(SpecError, match=message):
            for_target(given, target)

    def test_a_consensus_of_ones_own_is_one_function(self) -> None:
        CONSENSUS.register("test_highest", targets="values")(highest)
        try:
            assert CONSENSUS.facts("test_highest").targets == ("values",)
            assert for_target("test_highest", "values") == Spec("test_highest")
        finally:
            CONSENSUS._functions.pop("test_highest")


def highest(values: Floats, weights: Floats) -> Floats:
    """Highest value that any member gives."""
    return np.asarray(values[weights > 0].max(axis=0))
