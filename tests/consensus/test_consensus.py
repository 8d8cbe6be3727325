"""Every consensus of classes: distributions out, numpy and torch alike, weights and axes right."""

import json

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, combine, fit
from lrensemble.errors import PredictionsError
from lrensemble.metrics import serving

MEMBERS, ROWS, CLASSES = 4, 13, 5
WEIGHTS = np.array([0.1, 0.4, 0.2, 0.3])
OF_CLASSES = serving(CONSENSUS, "classes")


@pytest.fixture
def probs() -> NDArray[np.float64]:
    return np.random.default_rng(0).dirichlet(np.full(CLASSES, 0.5), size=(MEMBERS, ROWS))


@pytest.fixture
def labels() -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(CLASSES, size=ROWS)


@pytest.mark.parametrize("name", OF_CLASSES)
class TestContract:
    def test_distributions_come_out(self, name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        out = combine(fit(name, probs, labels), probs, WEIGHTS)
        assert out.shape == (ROWS, CLASSES)
        assert out.dtype == np.float64
        np.testing.assert_allclose(out.sum(axis=1), 1)
        assert (out >= 0).all()

    def test_torch_gives_the_same(self, name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        spec = fit(name, probs, labels)
        tensor = combine(spec, torch.from_numpy(probs), torch.from_numpy(WEIGHTS))
        assert isinstance(tensor, torch.Tensor)
        np.testing.assert_allclose(tensor.numpy(), combine(spec, probs, WEIGHTS), rtol=1e-12)

    def test_a_member_without_weight_has_no_say(
        self, name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]
    ) -> None:
        spec = fit(name, probs, labels)
        other = probs.copy()
        other[2] = np.roll(other[2], 1, axis=1)
        weights = [1.0, 2.0, 0.0, 1.0]
        np.testing.assert_array_equal(combine(spec, probs, weights), combine(spec, other, weights))

    def test_a_fitted_consensus_reads_back_from_its_text(
        self, name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]
    ) -> None:
        spec = fit(name, probs, labels)
        out = combine(spec, probs, WEIGHTS)
        np.testing.assert_array_equal(combine(str(spec), probs, WEIGHTS), out)
        np.testing.assert_array_equal(combine(json.loads(json.dumps(spec.to_json())), probs, WEIGHTS), out)

    def test_the_example_runs(self, name: str) -> None:
        probs = np.random.default_rng(2).dirichlet(np.ones(3), size=(2, 7))
        np.testing.assert_allclose(combine(CONSENSUS.example(name), probs).sum(axis=1), 1)

    @pytest.mark.parametrize(("members", "rows", "classes"), [(1, 5, 3), (3, 1, 4), (2, 4, 1), (3, 5, 2)])
    def test_edges(self, name: str, members: int, rows: int, classes: int) -> None:
        generator = np.random.default_rng(3)
        soft = generator.dirichlet(np.ones(classes), size=(members, rows))
        certain = np.eye(classes)[generator.integers(classes, size=(members, rows))]
        for given in (soft, certain):
            for labels in (given[0].argmax(axis=1), given[0].argmin(axis=1)):  # the first all right, all wrong
                out = combine(fit(name, given, labels), given)
                assert out.shape == (rows, classes)
                np.testing.assert_allclose(out.sum(axis=1), 1)

    def test_single_precision_is_kept(self, name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        out = combine(fit(name, probs, labels), torch.from_numpy(probs).float())
        assert out.dtype == torch.float32
        np.testing.assert_allclose(out.sum(dim=1).numpy(), 1, rtol=1e-5)

    def test_weights_that_do_not_fit_are_refused(self, name: str, probs: NDArray[np.float64]) -> None:
        for weights in ([1.0, 1.0], [1.0, -1.0, 1.0, 1.0], [0.0] * MEMBERS, [np.nan] * MEMBERS, [np.inf, *[1.0] * 3]):
            with pytest.raises(PredictionsError, match="do not fit 4 members"):
                combine(name, probs, weights)
        with pytest.raises(PredictionsError, match="give \\[member, sample, class\\]"):
            combine(name, probs[0], [1.0])


# Learning an `mlp` starts from random weights, which do not follow the members' order.
@pytest.mark.parametrize("name", [name for name in OF_CLASSES if name != "mlp"])
def test_order_of_members_does_not_matter(name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
    order = [2, 0, 3, 1]
    shuffled = combine(fit(name, probs[order], labels, WEIGHTS[order]), probs[order], WEIGHTS[order])
    np.testing.assert_allclose(shuffled, combine(fit(name, probs, labels, WEIGHTS), probs, WEIGHTS), rtol=1e-3)


# The others count members, or learn of a member beside its team-mates.
@pytest.mark.parametrize(
    "name", [n for n in OF_CLASSES if n not in ("product", "focal", "logarithmic_pool", "stacking", "mlp")]
)
def test_a_member_given_twice_counts_by_its_weight(
    name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]
) -> None:
    doubled, halved = [0, 0, 1, 2, 3], np.array([0.05, 0.05, 0.4, 0.2, 0.3])
    out = combine(fit(name, probs[doubled], labels, halved), probs[doubled], halved)
    np.testing.assert_allclose(out, combine(fit(name, probs, labels, WEIGHTS), probs, WEIGHTS), rtol=1e-12)


# The others learn that the member errs.
@pytest.mark.parametrize("name", [name for name in OF_CLASSES if name not in ("stacking", "mlp")])
def test_one_certain_member_decides_alone(name: str) -> None:
    certain = np.eye(CLASSES)[None, [3, 1, 1]]
    out = combine(fit(name, certain, np.array([3, 1, 0])), certain)
    assert out.argmax(axis=1).tolist() == [3, 1, 1]


def test_means_by_hand() -> None:
    probs = np.array([[[0.8, 0.2]], [[0.2, 0.8]], [[0.5, 0.5]]])
    np.testing.assert_allclose(combine("mean", probs, [2.0, 1.0, 1.0]), [[0.575, 0.425]])
    odds = (0.8 / 0.2) ** 0.5 * (0.2 / 0.8) ** 0.25
    np.testing.assert_allclose(combine("geometric_mean", probs, [2.0, 1.0, 1.0]), [[odds / (1 + odds), 1 / (1 + odds)]])


def test_geometric_mean_survives_certain_members_that_contradict_each_other() -> None:
    certain = np.eye(3)[[0, 1]][:, None, :]
    np.testing.assert_allclose(combine("geometric_mean", certain), [[0.5, 0.5, 0.0]], atol=1e-100)


def test_votes_by_hand() -> None:
    probs = np.array([[[0.4, 0.3, 0.3]], [[0.1, 0.5, 0.4]], [[0.1, 0.2, 0.7]], [[0.4, 0.4, 0.2]]])
    np.testing.assert_allclose(combine("plurality", probs), [[0.5, 0.25, 0.25]])
    np.testing.assert_allclose(combine("plurality", probs, [1.0, 3.0, 1.0, 1.0]), [[1 / 3, 1 / 2, 1 / 6]])


def test_without_a_majority_confidence_decides() -> None:
    probs = np.array([[[0.4, 0.3, 0.3]], [[0.0, 0.6, 0.4]], [[0.4, 0.3, 0.3]], [[0.0, 0.3, 0.7]]])
    np.testing.assert_allclose(combine("majority", probs), probs.mean(axis=0), err_msg="half is no majority")
    np.testing.assert_allclose(combine("majority", probs[:3]), [[2 / 3, 1 / 3, 0]])


def test_accuracies_are_learned(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
    spec = fit("accuracy_weighted", probs, labels)
    accuracies = np.array([np.mean(member.argmax(axis=1) == labels) for member in probs])
    np.testing.assert_allclose(combine(spec, probs), np.average(probs, axis=0, weights=accuracies))
    with pytest.raises(PredictionsError, match="learned of 0 members, and is given 4 members; fit it"):
        combine("accuracy_weighted", probs)


def test_members_that_are_never_right_count_alike(probs: NDArray[np.float64]) -> None:
    never = (probs.argmax(axis=2).max() + 1 + np.zeros(ROWS, dtype=np.int64)) % CLASSES
    rolled = np.where(probs == probs.max(axis=2, keepdims=True), 0.9, 0.025)[:, :, :]
    rolled[:, :, never[0]] = 0.0
    rolled /= rolled.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(combine(fit("accuracy_weighted", rolled, never), rolled), rolled.mean(axis=0))
