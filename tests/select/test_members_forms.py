"""Members of other forms than one array: the same teams and scores as of their dense twins, whatever the block."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.pairwise import pairwise

from lrensemble.errors import SelectionError, SpecError
from lrensemble.select import SELECTORS, Validation, cross_fit, select, team_score
from lrensemble.select.scoring.kernels.statistics import blocks, error_gram, predicted_classes
from lrensemble.targets import Classes, Labels, Likelihood, LogProbs, TopK

MEMBERS, ROWS, CLASSES = 6, 90, 11
TARGET = Classes(names=tuple(map(str, range(CLASSES))))


def probs_and_truth(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(CLASSES, size=ROWS)
    logits = 1.5 * generator.normal(size=(MEMBERS, ROWS, CLASSES)) + generator.normal(size=(1, ROWS, CLASSES))
    logits[:, np.arange(ROWS), truth] += generator.uniform(1, 2.5, size=(MEMBERS, 1))
    probs = np.exp(logits)
    return probs / probs.sum(axis=2, keepdims=True), truth


def validations(small: bool) -> dict[str, tuple[Validation, Validation]]:
    """By the forms of the members: the validation rows as they were said, and in one dense array."""
    probs, truth = probs_and_truth()
    named = probs.argmax(axis=2)
    order = np.argsort(-probs, axis=2)[:, :, :4]
    said: dict[str, list[Any]] = {
        "log_probs": [LogProbs(np.log(one)) for one in probs],
        "labels": [Labels(one.astype(np.uint8)) for one in named],
        "top_k": [TopK(which, np.take_along_axis(one, which, axis=1)) for one, which in zip(probs, order, strict=True)],
        "ranks": [TopK(which) for which in order],
        "mixed": [Labels(named[0]), *(LogProbs(np.log(one).astype(np.float32)) for one in probs[1:])],
    }
    block = 3000 if small else 64 * 2**20
    return {
        name: (
            Validation(members, truth, target=TARGET, block_bytes=block),
            Validation(np.stack([one.dense(CLASSES) for one in members]), truth, target=TARGET),
        )
        for name, members in said.items()
    }


FORMS = list(validations(small=False))


@pytest.mark.parametrize("small", [False, True], ids=["one block", "many blocks"])
@pytest.mark.parametrize("form", FORMS)
def test_what_is_read_is_that_of_the_dense_array(form: str, small: bool) -> None:
    said, dense = validations(small)[form]
    assert said.shape == dense.shape
    assert np.array_equal(predicted_classes(said), predicted_classes(dense))
    assert np.allclose(said.of_truth(), dense.of_truth(), rtol=1e-12, atol=1e-300)
    for consensus in ("mean", "plurality"):
        np.testing.assert_allclose(error_gram(said, consensus), error_gram(dense, consensus), rtol=1e-12)
    if small:
        assert len(list(blocks(said))) > 1


@pairwise({"method": list(SELECTORS), "form": FORMS, "consensus": ("mean", "plurality")})
def test_every_selector_chooses_as_among_dense_members(form: str, method: str, consensus: str) -> None:
    said, dense = validations(small=True)[form]
    spec = str(SELECTORS.example(method))
    if method == "simplex" and said.lacking("probabilities") is not None:
        with pytest.raises(SelectionError, match="knows only labels, which cannot serve"):
            select(said, spec, metric="accuracy")
        return
    one, other = (select(each, spec, metric="accuracy", consensus=consensus, seed=1) for each in (said, dense))
    assert one.team == other.team
    assert one.score == pytest.approx(other.score, abs=1e-12)
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-9)
    assert one.score == pytest.approx(
        team_score(dense, one.team, one.weights, metric="accuracy", consensus=one.consensus), abs=1e-12
    )


@pytest.mark.parametrize("form", FORMS)
def test_cross_fitted_scores_are_those_of_dense_members(form: str) -> None:
    said, dense = validations(small=True)[form]
    one, other = (
        cross_fit(each, "greedy(bootstrap=3)", metric="accuracy", seed=2, repeats=2) for each in (said, dense)
    )
    assert one.score == pytest.approx(other.score, abs=1e-12)
    np.testing.assert_allclose(one.replicates, other.replicates, rtol=1e-12)


@pytest.mark.parametrize("method", ["greedy", "best", "top_k", "all", "brute_force", "simplex", "backward", "beam"])
def test_likelihoods_alone_choose_as_all_probabilities_do(method: str) -> None:
    probs, truth = probs_and_truth(1)
    logs = np.log(probs).astype(np.float32)
    alone = Validation([Likelihood(one[np.arange(ROWS), truth]) for one in logs], truth, target=TARGET)
    one, other = (select(each, method, metric="nll") for each in (alone, Validation(logs, truth)))
    assert (one.team, one.weights, one.score) == (other.team, other.weights, other.score), "to the last digit"
    first, second = (cross_fit(each, method, metric="nll", repeats=1) for each in (alone, Validation(logs, truth)))
    assert first.score == second.score


def test_likelihoods_serve_the_nll_of_a_mean_alone() -> None:
    probs, truth = probs_and_truth()
    members = [LogProbs(np.log(probs[0])), Likelihood(np.log(probs[1])[np.arange(ROWS), truth])]
    validation = Validation(members, truth, target=TARGET)
    for metric, consensus in (("accuracy", "mean"), ("brier", "mean"), ("nll", "geometric_mean"), ("nll", "plurality")):
        with pytest.raises(
            SelectionError, match="member 1 gives the likelihood of the truth alone, which cannot serve"
        ):
            select(validation, "best", metric=metric, consensus=consensus)
    with pytest.raises(SelectionError, match="cannot serve focal; use metric nll"):
        select(validation, "focal", metric="nll")
    assert select(validation).metric == "nll"


def test_a_metric_of_values_is_for_values() -> None:
    probs, truth = probs_and_truth()
    with pytest.raises(SpecError, match="metric 'mse' is for values, and the target here is classes"):
        select(Validation(np.log(probs), truth), metric="mse")


def of(members: Sequence[int], validation: Validation) -> Validation:
    return validation.of_members(list(members))


@pytest.mark.parametrize("form", FORMS)
def test_some_of_the_members(form: str) -> None:
    said, dense = validations(small=False)[form]
    assert np.array_equal(predicted_classes(of([4, 1], said)), predicted_classes(dense)[[4, 1]])
