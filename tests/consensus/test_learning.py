"""What a consensus learns: the right thing, within bounds, never to its harm on its own rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrensemble.consensus import combine, fit
from lrensemble.consensus.temperature import at_limit
from lrensemble.errors import PredictionsError, UnknownNameError
from lrensemble.metrics import accuracy, nll
from lrensemble.spec import Spec

CLASSES = 4


def specialists(rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Three members: one knows classes 0 and 1, one 2 and 3, and one guesses, the surest of all."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=rows)
    knows = np.array([labels < 2, labels >= 2, np.zeros(rows, dtype=bool)])
    said = np.where(knows, labels, generator.integers(CLASSES, size=(3, rows)))
    sureness = np.array([1.0, 1.0, 3.0])[:, None, None]
    logits = sureness * np.eye(CLASSES)[said] + generator.normal(scale=0.3, size=(3, rows, CLASSES))
    probs = np.exp(logits)
    return probs / probs.sum(axis=2, keepdims=True), labels


@st.composite
def predictions(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities [member, sample, class] and labels [sample]; sometimes certain ones."""
    members, rows, classes = draw(st.integers(1, 4)), draw(st.integers(1, 9)), draw(st.integers(2, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    probs = generator.dirichlet(np.full(classes, draw(st.sampled_from([0.05, 0.5, 5]))), size=(members, rows))
    return probs, generator.integers(classes, size=rows)


class TestTemperature:
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_the_true_one_is_found(self, when: str) -> None:
        generator = np.random.default_rng(0)
        honest = generator.dirichlet(np.ones(CLASSES), size=4001)
        labels = np.array([generator.choice(CLASSES, p=row) for row in honest])
        sharpened = honest**2.5 / np.sum(honest**2.5, axis=1, keepdims=True)
        spec = fit({"name": "tempered", "when": when}, sharpened[None], labels)
        assert spec.arguments["temperature"] == pytest.approx(2.5, rel=0.1)

    @pytest.mark.parametrize("when", ["before", "after"])
    @settings(max_examples=40, deadline=None)
    @given(case=predictions())
    def test_bounded_and_never_worse_than_none(
        self, when: str, case: tuple[NDArray[np.float64], NDArray[np.int64]]
    ) -> None:
        probs, labels = case
        weights = np.arange(1.0, len(probs) + 1)
        spec = fit({"name": "tempered", "when": when}, probs, labels, weights)
        temperature = spec.arguments["temperature"]
        assert isinstance(temperature, float)
        assert 0.05 <= temperature <= 20
        untouched = nll(combine("mean", probs, weights), labels)
        assert nll(combine(spec, probs, weights), labels) <= untouched + 1e-12
        tried = [nll(combine(_with(spec, other), probs, weights), labels) for other in (0.07, 0.4, 0.9, 1.1, 2.0, 9.0)]
        assert nll(combine(spec, probs, weights), labels) <= min(tried) + 1e-4

    def test_the_ends(self) -> None:
        probs = np.array([[[0.8, 0.2], [0.7, 0.3], [0.4, 0.6]]])
        right, wrong = np.array([0, 0, 1]), np.array([1, 1, 0])
        assert fit("tempered", probs, right).arguments["temperature"] == 0.05
        assert fit("tempered", probs, wrong).arguments["temperature"] == 20.0
        undecided = np.full((1, 3, 2), 0.5)
        assert fit("tempered", undecided, right).arguments["temperature"] == 1.0

    def test_a_temperature_at_its_limit_is_flagged(self) -> None:
        probs = np.array([[[0.8, 0.2], [0.7, 0.3], [0.4, 0.6]]])
        right, wrong = np.array([0, 0, 1]), np.array([1, 1, 0])
        for when in ("before", "after"):
            assert at_limit(fit({"name": "tempered", "when": when}, probs, right))
            assert at_limit(fit({"name": "tempered", "when": when}, probs, wrong))
        assert not at_limit(fit("tempered", probs, np.array([0, 1, 1])))
        for spec, flagged in (
            ("tempered(temperature=0.05)", True),
            ("tempered(temperature=20)", True),
            ("tempered(temperature=0.06)", False),
            ("tempered(temperature=19.5)", False),
            ("tempered", False),
            ("mean", False),
            ("thresholds(consensus=tempered(temperature=0.05))", True),
            ("tempered(consensus='tempered(temperature=20.0)', temperature=1.5)", True),
            ({"name": "tempered", "temperature": 20.0}, True),
        ):
            assert at_limit(spec) is flagged

    def test_after_keeps_the_class_and_before_does_not_touch_a_vote(self) -> None:
        probs, labels = specialists(101, seed=1)
        after = fit("tempered(consensus='geometric_mean')", probs, labels)
        expected = combine("geometric_mean", probs).argmax(axis=1)
        np.testing.assert_array_equal(combine(after, probs).argmax(axis=1), expected)
        before = combine("tempered(consensus='plurality', when='before', temperature=3.0)", probs)
        np.testing.assert_array_equal(before, combine("plurality", probs))

    def test_the_inner_consensus_is_fitted_too(self) -> None:
        probs, labels = specialists(101, seed=1)
        inner = fit(Spec("tempered", {"consensus": Spec("accuracy_weighted")}), probs, labels).arguments["consensus"]
        assert inner == fit("accuracy_weighted", probs, labels)
        with pytest.raises(UnknownNameError, match="did you mean 'mean'"):
            fit("tempered(consensus='men')", probs, labels)

    def test_by_hand(self) -> None:
        probs = np.array([[[0.8, 0.2]], [[0.5, 0.5]]])
        np.testing.assert_allclose(combine("tempered(temperature=0.5)", probs), [[0.4225 / 0.545, 0.1225 / 0.545]])
        before = (0.64 / 0.68 + 0.5) / 2
        np.testing.assert_allclose(combine("tempered(when='before', temperature=0.5)", probs), [[before, 1 - before]])


def _with(spec: Spec, temperature: float) -> Spec:
    return Spec(spec.name, {**spec.arguments, "temperature": temperature})


class TestLogarithmicPool:
    @settings(max_examples=40, deadline=None)
    @given(case=predictions())
    def test_never_worse_than_the_geometric_mean_and_no_neighbour_is_better(
        self, case: tuple[NDArray[np.float64], NDArray[np.int64]]
    ) -> None:
        probs, labels = case
        weights = np.arange(1.0, len(probs) + 1) / sum(range(1, len(probs) + 1))
        spec = fit("logarithmic_pool", probs, labels, weights)
        found = nll(combine(spec, probs, weights), labels)
        assert found <= nll(combine("geometric_mean", probs, weights), labels) + 1e-12
        exponents = np.array(spec.arguments["exponents"], dtype=np.float64)
        powers = exponents * weights
        assert (powers >= 0).all()
        assert (powers <= 20 + 1e-9).all()
        for member in range(len(probs)):
            for step in (-0.05, 0.05):
                other = powers.copy()
                other[member] = np.clip(other[member] + step, 0, 20)
                moved = Spec("logarithmic_pool", {"exponents": tuple((other / weights).tolist())})
                assert nll(combine(moved, probs, weights), labels) >= found - 1e-6

    def test_a_label_that_nobody_thought_of_has_no_say(self) -> None:
        """Whatever the power, its row costs what a probability of zero costs: the others alone decide."""
        probs = np.array([[[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.7, 0.3, 0.0], [0.5, 0.5, 0.0]]])
        labels = np.array([0, 0, 1, 2])
        whole = fit("logarithmic_pool", probs, labels)
        assert whole.arguments == fit("logarithmic_pool", probs[:, :3], labels[:3]).arguments
        assert fit("logarithmic_pool", probs[:, 3:], labels[3:]).arguments == {"exponents": (1.0,)}

    def test_a_member_that_guesses_is_left_out(self) -> None:
        probs, labels = specialists(997, seed=0)
        exponents = fit("logarithmic_pool", probs, labels).arguments["exponents"]
        assert isinstance(exponents, tuple)
        knowing, other, guessing = (float(str(value)) for value in exponents)
        assert min(knowing, other) > 20 * max(guessing, 1e-3)


@pytest.mark.parametrize("name", ["stacking", "mlp"])
class TestLearned:
    def test_learns_whom_to_trust_for_which_class(self, name: str) -> None:
        probs, labels = specialists(601, seed=0)
        fresh, truth = specialists(601, seed=1)
        out = combine(fit(name, probs, labels), fresh)
        assert accuracy(out, truth) > accuracy(combine("mean", fresh), truth) + 0.2
        assert nll(out, truth) < nll(combine("mean", fresh), truth)

    def test_twice_is_the_same(self, name: str) -> None:
        probs, labels = specialists(61, seed=0)
        assert fit(name, probs, labels) == fit(name, probs, labels)

    def test_a_class_without_rows_keeps_a_small_probability(self, name: str) -> None:
        probs, labels = specialists(301, seed=0)
        seen = labels < CLASSES - 1
        out = combine(fit(name, probs[:, seen], labels[seen]), probs)
        assert (out[:, -1] > 0).all()
        assert out[:, -1].mean() < 0.1

    def test_penalties_shrink(self, name: str) -> None:
        probs, labels = specialists(301, seed=0)
        loose = combine(fit({"name": name, "penalty": 0.1}, probs, labels), probs)
        tight = combine(fit({"name": name, "penalty": 1e5}, probs, labels), probs)
        assert nll(loose, labels) < nll(tight, labels)
        assert np.ptp(tight, axis=0).max() < 0.1, "all rows get nearly the same"

    def test_other_members_or_classes_are_refused(self, name: str) -> None:
        probs, labels = specialists(31, seed=0)
        spec = fit(name, probs, labels)
        with pytest.raises(PredictionsError, match="of 3 members and 4 classes, and is given 2 members and 4 classes"):
            combine(spec, probs[:2])
        with pytest.raises(PredictionsError, match="is given 3 members and 3 classes; fit it"):
            combine(spec, np.full((3, 5, 3), 1 / 3))
        with pytest.raises(PredictionsError, match="of 0 members and 0 classes"):
            combine(name, probs)


@pytest.mark.parametrize("name", ["stacking", "mlp"])
def test_two_classes(name: str) -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(2, size=301)
    first = np.clip(0.5 + 0.3 * (1 - 2 * labels) + generator.normal(scale=0.2, size=(3, 301)), 0.01, 0.99)
    probs = np.stack([first, 1 - first], axis=2)
    out = combine(fit(name, probs, labels), probs)
    assert accuracy(out, labels) > 0.95
    assert nll(out, labels) < nll(combine("mean", probs), labels)


def test_the_network_by_hand() -> None:
    generator = np.random.default_rng(0)
    probs = generator.dirichlet(np.ones(3), size=(2, 5))
    into, onto = generator.normal(size=(6, 4)), generator.normal(size=(4, 3))
    spec = Spec(
        "mlp",
        {
            "hidden_weights": tuple(tuple(row) for row in into.tolist()),
            "hidden_biases": (0.1, 0.2, 0.3, 0.4),
            "output_weights": tuple(tuple(row) for row in onto.tolist()),
            "output_biases": (0.5, 0.6, 0.7),
        },
    )
    inputs = np.concatenate([probs[0] * 2 * 0.25, probs[1] * 2 * 0.75], axis=1)  # weights over those of equal members
    units = 1 / (1 + np.exp(-(inputs @ into + [0.1, 0.2, 0.3, 0.4])))
    outputs = np.exp(units @ onto + [0.5, 0.6, 0.7])
    np.testing.assert_allclose(combine(spec, probs, [1, 3]), outputs / outputs.sum(axis=1, keepdims=True))


def test_the_regressions_by_hand() -> None:
    probs = np.array([[[0.5, 0.5, 0.0]], [[0.2, 0.7, 0.1]]])
    spec = "stacking(coefficients=[[0.3, 0.2], [0.2, 0.1], [0.1, 0.4]], intercepts=[0.0, 0.1, 0.2])"
    logs = np.maximum(np.log(np.maximum(probs[:, 0], 1e-300)), -30) * [[0.5], [1.5]]
    logits = np.einsum("mc,cm->c", logs, [[0.3, 0.2], [0.2, 0.1], [0.1, 0.4]]) + np.array([0.0, 0.1, 0.2])
    outputs = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(combine(spec, probs, [1, 3]), outputs[None] / outputs.sum())


class TestFocal:
    def test_by_hand(self) -> None:
        labels = np.zeros(6, dtype=np.int64)
        said = np.array([[0, 0, 0, 1, 1, 0], [0, 0, 1, 0, 1, 0], [0, 1, 0, 1, 1, 0]])
        spec = fit("focal", np.eye(2)[said], labels)
        # Errors: {3, 4}, {2, 4}, {1, 3, 4}. The first is right on 1 of 2 and on 1 of 3 of the others', and so on.
        expected = [(1 / 2 + 1 / 3) / 2, (1 / 2 + 2 / 3) / 2, (0 + 1 / 2) / 2]
        np.testing.assert_allclose(np.array(spec.arguments["repairs"]), expected)
        out = combine(spec, np.eye(2)[said])
        np.testing.assert_allclose(out[3], np.array([expected[1], expected[0] + expected[2]]) / sum(expected))

    def test_members_that_never_err_count_by_the_errors_of_the_others(self) -> None:
        labels = np.zeros(4, dtype=np.int64)
        said = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0]])
        assert fit("focal", np.eye(2)[said], labels).arguments["repairs"] == (1.0, 1.0, 1.0)
        nobody_errs = np.eye(2)[np.zeros((2, 4), dtype=np.int64)]
        spec = fit("focal", nobody_errs, labels)
        assert spec.arguments["repairs"] == (0.0, 0.0)
        np.testing.assert_array_equal(combine(spec, nobody_errs), nobody_errs[0])

    def test_a_member_without_weight_is_nobody_to_repair(self) -> None:
        labels = np.zeros(3, dtype=np.int64)
        said = np.array([[0, 0, 1], [0, 1, 0], [1, 1, 1]])
        repairs = np.array(fit("focal", np.eye(2)[said], labels, [1, 1, 0]).arguments["repairs"])
        assert repairs[:2].tolist() == [1.0, 1.0]


def test_labels_of_other_rows_are_refused() -> None:
    with pytest.raises(PredictionsError, match="labels have shape \\(5,\\); give one for each of 6 rows"):
        fit("focal", np.full((2, 6, 3), 1 / 3), np.zeros(5, dtype=np.int64))
