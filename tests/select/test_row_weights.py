"""Weights of rows are counts: whole ones choose what repeated rows choose, others follow the weighted definition."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, combine, fit
from lrensemble.errors import LREnsembleError, PredictionsError
from lrensemble.metrics import METRICS, score, serving
from lrensemble.metrics.diversity import DIVERSITY, all_teams, all_teams_focal, diversity, pairwise
from lrensemble.select import SELECTORS, Validation, select, team_score
from lrensemble.select.methods.focal import every_focal_gd, focal_gd
from lrensemble.select.scoring.incremental import incremental_team
from lrensemble.select.scoring.kernels.exhaustive.all_teams import block_scorer, split
from lrensemble.select.scoring.team_scores import standard_error, team_scorer

MEMBERS, ROWS, CLASSES = 5, 47, 3
COUNTS = np.random.default_rng(99).poisson(1.3, size=ROWS).astype(np.float64)
REPEATED = np.repeat(np.arange(ROWS), COUNTS.astype(int))
KERNELS = ("accuracy", "nll", "brier", "balanced_accuracy", "ece")
"""A metric of every kind of kernel, and one that has none."""
FRACTIONS = np.random.default_rng(98).uniform(0, 2, size=ROWS) * (np.arange(ROWS) % 7 > 0)


def log_probs_and_labels(seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=ROWS)
    logits = generator.normal(size=(MEMBERS, ROWS, CLASSES))
    logits[:, np.arange(ROWS), labels] += generator.uniform(0.3, 1.2, size=(MEMBERS, 1))
    return logits - np.log(np.exp(logits).sum(axis=2, keepdims=True)), labels


def counted_and_repeated(seed: int) -> tuple[Validation, Validation]:
    """The same rows as counts, and repeated in a plain array, where those of one row are one group."""
    log_probs, labels = log_probs_and_labels(seed)
    cost = (3.0, 1.0, 2.0, 1.0, 4.0)
    counted = Validation(log_probs, labels, cost=cost, weights=COUNTS)
    return counted, Validation(log_probs[:, REPEATED], labels[REPEATED], cost=cost, groups=REPEATED)


def pairs(names: Iterable[str], usual: str) -> list[Any]:
    """Names with metrics: each name with a metric of every kernel, the usual one with all; the rest is long."""

    def is_short(name: str, metric: str) -> bool:
        return name == usual or metric in KERNELS[: 1 if name == "mlp" else None]

    return [
        pytest.param(name, metric, marks=[pytest.mark.long] * (not is_short(name, metric)))
        for name, metric in itertools.product(names, serving(METRICS, "classes"))
    ]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize(("name", "metric"), pairs(SELECTORS, "greedy"))
def test_every_selector_chooses_what_repeated_rows_choose(name: str, metric: str, seed: int) -> None:
    if name == "branch_and_bound" and metric not in ("accuracy", "nll", "brier"):
        pytest.skip("it has no bound for this metric")
    counted, repeated = counted_and_repeated(seed)
    found, twin = (
        select(each, SELECTORS.example(name), metric=METRICS.example(metric), seed=3) for each in (counted, repeated)
    )
    assert found.team == twin.team
    np.testing.assert_allclose(found.weights, twin.weights, rtol=0, atol=1e-9)
    assert found.score == pytest.approx(twin.score, abs=1e-12)
    if name != "branch_and_bound":  # which nodes are opened hangs on the last bits of their bounds
        assert found.tried == twin.tried
    own, other = dict(found.details), dict(twin.details)
    if name == "branch_and_bound":
        del own["families"], other["families"]
    assert own.pop("learned_nothing", []) == other.pop("learned_nothing", [])
    for ours, theirs in zip(own.pop("front", []), other.pop("front", []), strict=True):
        assert (ours.pop("team"), ours) == (theirs.pop("team"), pytest.approx(theirs, abs=1e-12))
    assert own == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize(
    ("consensus", "metric"), pairs([name for name in serving(CONSENSUS, "classes") if name != "thresholds"], "mean")
)  # thresholds have folds of their own
def test_every_consensus_scores_as_on_repeated_rows(consensus: str, metric: str) -> None:
    counted, repeated = counted_and_repeated(2)
    spec = CONSENSUS.check(consensus)
    teams = np.array([[1, 0, 1, 0, 1], [0.2, 0.5, 0.0, 0.3, 0.0], [1, 1, 1, 1, 1]])
    found, twin = (team_scorer(each, METRICS.example(metric), spec)(teams) for each in (counted, repeated))
    np.testing.assert_allclose(found, twin, rtol=0, atol=1e-12)
    for team in ((0, 2), (1, 3, 4)):
        ours, theirs = (team_score(each, team, metric=metric, consensus=spec) for each in (counted, repeated))
        assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("measure", serving(DIVERSITY, "classes"))
def test_every_diversity_measure_is_that_of_repeated_rows(measure: str) -> None:
    log_probs, labels = log_probs_and_labels(3)
    needs = DIVERSITY.facts(measure).needs
    given = np.exp(log_probs) if needs == "probabilities" else log_probs.argmax(axis=2)
    for focal in (None, 1):
        for function in (diversity, pairwise, all_teams):
            found = function(measure, given, labels, focal=focal, weights=COUNTS)
            twin = function(measure, given[:, REPEATED], labels[REPEATED], focal=focal)
            np.testing.assert_allclose(found, twin, rtol=0, atol=1e-12)
            half = function(measure, given, labels, focal=focal, weights=COUNTS / 4)
            np.testing.assert_allclose(half, twin, rtol=0, atol=1e-12, err_msg="only the shares of rows matter")
    found = all_teams_focal(measure, given, labels, weights=COUNTS)
    np.testing.assert_allclose(found, all_teams_focal(measure, given[:, REPEATED], labels[REPEATED]), atol=1e-12)


@pytest.mark.parametrize("measure", [name for name in DIVERSITY if DIVERSITY.facts(name).needs == "labels"])
def test_edges_of_diversity_stay_exact_under_any_weights(measure: str) -> None:
    """Members always right, always wrong, always of one class, twice the same: zeros are zeros, not rounding."""
    generator = np.random.default_rng(12)
    labels = np.zeros(ROWS, dtype=np.int64)
    some = generator.integers(2, size=ROWS)
    predicted = np.stack([labels, labels + 1, some, some, labels])
    for seed in range(20):
        weights = np.random.default_rng(seed).uniform(0.1, 2, size=ROWS)
        found = pairwise(measure, predicted, labels, weights=weights)
        plain = pairwise(measure, predicted, labels)
        for one, other in ((0, 1), (2, 3), (0, 4), (0, 2), (1, 2)):
            if abs(plain[one, other]) in (0, 1):
                assert found[one, other] == pytest.approx(plain[one, other], abs=1e-9)


def weighted_score(validation: Validation, team: tuple[int, ...], metric: str, consensus: str) -> float:
    """The definition: fit, combine, and the metric's own weights."""
    rows = np.flatnonzero(validation.weights)
    probs, labels = np.exp(validation.predictions[list(team)][:, rows]), validation.truth[rows]
    learned = fit(consensus, probs, labels, None, validation.weights[rows])
    return score(metric, combine(learned, probs), labels, validation.weights[rows])


