"""Diversity by hand, at the edges, its identities, and against EnsembleBench's own values."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.metrics import serving
from lrensemble.metrics.diversity import (
    DIVERSITY,
    all_teams,
    all_teams_focal,
    diversity,
    higher_is_more_diverse,
    pairwise,
)
from lrensemble.metrics.diversity.outcomes import outcomes, where_wrong
from lrensemble.metrics.diversity.teams import EveryTeam

OF_CLASSES = [name for name in serving(DIVERSITY, "classes") if name not in ("kullback_leibler", "jensen_shannon")]
NOBODY_DIFFERS = {
    "double_fault": 0.0,
    "q_statistic": 0.0,
    "correlation": 0.0,
    "correctness_kappa": 1.0,
    "cohen_kappa": 1.0,
    "fleiss_kappa": 1.0,
}
"""What a measure gives where all members are always right; the others give 0."""
ALIKE = {"double_fault": 0.5} | dict.fromkeys(
    ("q_statistic", "correlation", "correctness_kappa", "cohen_kappa", "fleiss_kappa"), 1.0
)
"""Of members that say the same and are right in half of the rows; of all other measures 0."""


@st.composite
def pools(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Predicted classes [member, sample] and labels [sample], with as many members as rows or more, or fewer."""
    members, rows, classes = draw(st.integers(1, 6)), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = generator.integers(classes, size=rows)
    other = generator.integers(classes, size=(members, rows))
    return np.where(generator.random((members, rows)) < draw(st.floats(0, 1)), labels, other), labels


def one_hot(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.eye(int(max(predicted.max(initial=0), labels.max(initial=0))) + 1)[predicted]


class TestByHand:
    """Two members over ten rows: 4 both right, 3 the first alone, 1 the second alone, 2 both wrong."""

    labels = np.zeros(10, dtype=np.int64)
    predicted = np.array([[0, 0, 0, 0, 0, 0, 0, 1, 1, 2], [0, 0, 0, 0, 1, 2, 1, 0, 1, 1]])

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("binary_disagreement", 0.4),
            ("double_fault", 0.2),
            ("q_statistic", (4 * 2 - 3 * 1) / (4 * 2 + 3 * 1)),
            ("correlation", 5 / np.sqrt(7 * 3 * 5 * 5)),
            ("correctness_kappa", 2 * 5 / (7 * 5 + 5 * 3)),
            ("kohavi_wolpert", 0.1),
            ("generalized_diversity", 0.4 / 0.8),
            ("entropy", 0.4),
            ("disagreement", 0.5),
            ("cohen_kappa", (0.5 - 0.44) / (1 - 0.44)),  # 0.7 * 0.5 + 0.2 * 0.4 + 0.1 * 0.1
            ("fleiss_kappa", (0.5 - 0.46) / (1 - 0.46)),  # 0.6² + 0.3² + 0.1²
        ],
    )
    def test_of_the_team(self, name: str, expected: float) -> None:
        assert diversity(name, self.predicted, self.labels) == pytest.approx(expected, abs=1e-12)

    def test_over_the_errors_of_each(self) -> None:
        for name, first, second in (("binary_disagreement", 1 / 3, 3 / 5), ("generalized_diversity", 0.2, 3 / 7)):
            values = all_teams_focal(name, self.predicted, self.labels)
            np.testing.assert_allclose(values[:, 3], [first, second])

    def test_certain_members_that_contradict_each_other_diverge_most(self) -> None:
        probs = np.eye(3)[[[0, 0], [1, 0]]]
        assert diversity("jensen_shannon", probs, [0, 0]) == pytest.approx(np.log(2) / 2)
        assert diversity("kullback_leibler", probs, [0, 0]) == pytest.approx(36.0437 / 2, rel=1e-5)


