"""Any metric, by interval and p-value: means over rows directly, all others through the jackknife."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.metrics import METRICS
from lrensemble.metrics.significance import (
    CONFIDENT_MISTAKE,
    paired_means,
    paired_proportions,
    paired_scores,
    simultaneous_scores,
)

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def error_rate(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """A mean over rows that does not say so. Lower is better."""
    return float(np.average(probs.argmax(axis=1) != labels, weights=weights))


def root_mean_square(probs: Floats, labels: Labels) -> float:
    """Root of the mean squared distance from the label's probability to one, without weights. Lower is better."""
    return float(np.sqrt(np.mean((1 - probs[np.arange(len(labels)), labels]) ** 2)))


def mean_recall(probs: Floats, labels: Labels) -> float:
    """Mean recall over classes; refuses labels that lack one. Higher is better."""
    if len(np.unique(labels)) < probs.shape[1]:
        raise ValueError("a class has no row")
    right = probs.argmax(axis=1) == labels
    return float(np.mean([right[labels == one].mean() for one in range(probs.shape[1])]))


def error_rate_of_all(probs: Floats, labels: Labels) -> float:
    """`error_rate`, refused where a class has no row. Lower is better."""
    if len(np.unique(labels)) < probs.shape[1]:
        raise ValueError("a class has no row")
    return error_rate(probs, labels)


def nothing(probs: Floats, labels: Labels) -> float:
    """Never a number. Higher is better."""
    return float("nan") * len(probs) * len(labels)


@pytest.fixture(autouse=True, scope="module")
def own_metrics() -> Iterator[None]:
    """Metrics of one's own, known to the tests of this file alone."""
    before = {name: dict(kept) for name, kept in vars(METRICS).items() if isinstance(kept, dict)}
    METRICS.register("test_error_rate", higher_is_better=False, lowest=0.0, highest=1.0)(error_rate)
    METRICS.register("test_root_mean_square", higher_is_better=False)(root_mean_square)
    METRICS.register("test_mean_recall", higher_is_better=True, lowest=0.0, highest=1.0)(mean_recall)
    METRICS.register("test_error_rate_of_all", higher_is_better=False, lowest=0.0, highest=1.0)(error_rate_of_all)
    METRICS.register("test_nothing", higher_is_better=True)(nothing)
    yield
    for name, kept in before.items():
        vars(METRICS)[name].clear()
        vars(METRICS)[name].update(kept)


def predictions(rows: int, seed: int = 0) -> tuple[Floats, Floats, Labels]:
    """Two classifiers of four classes, the first the better one."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(4, size=rows)
    logits = generator.normal(size=(2, rows, 4))
    logits[:, np.arange(rows), labels] += [[2.5], [1.5]]
    probs = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    return probs[0], probs[1], labels


def test_losses_are_turned() -> None:
    first, second, labels = predictions(73)
    rows = np.arange(73)
    losses = np.log(first[rows, labels]) - np.log(second[rows, labels])
    expected = paired_means(losses, scale=CONFIDENT_MISTAKE)
    assert losses.mean() > 0
    assert vars(paired_scores("nll", first, second, labels)) == pytest.approx(vars(expected))
    assert paired_scores("nll", second, first, labels).value == pytest.approx(-expected.value)


def test_accuracy_has_the_interval_of_proportions() -> None:
    first, second, labels = predictions(73)
    expected = paired_proportions(first.argmax(1) == labels, second.argmax(1) == labels)
    assert expected.value > 0
    assert vars(paired_scores("accuracy", first, second, labels)) == pytest.approx(vars(expected))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_jackknife_of_a_mean_is_the_mean(weighted: bool) -> None:
    first, second, labels = predictions(61)
    weights = np.random.default_rng(1).random(61) if weighted else None
    groups = np.repeat(np.arange(31), 2)[:61]
    wrong = (second.argmax(1) != labels) * 1.0 - (first.argmax(1) != labels)
    ours = paired_scores("test_error_rate", first, second, labels, weights)
    # Not known to be correctness: judged as any number.
    each = np.append(np.ones(61) if weights is None else weights, 0.0)
    expected = paired_means(np.append(wrong, 0.5), each, scale=1.0)
    assert (ours.value, ours.low, ours.high) == pytest.approx((expected.value, expected.low, expected.high), abs=1e-9)
    assert paired_scores("test_error_rate", first, second, labels, weights, groups).value == pytest.approx(ours.value)


@pytest.mark.parametrize("rows", [90, 700])
@pytest.mark.parametrize("metric", ["test_root_mean_square", "test_mean_recall"])
def test_a_metric_of_ones_own_against_the_bootstrap(metric: str, rows: int) -> None:
    first, second, labels = predictions(rows)
    found = paired_scores(metric, first, second, labels)
    score = root_mean_square if metric == "test_root_mean_square" else mean_recall
    sign = -1 if metric == "test_root_mean_square" else 1
    generator = np.random.default_rng(2)
    draws = [generator.integers(rows, size=rows) for _ in range(400)]
    gains = [sign * (score(first[d], labels[d]) - score(second[d], labels[d])) for d in draws]
    assert found.value == pytest.approx(sign * (score(first, labels) - score(second, labels)))
    assert found.value > 0
    # A little wider than the bootstrap's: pseudo rows, and Student's quantile.
    assert 0.95 < (found.high - found.low) / (2 * 1.96 * np.std(gains)) < 1.4


def test_the_last_row_of_a_class_cannot_be_left_out() -> None:
    """It is counted twice in place of that, which tells the same of a mean."""
    first, second, labels = predictions(50)
    labels[labels == 3] = 1
    labels[7] = 3
    first[7], second[7] = np.eye(4)[[3, 0]]
    found = paired_scores("test_error_rate_of_all", first, second, labels)
    assert vars(found) == pytest.approx(vars(paired_scores("test_error_rate", first, second, labels)))
    recall = paired_scores("test_mean_recall", first, second, labels)
    assert recall.low < recall.value < recall.high


def test_a_table_is_adjusted_and_the_fixed_row_is_not() -> None:
    first, second, labels = predictions(120)
    others = [predictions(120, seed)[1] for seed in (4, 5)]
    for metric in ("accuracy", "nll", "test_mean_recall"):
        alone = paired_scores(metric, first, second, labels)
        table = simultaneous_scores(metric, [others[0], first, others[1]], second, labels)
        fixed = simultaneous_scores(metric, [others[0], first, others[1]], second, labels, fixed=1)
        assert len(table) == 3
        assert table[1].low < alone.low
        assert table[1].p_value >= alone.p_value
        assert vars(fixed[1]) == pytest.approx(vars(alone))
        assert fixed[2] == table[2]
    assert simultaneous_scores("nll", [], second, labels) == ()


@pytest.mark.parametrize("metric", ["accuracy", "nll", "test_root_mean_square", "test_error_rate"])
@pytest.mark.parametrize("rows", [1, 2])
def test_few_rows(metric: str, rows: int) -> None:
    first, second, labels = predictions(rows)
    found = paired_scores(metric, first, second, labels)
    assert found.low <= found.value <= found.high
    assert found.p_value > 0.05


def test_a_metric_that_is_no_number_is_refused() -> None:
    with pytest.raises(PredictionsError, match="'test_nothing' returned nan of 9 rows; it must return a finite number"):
        paired_scores("test_nothing", *predictions(9))
