"""Selectors, metrics and consensus functions of one's own that return something else, or change what they are given."""
# ruff: noqa: ARG001 – they are called as all of their kind are

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError, PredictionsError, SelectionError
from lrensemble.select import Selection, Validation, cross_fit, select

HERE = "tests.select.test_returned_teams"
TEAM: dict[str, Any] = {
    "team": (1, 0),
    "weights": (0.25, 0.75),
    "score": 1.0,
    "metric": "accuracy",
    "consensus": "mean",
    "tried": 1,
}

RETURNED: dict[str, tuple[object, str]] = {
    "nothing": (None, "returned None; it must return a lrensemble.select.Selection"),
    "a_list": ([0, 1], r"returned \[0, 1\]; it must return"),
    "nobody": ({"team": (), "weights": ()}, r"the team \[\]; give different members, of 0 to 2"),
    "twice": ({"team": (1, 1)}, r"the team \[1, 1\]; give different members, of 0 to 2"),
    "from_behind": ({"team": (-1, 0)}, r"the team \[-1, 0\]; give different members"),
    "beyond": ({"team": (0, 3)}, r"the team \[0, 3\]; give different members, of 0 to 2"),
    "mask": ({"team": (True, False)}, r"the team \(True, False\); give whole numbers"),
    "halves": ({"team": (0.5, 1.0)}, "give whole numbers"),
    "heavy": ({"weights": (5, 5)}, r"the weights \(5, 5\) of the team \[1, 0\]; give one for each, not negative"),
    "debt": ({"weights": (-1, 2)}, "give one for each, not negative, that sum to one"),
    "short": ({"weights": (1.0,)}, "give one for each"),
    "undefined": ({"weights": (float("nan"), 1.0)}, "give one for each"),
    "other_aim": ({"metric": "nll"}, "a team by nll, and was asked for one by accuracy"),
    "aimless": ({"metric": None}, "a team by the metric None; give accuracy, which it was asked for"),
    "mute": ({"consensus": None}, "the consensus None: "),
    "object_inside": ({"details": {"why": print}}, "details that JSON cannot hold"),
}


def _selector(returned: object) -> Callable[..., Any]:
    def selector(validation: Validation, *, metric: object, consensus: object, seed: int) -> object:
        return Selection(**(TEAM | returned)) if isinstance(returned, dict) else returned

    return selector


globals().update({name: _selector(returned) for name, (returned, _) in RETURNED.items()})
turned = _selector({})
of_numpy = _selector({"team": np.array([1, 0]), "weights": np.array([0.25, 0.75]), "tried": np.int64(2)})


def validation() -> Validation:
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=60)
    logits = rng.normal(size=(3, 60, 4))
    logits[:, np.arange(60), labels] += [[0.5], [1.0], [1.5]]
    probs = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return Validation(np.log(probs), labels)


@pytest.mark.parametrize("name", RETURNED)
def test_what_is_no_team_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(SelectionError, match=RETURNED[name][1]) as refused:
        select(validation(), f"{HERE}:{name}", metric="accuracy")
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def cheating(validation: Validation, *, metric: object, consensus: object, seed: int) -> Selection:
    validation.truth[:] = np.asarray(validation.predictions)[0].argmax(axis=1)
    return Selection(**TEAM)


def test_a_selector_cannot_write_to_the_truth() -> None:
    given = validation()
    before = given.truth.copy()
    with pytest.raises(LREnsembleError, match="read-only"):
        select(given, f"{HERE}:cheating", metric="accuracy")
    np.testing.assert_array_equal(given.truth, before)


@pytest.mark.parametrize("name", ["turned", "of_numpy"])
def test_members_rise_and_the_score_is_that_of_the_team(name: str) -> None:
    given = validation()
    found = select(given, f"{HERE}:{name}", metric="accuracy")
    probs = np.exp(np.asarray(given.predictions[:2]))
    right = (np.einsum("msc,m->sc", probs, [0.75, 0.25]).argmax(axis=1) == given.truth).mean()
    assert found.team == (0, 1)
    assert found.weights == (0.75, 0.25)
    assert found.score == pytest.approx(right)
    assert {type(number) for number in (*found.team, *found.weights, found.tried)} == {int, float}


def test_what_is_chosen_on_folds_is_checked_too() -> None:
    with pytest.raises(SelectionError, match="give different members"):
        cross_fit(validation(), f"{HERE}:twice", metric="accuracy")


Probs = NDArray[np.float64]


def summed(predictions: Probs, weights: Probs) -> Probs:
    return np.asarray(predictions.sum(axis=0))


def turned_off(predictions: Probs, weights: Probs) -> Probs:
    return np.asarray(-predictions.mean(axis=0))


def unknown(predictions: Probs, weights: Probs) -> Probs:
    return np.full(predictions.shape[1:], np.nan)


def flat(predictions: Probs, weights: Probs) -> Probs:
    return np.asarray(predictions.mean(axis=0).ravel())


def narrow(predictions: Probs, weights: Probs) -> Probs:
    return np.asarray(predictions.mean(axis=0)[:, :2])


def forgotten(predictions: Probs, weights: Probs) -> None:
    pass


def overwriting(predictions: Probs, weights: Probs) -> Probs:
    predictions[...] = 0.25
    return np.asarray(predictions.mean(axis=0))


def half_precision(predictions: Probs, weights: Probs) -> NDArray[np.float16]:
    return np.asarray(np.einsum("msc,m->sc", predictions, weights).astype(np.float16))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("summed", "row 0 does not sum to one"),
        ("turned_off", "row 0 holds a negative probability"),
        ("unknown", "row 0 holds NaN"),
        ("flat", r"an array of shape \[240\]; it must return \[sample, column\], \[60, 4\]"),
        ("narrow", r"an array of shape \[60, 2\]; it must return"),
        ("forgotten", "returned None; it must return an array"),
        ("overwriting", "read-only"),
    ],
)
@pytest.mark.parametrize("metric", ["nll", "accuracy"])
def test_a_consensus_gives_predictions_and_changes_nothing(name: str, message: str, metric: str) -> None:
    with pytest.raises(LREnsembleError, match=message) as refused:
        select(validation(), "all", metric=metric, consensus=f"{HERE}:{name}")
    assert name in str(refused.value)


def test_a_consensus_in_half_precision_is_one() -> None:
    found = select(validation(), "all", metric="nll", consensus=f"{HERE}:half_precision")
    assert found.score == pytest.approx(select(validation(), "all", metric="nll").score, abs=1e-3)


def boundless(probs: Probs, labels: NDArray[np.int64]) -> float:
    return float("inf")


def of_each_row(probs: Probs, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(probs.argmax(axis=1) == labels)


def erasing(probs: Probs, labels: NDArray[np.int64]) -> float:
    labels[...] = 0
    return 0.5


for metric_of_ours in (boundless, of_each_row, erasing):
    setattr(metric_of_ours, "higher_is_better", True)  # noqa: B010 – an attribute that functions of this type lack


@pytest.mark.parametrize(("name", "message"), [("boundless", "returned inf of 60"), ("erasing", "read-only")])
def test_a_metric_gives_a_number_and_changes_nothing(name: str, message: str) -> None:
    with pytest.raises(LREnsembleError, match=message):
        select(validation(), "all", metric=f"{HERE}:{name}")


def test_a_metric_of_each_row_is_refused_in_one_line() -> None:
    with pytest.raises(PredictionsError, match="must return a finite number") as refused:
        select(validation(), "all", metric=f"{HERE}:of_each_row")
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)