def every_team() -> Iterator[tuple[int, ...]]:
    for mask in range(1, 2**MEMBERS):
        yield tuple(member for member in range(MEMBERS) if mask >> member & 1)


@pytest.mark.parametrize("weights", [COUNTS, FRACTIONS], ids=["counts", "fractions"])
@pytest.mark.parametrize("consensus", ["mean", "plurality", "geometric_mean", "median"])
@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier", "ece"])
def test_kernels_follow_the_weighted_definition(metric: str, consensus: str, weights: NDArray[np.float64]) -> None:
    log_probs, labels = log_probs_and_labels(4)
    validation = Validation(log_probs, labels, weights=weights)
    expected = [weighted_score(validation, team, metric, consensus) for team in every_team()]
    teams = np.array([[float(member in team) for member in range(MEMBERS)] for team in every_team()])
    np.testing.assert_allclose(team_scorer(validation, metric, consensus)(teams), expected, rtol=0, atol=1e-12)
    scorer = block_scorer(validation, metric, consensus)
    if scorer is not None:
        np.testing.assert_allclose(scorer(split(MEMBERS))[1:], expected, rtol=0, atol=1e-12)
    grown = incremental_team(validation, metric, consensus).added(2).scores(np.arange(MEMBERS))
    of_pairs = [weighted_score(validation, tuple(sorted((2, other))), metric, consensus) for other in (0, 1, 3, 4)]
    np.testing.assert_allclose(grown[[0, 1, 3, 4]], of_pairs, rtol=0, atol=1e-12)
    for team in ((1,), (0, 3)):
        ours = team_score(validation, team, metric=metric, consensus=consensus)
        assert ours == pytest.approx(weighted_score(validation, team, metric, consensus), abs=1e-12)