class TestEdges:
    @pytest.mark.parametrize("name", serving(DIVERSITY, "classes"))
    @settings(max_examples=30, deadline=None)
    @given(pool=pools())
    def test_never_nan(self, name: str, pool: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
        predicted, labels = pool
        probs = one_hot(predicted, labels)
        for values in (
            all_teams(name, probs, labels),
            all_teams_focal(name, probs, labels),
            pairwise(name, probs, labels),
            np.array(diversity(name, probs, labels)),
            all_teams(name, probs[:, :0], labels[:0]),
        ):
            assert np.isfinite(values).all()

    @pytest.mark.parametrize("name", serving(DIVERSITY, "classes"))
    def test_nobody_errs(self, name: str) -> None:
        labels = np.array([0, 1, 1, 2])
        everybody = np.eye(3)[[labels, labels, labels]]
        # The predicted classes vary, so only kappas of correctness have nothing to compare.
        expected = NOBODY_DIFFERS.get(name, 0.0)
        np.testing.assert_allclose(all_teams(name, everybody, labels)[1:], expected, atol=1e-15)
        np.testing.assert_allclose(all_teams_focal(name, everybody, labels)[:, 1:], expected, atol=1e-15)

    @pytest.mark.parametrize("name", serving(DIVERSITY, "classes"))
    def test_each_says_which_direction_is_diverse(self, name: str) -> None:
        """Of members that err on rows of their own against the same member five times."""
        labels, rows = np.arange(35) % 7, np.arange(35)
        apart = np.stack([np.where(rows % 5 == member, (labels + 1) % 7, labels) for member in range(5)])
        together = np.repeat(apart[:1], 5, axis=0)
        diverse, alike = (diversity(name, 0.9 * np.eye(7)[one] + 0.1 / 7, labels) for one in (apart, together))
        assert (diverse > alike) == higher_is_more_diverse(name)
        assert diverse != alike

    @pytest.mark.parametrize("name", serving(DIVERSITY, "classes"))
    def test_all_agree_and_err_alike(self, name: str) -> None:
        same = np.eye(3)[[[0, 1, 1, 2]] * 5]
        labels = np.array([0, 1, 0, 0])
        expected = ALIKE.get(name, 0.0)
        np.testing.assert_allclose(all_teams(name, same, labels)[1:], expected, atol=1e-15)

    @pytest.mark.parametrize("name", serving(DIVERSITY, "classes"))
    def test_a_single_member_is_compared_with_itself(self, name: str) -> None:
        predicted, labels = np.array([[0, 1, 1, 2]]), np.array([0, 1, 0, 0])
        expected = ALIKE.get(name, 0.0)
        assert diversity(name, one_hot(predicted, labels), labels) == pytest.approx(expected)

    @pytest.mark.parametrize("name", OF_CLASSES)
    def test_more_members_than_rows(self, name: str) -> None:
        predicted, labels = np.array([[0], [1], [1], [2], [0]]), np.array([0])
        values = all_teams(name, predicted, labels)
        teams = (0b11, 0b10111)
        assert [
            diversity(name, predicted[[i for i in range(5) if m >> i & 1]], labels) for m in teams
        ] == pytest.approx([values[mask] for mask in teams])


class TestIdentities:
    @settings(max_examples=60, deadline=None)
    @given(pool=pools())
    def test_between_measures(self, pool: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
        predicted, labels = pool
        errors = (predicted != labels).mean(axis=1)
        value = {name: all_teams(name, predicted, labels) for name in OF_CLASSES}
        sizes = np.maximum(EveryTeam(len(predicted)).sizes(), 1)
        error = EveryTeam(len(predicted)).over_members(errors)
        disagreement = value["binary_disagreement"]
        np.testing.assert_allclose(value["kohavi_wolpert"], (sizes - 1) / (2 * sizes) * disagreement, atol=1e-15)
        np.testing.assert_allclose(value["generalized_diversity"] * 2 * error, disagreement, atol=1e-14)
        np.testing.assert_allclose(error, value["double_fault"] + disagreement / 2, atol=1e-14)
        np.testing.assert_array_equal(value["entropy"][sizes == 2], disagreement[sizes == 2])
        assert (disagreement <= value["disagreement"] + 1e-15).all(), "who differs in being right differs in the class"

    @pytest.mark.parametrize("name", serving(DIVERSITY, "classes"))
    @settings(max_examples=20, deadline=None)
    @given(pool=pools(), seed=st.integers(0, 99))
    def test_order_of_members_and_rows_does_not_matter(
        self, name: str, pool: tuple[NDArray[np.int64], NDArray[np.int64]], seed: int
    ) -> None:
        predicted, labels = pool
        probs = one_hot(predicted, labels)
        generator = np.random.default_rng(seed)
        rows, members = generator.permutation(len(labels)), generator.permutation(len(probs))
        shuffled = diversity(name, probs[members][:, rows], labels[rows])
        assert shuffled == pytest.approx(diversity(name, probs, labels), rel=1e-9, abs=1e-12)

    def test_focal_means_only_the_rows_that_it_gets_wrong(self) -> None:
        predicted, labels = np.array([[0, 1, 1, 0], [0, 1, 0, 1]]), np.array([0, 0, 0, 0])
        assert where_wrong(outcomes(predicted, labels), 0).predicted.tolist() == [[1, 1], [1, 0]]
        assert where_wrong(outcomes(predicted, labels), 1).predicted.tolist() == [[1, 0], [1, 1]]

    def test_sixteen_members_at_once_and_one_by_one(self) -> None:
        generator = np.random.default_rng(5)
        labels = generator.integers(7, size=211)
        predicted = np.where(generator.random((16, 211)) < 0.7, labels, generator.integers(7, size=(16, 211)))
        for name in OF_CLASSES:
            values = all_teams(name, predicted, labels)
            for mask in (0b1000000000000001, 0b0110101100010111, 0xFFFF):
                team = [i for i in range(16) if mask >> i & 1]
                assert values[mask] == pytest.approx(diversity(name, predicted[team], labels), rel=1e-12)


def test_values_of_ensemblebench(shared_data: Path, shared_golden: Path) -> None:
    """Its CK is Cohen's kappa of predicted classes, its E that of Kuncheva & Whitaker, and its focal ones are exact."""
    names = {
        "CK": "cohen_kappa",
        "QS": "q_statistic",
        "BD": "binary_disagreement",
        "FK": "fleiss_kappa",
        "KW": "kohavi_wolpert",
        "GD": "generalized_diversity",
        "CC": "correlation",
        "E": "entropy",
    }
    pool = np.load(shared_data / "pool-cifar10" / "cifar10_test_logits_8models.npz")
    predicted, labels = pool["logits"].argmax(axis=2), pool["labels"].astype(np.int64)
    golden = json.loads((shared_golden / "ensemblebench_cifar10.json").read_text())["teams"]
    whole = {short: all_teams(name, predicted, labels) for short, name in names.items()}
    focal = {short: all_teams_focal(name, predicted, labels) for short, name in names.items()}
    compared = 0
    for entry in golden:
        mask = sum(1 << member for member in entry["team"])
        for short, expected in entry["diversity"].items():
            assert whole[short][mask] == pytest.approx(expected, abs=1e-12), (entry["team"], short)
            compared += 1
        for member, values in entry["focal"].items():
            for short, expected in values.items():
                assert focal[short][int(member), mask] == pytest.approx(expected, abs=1e-12), (entry["team"], short)
                compared += 1
    assert compared == 24 * 8 + 6 * sum(len(entry["team"]) for entry in golden)


@pytest.mark.parametrize(
    ("predictions", "labels", "message"),
    [
        (np.zeros((0, 4), dtype=np.int64), np.zeros(4, dtype=np.int64), r"predictions have shape \(0, 4\)"),
        (np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64), r"predictions have shape \(4,\)"),
        (np.zeros((2, 4)), np.zeros(4, dtype=np.int64), "of float64; give classes"),
        (np.full((2, 4), -1), np.zeros(4, dtype=np.int64), "class -1; classes count from 0"),
        (np.zeros((2, 4), dtype=np.int64), np.zeros(3, dtype=np.int64), "the predictions have 4 rows"),
        (np.full((2, 4, 3), 0.5), np.zeros(4, dtype=np.int64), "does not sum to one"),
        (np.full((2, 4, 2), 0.5), np.full(4, 2), "label 2 in row 0 is outside"),
    ],
)
def test_what_cannot_be_used_is_refused(
    predictions: NDArray[np.float64], labels: NDArray[np.int64], message: str
) -> None:
    with pytest.raises(PredictionsError, match=message):
        diversity("entropy", predictions, labels)


def test_what_cannot_be_served_is_refused() -> None:
    predicted, labels = np.zeros((29, 3), dtype=np.int64), np.zeros(3, dtype=np.int64)
    with pytest.raises(PredictionsError, match="29 members have 2\\^29 teams; up to 28"):
        all_teams("entropy", predicted, labels)
    for focal in (29, -1):
        with pytest.raises(PredictionsError, match="the members are 0 to 28"):
            diversity("entropy", predicted, labels, focal=focal)
    with pytest.raises(PredictionsError, match="divergences need probabilities"):
        diversity("jensen_shannon", predicted, labels)
