"""What each form says: its dense twin, its likeliest classes, what it gives the truth, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest

from lrensemble.errors import PredictionsError
from lrensemble.numerics import likeliest
from lrensemble.targets import (
    FORMS,
    Choices,
    Classes,
    Gaussian,
    Labels,
    Likelihood,
    LogProbs,
    Predictions,
    RealValues,
    Target,
    TopK,
    Values,
    predictions_of,
    served_by_all,
)

ROWS, CLASSES, OUTPUTS = 7, 5, 2
TARGET = Classes(names=tuple("abcde"))
VALUES = Values(names=("width", "height"))
PROBS = np.random.default_rng(0).dirichlet(np.ones(CLASSES), size=ROWS)
TRUTH = np.arange(ROWS) % CLASSES
SAID = np.random.default_rng(1).normal(size=(ROWS, OUTPUTS))


def ranked(k: int, *, probs: bool) -> TopK:
    order = np.argsort(-PROBS, axis=1)[:, :k]
    return TopK(order.astype(np.uint8), np.take_along_axis(PROBS, order, axis=1) if probs else None)


EVERY: dict[str, tuple[Target, Predictions]] = {
    "labels": (TARGET, Labels(PROBS.argmax(axis=1))),
    "top_k": (TARGET, ranked(3, probs=True)),
    "log_probs": (TARGET, LogProbs(np.log(PROBS))),
    "likelihood": (TARGET, Likelihood(np.log(PROBS[np.arange(ROWS), TRUTH]))),
    "values": (VALUES, RealValues(SAID)),
    "gaussian": (VALUES, Gaussian(SAID, np.log(np.full((ROWS, OUTPUTS), 0.25)))),
}


def test_every_form_is_tried_here() -> None:
    assert tuple(EVERY) == FORMS


@pytest.mark.parametrize("form", FORMS)
def test_parts_make_the_same_predictions_again(form: str) -> None:
    target, said = EVERY[form]
    target.check(said, ROWS, "these")
    again = predictions_of(said.form, said.parts)
    assert type(again) is type(said)
    assert len(again) == ROWS
    for rows in (slice(2, 5), np.array([6, 0, 0])):
        some = said[rows]
        assert len(some) == 3
        for name, array in some.parts.items():
            assert np.array_equal(array, said.parts[name][rows])
    if form != "likelihood":
        width = target.width
        assert np.array_equal(again.dense(width), said.dense(width))
        assert np.array_equal(said[np.array([6, 1])].dense(width), said.dense(width)[[6, 1]])


@pytest.mark.parametrize("form", ["labels", "top_k", "log_probs"])
def test_classes_and_the_truth_are_those_of_the_dense_form(form: str) -> None:
    _, said = EVERY[form]
    dense = np.exp(said.dense(CLASSES).astype(np.float64))
    assert np.array_equal(said.labels(), PROBS.argmax(axis=1))
    assert np.allclose(said.of_truth(TRUTH, CLASSES), dense[np.arange(ROWS), TRUTH], rtol=1e-12)
    assert np.allclose(dense.sum(axis=1), 1)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_classes_that_all_but_tie_go_to_the_lowest_as_their_probabilities_do(kind: type) -> None:
    """Against the definition, on rows whose second class is a hair, a tie or half a tie behind."""
    gaps = np.array([0, 2.0**-24, 2.0**-19, 2.0**-18, 2.0**-17, 2.0**-15, 2.0**-9, 1.0])
    probs = np.full((len(gaps), 3), 0.5)
    probs[:, 1] -= 0.5 * gaps * 0.999
    probs[:, 2] = 0
    logs = np.log(np.maximum(probs[:, [1, 0, 2]], 1e-300)).clip(-1e4).astype(kind)
    expected = likeliest(np.exp(logs.astype(np.float64)))
    assert np.array_equal(LogProbs(logs).labels(), expected)
    assert set(expected.tolist()) == {0, 1}


def test_what_the_first_classes_leave_is_shared() -> None:
    said = TopK(np.array([[3, 1]]), np.array([[0.5, 0.2]]))
    assert np.allclose(np.exp(said.dense(5)), [[0.1, 0.2, 0.1, 0.5, 0.1]])
    assert said.of_truth(np.array([4]), 5) == pytest.approx([0.1])


def test_ranks_without_probabilities_are_certain_of_the_first() -> None:
    said = ranked(2, probs=False)
    assert np.array_equal(said.dense(CLASSES), Labels(PROBS.argmax(axis=1)).dense(CLASSES))
    assert "probabilities" not in said.needs_served
    assert "ranks" in said.needs_served


def test_normal_distributions_are_means_and_then_variances() -> None:
    _, said = EVERY["gaussian"]
    assert np.array_equal(said.dense(OUTPUTS), np.concatenate([SAID, np.full((ROWS, OUTPUTS), 0.25)], axis=1))
    assert np.array_equal(VALUES.seen(said)[:, :OUTPUTS], SAID)


def test_what_all_members_serve() -> None:
    assert served_by_all([EVERY["labels"][1], EVERY["log_probs"][1]]) == {"labels"}
    assert served_by_all([EVERY["gaussian"][1], EVERY["values"][1]]) == {"values"}
    assert served_by_all([]) == frozenset()


@pytest.mark.parametrize(
    ("target", "said", "message"),
    [
        (TARGET, lambda: RealValues(SAID), r"these are of the form values; give one of labels, top_k"),
        (VALUES, lambda: Labels(TRUTH), r"these are of the form labels; give one of values, gaussian"),
        (TARGET, lambda: Labels(TRUTH[:6]), r"have shape \(6,\); the pool has 7 rows, so give \[sample\] = \(7,\)"),
        (TARGET, lambda: Labels(TRUTH + 1), r"label 5 in row 4 is outside the classes"),
        (TARGET, lambda: Labels(TRUTH.astype(np.float32)), r"are float32; give class indices as integers"),
        (TARGET, lambda: TopK(np.repeat(TRUTH[:, None], 2, axis=1)), r"row 0 names a class twice; give 2 different"),
        (TARGET, lambda: TopK(np.tile([0, 1], (7, 1)), np.tile([0.2, 0.3], (7, 1))), r"row 0 has probabilities \[0.2"),
        (TARGET, lambda: TopK(np.tile([0, 1], (7, 1)), np.tile([0.9, 0.3], (7, 1))), r"summing to one at most"),
        (TARGET, lambda: TopK(np.tile([0, 1], (7, 1)), np.tile([0.9], (7, 1))), r"of shape \(7, 1\); give \(7, 2\)"),
        (TARGET, lambda: LogProbs(PROBS), r"row 0 does not sum to one"),
        (TARGET, lambda: Likelihood(PROBS[:, 0]), r"give natural logarithms of probabilities, 0 at most"),
        (VALUES, lambda: RealValues(np.where(SAID[3] == SAID, np.nan, SAID)), r"row 3 holds \[nan"),
        (VALUES, lambda: Gaussian(SAID, SAID[:, :1]), r"log-variances of shape \(7, 1\); give \(7, 2\)"),
        (VALUES, lambda: Gaussian(SAID, np.full_like(SAID, np.inf)), r"log-variances: row 0 holds \[inf"),
        (VALUES, lambda: Gaussian(SAID, np.full_like(SAID, 701)), r"row 0 has the log-variances \[701.*700 at most"),
    ],
)
def test_what_cannot_be_is_refused(target: Target, said: Callable[[], Predictions], message: str) -> None:
    with pytest.raises(PredictionsError, match=message):
        target.check(said(), ROWS, "these")


def test_a_bad_row_far_down_is_named() -> None:
    probs = np.full((400_000, 3), 1 / 3)
    probs[399_999, 1] = 0.9
    with pytest.raises(PredictionsError, match="row 399999 does not sum to one"):
        Classes(names=("a", "b", "c")).check(LogProbs(np.log(probs)), 400_000, "these")


def test_likelihoods_hold_no_more() -> None:
    _, said = EVERY["likelihood"]
    with pytest.raises(PredictionsError, match="of the form likelihood hold no probabilities of other classes"):
        said.dense(CLASSES)
    with pytest.raises(PredictionsError, match="of the form likelihood hold no classes"):
        said.labels()
    with pytest.raises(PredictionsError, match="of the form values hold no probabilities"):
        EVERY["values"][1].of_truth(TRUTH, 2)


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (SAID[:, :1], r"the truth has shape \(7, 1\); the predictions have 7 rows and 2 outputs"),
        (SAID.astype(int), "the truth is int64; give floating-point numbers"),
        (np.where(SAID[5] == SAID, np.inf, SAID), "in row 5; give finite numbers"),
    ],
)
def test_a_truth_that_cannot_be_is_refused(truth: np.ndarray, message: str) -> None:
    with pytest.raises(PredictionsError, match=message):
        VALUES.check_truth(truth, ROWS)


def test_strata_of_values_are_of_equal_size_and_in_order() -> None:
    truth = np.random.default_rng(2).permutation(40)[:, None] * 1.0
    strata = VALUES.strata(np.repeat(truth, 2, axis=1))
    assert np.array_equal(np.bincount(strata), np.full(10, 4))
    assert np.array_equal(strata, truth[:, 0].astype(int) // 4)
    assert set(VALUES.strata(np.ones((3, 2))).tolist()) == {0, 1, 2}
    assert not Choices(names=("A", "B")).strata(np.array([0, 1, 1])).any()


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (Classes(names=tuple("abcd")), "5 classes, not 4"),
        (Classes(names=tuple("abxde")), "class 2 is 'c', not 'x'"),
        (Choices(names=tuple("abcde")), "classes, not choices"),
        (Classes(names=tuple("abcde")), ""),
    ],
)
def test_how_targets_differ(other: Target, difference: str) -> None:
    assert TARGET.difference(other) == difference
