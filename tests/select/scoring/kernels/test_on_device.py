"""Predictions on an accelerator give the same scores: on a GPU where there is one, and through torch on the CPU."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.pairwise import pairwise

from lrensemble.errors import PredictionsError
from lrensemble.select import SELECTORS, Validation, cross_fit, reading, select
from lrensemble.select.scoring.kernels import statistics
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.kernels.exhaustive import on_device
from lrensemble.select.scoring.kernels.exhaustive.all_teams import block_scorer, split
from lrensemble.select.scoring.kernels.subsets import Halves

pytestmark = pytest.mark.gpu
MakeValidation = Callable[..., Validation]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
KINDS = ("smooth", "coarse", "labels", "mixed", "sharp", "tied")


@pytest.fixture(params=DEVICES)
def moved(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Validation], Validation]:
    """The same validation rows as a tensor that stays where it is."""
    monkeypatch.setattr(reading, "ACCELERATORS", (request.param,))

    def move(validation: Validation) -> Validation:
        on_there = replace(validation, predictions=torch.from_numpy(validation.predictions).to(request.param))
        assert on_there.accelerated
        assert not validation.accelerated
        return on_there

    return move


def in_blocks(validation: Validation, metric: str, consensus: str, halves: Halves) -> NDArray[np.float64]:
    scorer = block_scorer(validation, metric, consensus)
    assert scorer is not None
    tops = range(1 << (validation.members - halves.bits))
    return np.concatenate([scorer(replace(halves, top=top)) for top in tops])[1:]


@pairwise(
    {
        "metric": ("accuracy", "nll", "brier"),
        "consensus": ("mean", "plurality", "geometric_mean"),
        "kind": KINDS,
    }
)
def test_every_team_scores_the_same(
    metric: str, consensus: str, kind: str, make_validation: MakeValidation, moved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks_of_11_rows = 11 * 8 * 6 * 4
    validation = replace(make_validation(3, 6, 47, 4, kind=kind), block_bytes=blocks_of_11_rows)
    monkeypatch.setattr(on_device, "CELLS", 100)
    for halves in (split(6), Halves(2, 3, 0), Halves(1, 2, 0)):
        expected = in_blocks(validation, metric, consensus, halves)
        scores = in_blocks(moved(validation), metric, consensus, halves)
        if metric == "accuracy":
            np.testing.assert_array_equal(scores, expected)
        else:
            np.testing.assert_allclose(scores, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("consensus", ["mean", "plurality"])
def test_ties_are_decided_the_same(consensus: str, seed: int, make_validation: MakeValidation, moved: Any) -> None:
    validation = make_validation(seed, 7, 31, 3, kind=("coarse", "mixed", "tied")[seed % 3], dtype=np.float64)
    expected = in_blocks(validation, "accuracy", consensus, split(7))
    np.testing.assert_array_equal(in_blocks(moved(validation), "accuracy", consensus, split(7)), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_of_the_predictions_is_the_same(kind: str, make_validation: MakeValidation, moved: Any) -> None:
    validation = make_validation(1, 5, 61, 4, kind=kind)
    other = moved(validation)
    np.testing.assert_array_equal(statistics.predicted_classes(other), statistics.predicted_classes(validation))
    for consensus in ("mean", "plurality"):
        np.testing.assert_array_equal(
            statistics.of_labels(other, consensus), statistics.of_labels(validation, consensus)
        )
        expected = statistics.error_gram(validation, consensus)
        np.testing.assert_allclose(statistics.error_gram(other, consensus), expected, atol=1e-14)
        columns = [contested_columns(each, consensus) for each in (other, validation)]
        np.testing.assert_array_equal(columns[0].always_wrong, columns[1].always_wrong)
        np.testing.assert_array_equal(columns[0].row, columns[1].row)
        # Those that another column of their row makes needless are left out on the host alone.
        pairs = [set(zip(c.row_of_column.tolist(), map(tuple, c.rival.tolist()), strict=True)) for c in columns]
        assert pairs[1] <= pairs[0]


@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
@pytest.mark.parametrize("name", list(SELECTORS))
def test_every_selector_chooses_the_same(name: str, metric: str, make_validation: MakeValidation, moved: Any) -> None:
    validation = make_validation(2, 5, 59, 3)
    expected = select(validation, SELECTORS.example(name), metric=metric, seed=1)
    found = select(moved(validation), SELECTORS.example(name), metric=metric, seed=1)
    assert found.team == expected.team
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-9)
    assert found.score == pytest.approx(expected.score, abs=1e-12)


def test_half_precision_and_cross_fitting(make_validation: MakeValidation, moved: Any) -> None:
    validation = make_validation(6, 4, 60, 3, dtype=np.float16)
    scores = [cross_fit(each, "brute_force", metric="nll").score for each in (validation, moved(validation))]
    assert scores[0] == pytest.approx(scores[1], abs=1e-12)


def test_what_is_no_distribution_is_refused_there_too(make_validation: MakeValidation, moved: Any) -> None:
    validation = make_validation(0, 3, 7, 4)
    wrong = validation.predictions.copy()
    wrong[2, 5] += 1
    with pytest.raises(PredictionsError, match="member 2, row 5 does not sum to one"):
        replace(moved(validation), predictions=torch.from_numpy(wrong).to(moved(validation).predictions.device))


def test_a_tensor_on_the_cpu_is_read_as_an_array(make_validation: MakeValidation) -> None:
    validation = make_validation(0, 3, 7, 4)
    other = Validation(torch.from_numpy(validation.predictions), torch.from_numpy(validation.truth))
    assert not other.accelerated
    np.testing.assert_array_equal(other.predictions, validation.predictions)
    np.testing.assert_array_equal(other.truth, validation.truth)
