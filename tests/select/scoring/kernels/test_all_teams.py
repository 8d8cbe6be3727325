"""Every subset of the members scores as the definition says: accuracy to the last row, the rest to rounding."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import log_softmax
from tests.pairwise import pairwise

from lrensemble.consensus import CONSENSUS, combine
from lrensemble.numerics import TIE
from lrensemble.select import Validation
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.kernels.exhaustive import all_teams
from lrensemble.select.scoring.kernels.exhaustive.accuracy import wrong_rows
from lrensemble.select.scoring.kernels.exhaustive.all_teams import block_scorer, split
from lrensemble.select.scoring.kernels.exhaustive.definition import decider
from lrensemble.select.scoring.kernels.subsets import Halves
from lrensemble.select.scoring.team_scores import team_scorer

MakeValidation = Callable[..., Validation]
ScoreAll = Callable[..., NDArray[np.float64]]
KINDS = ("smooth", "coarse", "labels", "mixed", "sharp", "tied")


def in_blocks(validation: Validation, metric: str, consensus: str, halves: Halves) -> NDArray[np.float64]:
    """[2^members] scores at the masks of teams, block by block."""
    scorer = block_scorer(validation, metric, consensus)
    assert scorer is not None
    tops = range(1 << (validation.members - halves.bits))
    return np.concatenate([scorer(replace(halves, top=top)) for top in tops])


@pairwise(
    {
        "metric": ("accuracy", "nll", "brier"),
        "consensus": ("mean", "plurality", "geometric_mean"),
        "kind": KINDS,
    }
)
def test_every_team_scores_as_the_definition(
    metric: str, consensus: str, kind: str, make_validation: MakeValidation, score_all: ScoreAll
) -> None:
    validation = make_validation(3, 6, 47, 4, kind=kind)
    expected = score_all(validation, metric, consensus)[1:]
    for halves in (split(6), Halves(2, 3, 0), Halves(1, 2, 0)):
        scores = in_blocks(validation, metric, consensus, halves)[1:]
        if metric == "accuracy":
            np.testing.assert_array_equal(scores, expected)
        else:
            np.testing.assert_allclose(scores, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(each, marks=pytest.mark.long) for each in range(5, 12))])
@pytest.mark.parametrize("consensus", ["mean", "plurality", "geometric_mean"])
def test_rounding_decides_as_in_the_definition(
    consensus: str, seed: int, make_validation: MakeValidation, score_all: ScoreAll
) -> None:
    """Many exact ties, in float64 so that sums are equal but for the order that they are added in."""
    validation = make_validation(seed, 7, 31, 3, kind=("coarse", "mixed")[seed % 2], dtype=np.float64)
    scores = in_blocks(validation, "accuracy", consensus, split(7))
    np.testing.assert_array_equal(scores[1:], score_all(validation, "accuracy", consensus)[1:])


def nearly_tied(seed: int) -> Validation:
    """Seven members, 31 rows, three classes that are all but equal: ties of two and of three for some teams."""
    generator = np.random.default_rng(seed)
    probs = 1 + 0.35 * TIE * generator.integers(-4, 5, size=(7, 31, 3))
    return Validation(np.log(probs / probs.sum(axis=2, keepdims=True)), generator.integers(3, size=31))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("consensus", ["mean", "geometric_mean"])
def test_ties_of_three_decide_as_in_the_definition(consensus: str, seed: int, score_all: ScoreAll) -> None:
    """The lowest class that ties with the highest: not the same as what the truth ties with, where three are close."""
    validation = nearly_tied(seed)
    expected = score_all(validation, "accuracy", consensus)[1:]
    np.testing.assert_array_equal(in_blocks(validation, "accuracy", consensus, split(7))[1:], expected)
    teams = (np.arange(1, 128)[:, None] >> np.arange(7) & 1).astype(np.float64)
    np.testing.assert_array_equal(team_scorer(validation, "accuracy", consensus)(teams), expected)


def test_the_second_look_matters_in_these_tests() -> None:
    """Without it some team would be a row off: else the test above proves nothing."""
    validation = nearly_tied(0)
    columns = contested_columns(validation, "mean")
    decide = decider(validation, columns, "mean")
    looked_at = []

    def undecided(rows: NDArray[np.int64], teams: NDArray[np.int64]) -> NDArray[np.bool_]:
        looked_at.append(len(teams))
        return np.ones(len(rows), dtype=bool)

    right = wrong_rows(columns, split(7), 2**20, decide)
    assert (wrong_rows(columns, split(7), 2**20, undecided)[1:] > right[1:]).any()
    assert sum(looked_at) > 100


def test_tables_that_do_not_fit_are_taken_in_parts(make_validation: MakeValidation) -> None:
    validation = make_validation(5, 6, 90, 5)
    columns = contested_columns(validation, "mean")
    decide = decider(validation, columns, "mean")
    halves = split(6)
    whole = wrong_rows(columns, halves, 2**30, decide)
    for table_bytes in (1, 200, 1000):
        np.testing.assert_array_equal(wrong_rows(columns, halves, table_bytes, decide), whole)


def test_blocks_beyond_the_largest_tables(make_validation: MakeValidation) -> None:
    """With more members than two halves hold, blocks still run through all masks in order."""
    validation = make_validation(1, 11, 23, 3)
    for metric in ("accuracy", "nll", "brier"):
        whole = in_blocks(validation, metric, "mean", Halves(6, 5, 0))
        np.testing.assert_allclose(in_blocks(validation, metric, "mean", Halves(3, 4, 0)), whole, rtol=1e-12)
    assert split(1) == Halves(1, 0, 0)
    assert split(24).bits == split(40).bits == 24


@pytest.mark.parametrize(("members", "rows", "classes"), [(1, 5, 3), (4, 1, 3), (3, 7, 1), (1, 1, 1)])
@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
def test_the_smallest_pools_have_scores(
    metric: str, members: int, rows: int, classes: int, make_validation: MakeValidation, score_all: ScoreAll
) -> None:
    validation = make_validation(0, members, rows, classes)
    for consensus in ("mean", "plurality", "geometric_mean"):
        scores = in_blocks(validation, metric, consensus, split(members))[1:]
        np.testing.assert_allclose(scores, score_all(validation, metric, consensus)[1:], atol=1e-12)


def test_what_has_no_kernel_has_none(make_validation: MakeValidation) -> None:
    validation = make_validation(0, 3, 5, 2)
    assert block_scorer(validation, "ece", "mean") is None
    assert block_scorer(validation, "accuracy", "majority") is None
    assert all_teams.MAX_MEMBERS == 62


@pytest.mark.parametrize("averages", ["probabilities", "log_probabilities", "votes"])
def test_a_consensus_of_ones_own_that_averages_has_the_kernels_of_accuracy(
    averages: str, make_validation: MakeValidation, score_all: ScoreAll
) -> None:
    """Its likeliest class is that of the average; its probabilities are its own, and have no kernel."""
    known = {"probabilities": "mean", "log_probabilities": "geometric_mean", "votes": "plurality"}[averages]

    def own(probs: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        powers: NDArray[np.float64] = np.sqrt(combine(known, probs, weights))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    CONSENSUS.register(averages=averages)(own)
    try:
        validation = make_validation(7, 5, 43, 4)
        scores = in_blocks(validation, "accuracy", "own", split(5))[1:]
        np.testing.assert_array_equal(scores, score_all(validation, "accuracy", "own")[1:])
        np.testing.assert_array_equal(team_scorer(validation, "accuracy", "own")(np.eye(5)), scores[[0, 1, 3, 7, 15]])
        assert block_scorer(validation, "nll", "own") is None
        nll = score_all(validation, "nll", "own")
        np.testing.assert_allclose(team_scorer(validation, "nll", "own")(np.eye(5)), nll[[1, 2, 4, 8, 16]], atol=1e-12)
    finally:
        CONSENSUS._functions.pop("own")


def test_rows_in_several_blocks_are_all_read(make_validation: MakeValidation) -> None:
    validation = make_validation(4, 5, 53, 3)
    whole = {metric: in_blocks(validation, metric, "mean", split(5)) for metric in ("accuracy", "nll", "brier")}
    in_sevens = replace(validation, block_bytes=7 * 8 * 5 * 3)
    assert in_sevens.block_rows(5) == 7
    for metric, scores in whole.items():
        np.testing.assert_allclose(in_blocks(in_sevens, metric, "mean", split(5))[1:], scores[1:], rtol=1e-12)


def test_a_real_pool(shared_data: Path) -> None:
    with np.load(shared_data / "pool-cifar10" / "cifar10_test_logits_8models.npz") as file:
        logits, labels = file["logits"].astype(np.float64), file["labels"].astype(np.int64)
    validation = Validation(log_softmax(logits, axis=2).astype(np.float32), labels)
    weights = ((np.arange(1, 256)[:, None] >> np.arange(8)) & 1).astype(np.float64)
    for metric in ("accuracy", "nll", "brier"):
        scores = in_blocks(validation, metric, "mean", split(8))[1:]
        np.testing.assert_allclose(scores, team_scorer(validation, metric, "mean")(weights), rtol=0, atol=1e-12)