@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
def test_clamped_and_underflowing_rows_are_weighted_too(metric: str) -> None:
    log_probs, labels = log_probs_and_labels(5)
    sharp = log_probs * np.random.default_rng(0).choice([1, 40, 400], size=(1, ROWS, 1))
    sharp -= sharp.max(axis=2, keepdims=True)
    sharp -= np.log(np.exp(sharp).sum(axis=2, keepdims=True))
    validation = Validation(sharp, labels, weights=FRACTIONS)
    expected = [weighted_score(validation, team, metric, "mean") for team in every_team()]
    scorer = block_scorer(validation, metric, "mean")
    assert scorer is not None
    np.testing.assert_allclose(scorer(split(MEMBERS))[1:], expected, rtol=1e-12, atol=1e-12)
    grown = incremental_team(validation, metric, "mean").scores(np.arange(MEMBERS))
    np.testing.assert_allclose(grown, [expected[(1 << member) - 1] for member in range(MEMBERS)], rtol=1e-12)


@pytest.mark.parametrize("name", list(SELECTORS))
def test_every_selector_takes_any_weights_and_zero_is_absence(name: str) -> None:
    log_probs, labels = log_probs_and_labels(6)
    weighted = Validation(log_probs, labels, cost=(1.0,) * MEMBERS, weights=FRACTIONS)
    kept = FRACTIONS > 0
    without = Validation(log_probs[:, kept], labels[kept], cost=(1.0,) * MEMBERS, weights=FRACTIONS[kept])
    found, twin = (select(each, SELECTORS.example(name), metric="nll", seed=2) for each in (weighted, without))
    assert found.team == twin.team
    assert found.score == pytest.approx(twin.score, abs=1e-12)
    assert found.score == pytest.approx(
        team_score(weighted, found.team, found.weights, metric="nll", consensus=found.consensus), abs=1e-9
    )


def test_weights_matter_to_every_selector_that_looks_at_rows() -> None:
    """Rows on which member 0 is the best count a hundred times: the best member changes with the weights."""
    log_probs, labels = log_probs_and_labels(7)
    of_label = log_probs[:, np.arange(ROWS), labels]
    for member in range(MEMBERS):
        heavy = np.where(of_label.argmax(axis=0) == member, 100.0, 1.0)
        assert select(Validation(log_probs, labels, weights=heavy), "best").team == (member,)


def test_a_view_shares_predictions_and_statistics() -> None:
    log_probs, labels = log_probs_and_labels(0)
    validation = Validation(log_probs, labels)
    views = validation.resampled([COUNTS, FRACTIONS])
    assert all(view.predictions is validation.predictions for view in views)
    calls: list[int] = []

    def compute() -> int:
        calls.append(1)
        return 7

    assert [each.once("number", "a", compute) for each in (*views, validation)] == [7, 7, 7]
    assert len(calls) == 1
    assert views[0].once("number", "b", lambda: 8) == 8
    assert validation.once("number", "a", lambda: 9) == 9, "of a kind the latest is kept"
    assert replace(validation, predictions=log_probs).once("number", "a", lambda: 10) == 10, "other predictions"


def test_gram_matrices_of_views_that_go_together_are_those_of_each() -> None:
    log_probs, labels = log_probs_and_labels(8)
    validation = Validation(log_probs, labels, block_bytes=8 * MEMBERS * CLASSES * 7)
    together = validation.resampled([COUNTS, FRACTIONS, np.ones(ROWS)])
    for consensus in ("mean", "plurality"):
        for view in together:
            alone = Validation(log_probs, labels, weights=view.weights)
            ours, theirs = (
                incremental_team(each, "brier", consensus).scores(np.arange(MEMBERS)) for each in (view, alone)
            )
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)


def test_focal_diversity_of_repeated_rows() -> None:
    log_probs, labels = log_probs_and_labels(9)
    predicted = log_probs.argmax(axis=2)
    found = every_focal_gd(predicted, labels, COUNTS)
    np.testing.assert_allclose(found, every_focal_gd(predicted[:, REPEATED], labels[REPEATED]), atol=1e-12)
    wrong, teams = predicted != labels, np.eye(MEMBERS) + np.eye(MEMBERS)[::-1] > 0
    counted = focal_gd(wrong[:, COUNTS > 0], teams.astype(float), COUNTS[COUNTS > 0])
    np.testing.assert_allclose(counted, focal_gd(wrong[:, REPEATED], teams.astype(float)), atol=1e-12)


