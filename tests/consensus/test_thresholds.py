"""Offsets of classes: what they gain where classes are rare, that they are left alone elsewhere, and the search."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from lrensemble.consensus import combine, fit
from lrensemble.consensus.offsets import Decisions, along_the_prior, ascended
from lrensemble.errors import PredictionsError, SpecError
from lrensemble.metrics import METRICS, score
from lrensemble.select import Validation, cross_fit
from lrensemble.spec import Spec

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

RARE = np.array([0.85, 0.1, 0.03, 0.02])


def honest(rows: int, shares: Floats, seed: int, noise: float = 0.7) -> tuple[Floats, Labels]:
    """Three members' probabilities [member, sample, class] of classes with known shares, and the truth.

    What is seen of a row is its class's direction in noise. A member says the exact posterior given what it sees, and
    each sees some noise of its own.
    """
    generator = np.random.default_rng(seed)
    labels = generator.choice(len(shares), p=shares, size=rows)
    seen = np.eye(len(shares))[labels] + generator.normal(scale=noise, size=(rows, len(shares)))
    own = generator.normal(scale=0.3, size=(3, rows, len(shares)))
    return np.asarray(softmax((seen + own) / (noise**2 + 0.3**2) + np.log(shares), axis=2)), labels


def offsets_of(spec: Spec) -> Floats:
    offsets = spec.arguments["offsets"]
    assert isinstance(offsets, tuple)
    return np.array(offsets, dtype=np.float64)


class TestGains:
    @pytest.mark.parametrize("seed", range(4))
    def test_balanced_accuracy_on_fresh_rows_comes_near_the_known_best(self, seed: int) -> None:
        probs, labels = honest(2000, RARE, seed)
        fresh, truth = honest(20000, RARE, seed + 100)
        best = combine(Spec("thresholds", {"offsets": tuple((-np.log(RARE)).tolist())}), fresh)
        plain, ideal = (score("balanced_accuracy", out, truth) for out in (combine("mean", fresh), best))
        learned = score("balanced_accuracy", combine(fit("thresholds", probs, labels), fresh), truth)
        assert ideal > plain + 0.2, "there is something to learn"
        assert learned > ideal - 0.04

    @pytest.mark.parametrize("metric", ["f1", "cohen_kappa", "matthews_corrcoef"])
    def test_other_metrics_are_raised_too_or_left_alone(self, metric: str) -> None:
        probs, labels = honest(2000, RARE, 5)
        fresh, truth = honest(20000, RARE, 105)
        spec = fit({"name": "thresholds", "metric": metric}, probs, labels)
        assert score(metric, combine(spec, fresh), truth) > score(metric, combine("mean", fresh), truth) - 0.005

    def test_costs_of_two_classes_have_their_threshold(self) -> None:
        """A missed row of class 1 costs 9: predicted from 1/10 on (Elkan 2001), an offset of ln 9 over class 0."""
        probs, labels = honest(4000, np.array([0.7, 0.3]), 6)
        spec = fit({"name": "thresholds", "metric": "cost(matrix=[[0.0, 1.0], [9.0, 0.0]])"}, probs, labels)
        offsets = offsets_of(spec)
        assert offsets[1] - offsets[0] == pytest.approx(np.log(9), abs=0.7)

    def test_digits_of_which_half_are_rare_gain_out_of_fold(self) -> None:
        """Ten digits, of which five have eight rows each: ten points of balanced accuracy at least, cross-fitted."""
        images, digits = load_digits(return_X_y=True)
        generator = np.random.default_rng(0)
        kept = np.concatenate(
            [generator.permutation(np.flatnonzero(digits == one))[: 170 if one < 5 else 16] for one in range(10)]
        )
        kept = generator.permutation(kept)
        train, rows = kept[::2], kept[1::2]
        noisy = images + generator.normal(scale=6, size=images.shape)
        members = [
            LogisticRegression(C=1e-3, max_iter=2000).fit(noisy[train][:, part::3], digits[train]) for part in range(3)
        ]
        log_probs = np.stack([member.predict_log_proba(noisy[rows][:, part::3]) for part, member in enumerate(members)])
        validation = Validation(log_probs, digits[rows])
        plain, learned = (
            cross_fit(validation, "all", metric="balanced_accuracy", consensus=consensus, repeats=1)
            for consensus in ("mean", "thresholds")
        )
        assert learned.score > plain.score + 0.1


class TestLeftAlone:
    def test_balanced_classes_lose_nothing_on_fresh_rows(self) -> None:
        changes, taken = [], 0
        even = np.full(4, 0.25)
        for seed in range(12):
            probs, labels = honest(400, even, seed)
            fresh, truth = honest(5000, even, seed + 200)
            spec = fit("thresholds", probs, labels)
            taken += bool(offsets_of(spec).any())
            changes.append(
                score("balanced_accuracy", combine(spec, fresh), truth)
                - score("balanced_accuracy", combine("mean", fresh), truth)
            )
        assert taken <= 4
        assert np.mean(changes) > -0.003
        assert min(changes) > -0.02

    @pytest.mark.parametrize("rows", [1, 2, 3, 7, 20])
    def test_few_rows(self, rows: int) -> None:
        for seed in range(10):
            probs, labels = honest(rows, RARE, seed)
            spec = fit("thresholds", probs, labels)
            assert np.isfinite(offsets_of(spec)).all()
            own = score("balanced_accuracy", combine(spec, probs), labels)
            assert own >= score("balanced_accuracy", combine("mean", probs), labels)

    def test_where_nothing_is_taken_nothing_changes(self) -> None:
        probs = np.eye(3)[np.array([[0, 1, 2, 0, 1]])] * 0.8 + 0.2 / 3
        spec = fit("thresholds", probs, np.array([0, 1, 2, 0, 1]))
        assert spec.arguments["offsets"] == (0.0, 0.0, 0.0)
        np.testing.assert_array_equal(combine(spec, probs), combine("mean", probs))
        np.testing.assert_array_equal(combine("thresholds", probs), combine("mean", probs))

    def test_a_single_class(self) -> None:
        assert fit("thresholds", np.ones((2, 5, 1)), np.zeros(5, dtype=np.int64)).arguments["offsets"] == (0.0,)


class TestSearch:
    def test_free_offsets_are_the_best_of_a_fine_grid(self) -> None:
        """Of two classes one difference matters; every value that differs is tried slowly here."""
        generator = np.random.default_rng(0)
        labels = generator.choice(2, p=[0.8, 0.2], size=900)
        logs = np.log(softmax(generator.normal(size=(900, 2)) + np.eye(2)[labels], axis=1))
        rows = decisions(logs, labels, "f1")
        found = ascended(rows, np.zeros(2), penalty=0.0)
        borders = np.sort(logs[:, 0] - logs[:, 1])
        tried = [rows.score(np.array([0.0, value])) for value in (borders[1:] + borders[:-1]) / 2]
        assert rows.score(found) == pytest.approx(max(tried), abs=2e-3)
        few = rows.of_rows(np.arange(900) < 200)  # all borders are tried at once
        borders = np.sort(few.logs[:, 0] - few.logs[:, 1])
        tried = [few.score(np.array([0.0, value])) for value in (borders[1:] + borders[:-1]) / 2]
        assert few.score(ascended(few, np.zeros(2), penalty=0.0)) == pytest.approx(max(tried), abs=1e-12)

    @pytest.mark.parametrize("metric", ["balanced_accuracy", "f1", "cost"])
    def test_ascent_never_descends_and_a_penalty_keeps_it_near(self, metric: str) -> None:
        generator = np.random.default_rng(1)
        labels = generator.choice(5, p=[0.5, 0.2, 0.15, 0.1, 0.05], size=300)
        logs = np.log(softmax(generator.normal(size=(300, 5)) + np.eye(5)[labels], axis=1))
        rows = decisions(logs, labels, metric)
        start = along_the_prior(rows)
        assert rows.score(start) >= rows.score(np.zeros(5))
        free, held, fixed = (ascended(rows, start, penalty) for penalty in (0.0, 3.0, 1e9))
        assert rows.score(free) >= rows.score(held) >= rows.score(start)
        assert np.abs(held - start).sum() <= np.abs(free - start).sum()
        np.testing.assert_array_equal(fixed, start)

    def test_counts_repeat_rows(self) -> None:
        generator = np.random.default_rng(2)
        labels = generator.choice(3, p=[0.7, 0.2, 0.1], size=80)
        logs = np.log(softmax(generator.normal(size=(80, 3)) + np.eye(3)[labels], axis=1))
        times = generator.integers(1, 4, size=80)
        counted = decisions(logs, labels, "balanced_accuracy", times.astype(np.float64))
        index = np.repeat(np.arange(80), times)
        repeated = decisions(logs[index], labels[index], "balanced_accuracy")
        np.testing.assert_allclose(along_the_prior(counted), along_the_prior(repeated))
        start = np.zeros(3)
        assert counted.score(ascended(counted, start, 0.0)) == pytest.approx(
            repeated.score(ascended(repeated, start, 0.0)), abs=1e-9
        )


def decisions(logs: Floats, labels: Labels, metric: str, counts: Floats | None = None) -> Decisions:
    facts = METRICS.facts(metric)
    measure = facts.of_confusion
    assert measure is not None
    sign = -1.0 if metric == "cost" else 1.0

    def measured(matrices: Floats) -> Floats:
        return sign * measure(matrices)

    return Decisions(logs, labels, np.ones(len(labels)) if counts is None else counts, measured)


def test_by_hand_in_numpy_and_torch() -> None:
    probs = np.array([[[0.6, 0.3, 0.1], [0.5, 0.0, 0.5]], [[0.4, 0.3, 0.3], [0.5, 0.0, 0.5]]])
    spec = Spec("thresholds", {"offsets": (0.0, float(np.log(2)), 0.0)})
    expected = np.array([[0.5, 0.6, 0.2], [0.5, 0.0, 0.5]])
    expected = expected / expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(combine(spec, probs), expected, atol=1e-300, rtol=1e-12)
    tensor = combine(spec, torch.from_numpy(probs).float())
    assert tensor.dtype == torch.float32
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-6, atol=1e-30)


def test_the_inner_consensus_is_fitted_and_a_vote_can_be_moved() -> None:
    probs, labels = honest(600, RARE, 7)
    spec = fit(Spec("thresholds", {"consensus": Spec("accuracy_weighted")}), probs, labels)
    assert spec.arguments["consensus"] == fit("accuracy_weighted", probs, labels)
    assert fit(spec, probs, labels) == spec
    assert len(offsets_of(fit("thresholds(consensus='plurality')", probs, labels))) == 4


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (
            "thresholds(metric='nll')",
            SpecError,
            "raises a metric of decisions, and nll is none; use one of balanced_acc",
        ),
        ("thresholds(metric='f1_scor')", SpecError, "did you mean 'f1_score'"),
        ("thresholds(penalty=-1.0)", SpecError, "penalty = -1.0 is refused"),
        ("thresholds(metric='cost(matrix=[[0.0]])')", PredictionsError, "there are 3 classes"),
    ],
)
def test_what_cannot_be_raised_is_refused(spec: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fit(spec, np.full((2, 6, 3), 1 / 3), np.array([0, 1, 2, 0, 1, 2]))


def test_offsets_of_other_classes_are_refused() -> None:
    with pytest.raises(PredictionsError, match="holds 2 offsets for 3 classes; fit it"):
        combine("thresholds(offsets=[0.0, 1.0])", np.full((2, 6, 3), 1 / 3))