def test_the_standard_error_is_that_of_groups() -> None:
    counted, repeated = counted_and_repeated(10)
    found, twin = (standard_error(each, (0, 2), metric="brier", consensus="mean") for each in (counted, repeated))
    assert found == pytest.approx(twin, abs=1e-14)
    log_probs, labels = log_probs_and_labels(10)
    plain = Validation(log_probs, labels)
    losses = ((np.exp(log_probs[1]) - np.eye(CLASSES)[labels]) ** 2).sum(axis=1)
    expected = losses.std(ddof=1) / np.sqrt(ROWS)
    for validation in (plain, plain.weighted(np.full(ROWS, 3.0))):
        assert standard_error(validation, (1,), metric="brier", consensus="mean") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weights", np.ones(ROWS - 1), rf"weights are float64 of shape \({ROWS - 1},\); give one number for each of"),
        ("weights", np.where(np.arange(ROWS) == 3, -1.0, 1.0), r"weights: -1\.0 in row 3 is refused; give finite"),
        ("weights", np.where(np.arange(ROWS) == 4, np.nan, 1.0), "weights: nan in row 4 is refused"),
        ("weights", np.where(np.arange(ROWS) == 5, np.inf, 1.0), "weights: inf in row 5 is refused"),
        ("weights", np.zeros(ROWS), f"weights of all {ROWS} rows are zero; at least one row must count"),
        ("weights", np.full(ROWS, 1e308), "weights sum to more than any number can hold; divide them by their mean"),
        ("weights", np.array(["1"] * ROWS), "weights are <U1 of shape"),
        ("groups", np.ones(3, dtype=int), rf"groups have shape \(3,\); there are {ROWS} rows, so give \[{ROWS}\]"),
        ("groups", np.ones(ROWS), "groups are float64; give integers or strings"),
    ],
)
def test_weights_and_groups_that_do_not_fit_are_refused(name: str, value: object, message: str) -> None:
    log_probs, labels = log_probs_and_labels(0)
    with pytest.raises(PredictionsError, match=message):
        Validation(
            log_probs,
            labels,
            weights=value if name == "weights" else None,
            groups=value if name == "groups" else None,
        )


def test_sums_of_weights_are_exact_in_any_order() -> None:
    log_probs, labels = log_probs_and_labels(0)
    weights = Validation(log_probs, labels, weights=FRACTIONS).weights
    np.testing.assert_allclose(weights, FRACTIONS, rtol=0, atol=1e-14)
    orders = [np.random.default_rng(seed).permutation(ROWS) for seed in range(30)]
    assert len({float(np.cumsum(weights[order])[-1]) for order in orders}) == 1
    assert len({float(np.cumsum(FRACTIONS[order])[-1]) for order in orders}) > 1
    for scale in (1e-300, 1e300):
        small = Validation(log_probs, labels, weights=FRACTIONS * scale)
        assert team_score(small, [0, 1]) == pytest.approx(team_score(small.weighted(FRACTIONS), [0, 1]), abs=1e-12)


def test_groups_are_numbered() -> None:
    log_probs, labels = log_probs_and_labels(0)
    names = ["b", "a", "c"] * 15 + ["a", "a"]
    groups = Validation(log_probs, labels, groups=names).groups
    assert groups[:4].tolist() == [1, 0, 2, 1]
    assert Validation(log_probs, labels, groups=np.arange(ROWS) * 10).groups.tolist() == list(range(ROWS))


@pytest.fixture
def without_weights() -> Iterator[str]:
    """A metric and a consensus of users who never heard of weights."""

    def cautious(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
        return float(np.median(probs[np.arange(len(labels)), labels]))

    def learner(_: object, probs: NDArray[np.float64], labels: NDArray[np.int64], __: object) -> dict[str, object]:
        return {"rows": float(len(labels) + 0 * len(probs))}

    def counting(probs: NDArray[np.float64], weights: NDArray[np.float64], *, rows: float = 0.0) -> NDArray[np.float64]:
        return np.asarray((probs * weights[:, None, None]).sum(axis=0)) + 0 * rows

    METRICS.register(higher_is_better=True)(cautious)
    CONSENSUS.register(learns=learner)(counting)
    yield "cautious"
    METRICS._functions.pop("cautious")
    CONSENSUS._functions.pop("counting")


def test_what_takes_no_weights_gets_repeated_rows(without_weights: str) -> None:
    counted, repeated = counted_and_repeated(11)
    for consensus in ("mean", "counting"):
        ours, theirs = (
            select(each, "brute_force", metric=without_weights, consensus=consensus) for each in (counted, repeated)
        )
        assert (ours.team, ours.score) == (theirs.team, theirs.score)
    fitted = fit("counting", counted.probs[:, COUNTS > 0], counted.truth[COUNTS > 0], None, COUNTS[COUNTS > 0])
    assert fitted.arguments["rows"] == COUNTS.sum()
    fractions = counted.weighted(FRACTIONS)
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: team_score(fractions, [0], metric=without_weights), "metric cautious takes no weights, and row"),
        (lambda: team_score(fractions, [0], consensus="counting"), "what consensus counting learns takes no weights"),
    ]
    for action, message in refused:
        with pytest.raises(LREnsembleError, match=message):
            action()
