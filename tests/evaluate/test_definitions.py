"""A whole result against its definitions, written slowly with scikit-learn and scipy.

The pool is random, the teams have unequal weights, rows have weights: what is averaged by one weight for all would be
noticed.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss

from lrensemble.evaluate import Result, Team, choose, evaluate
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect

Floats = NDArray[np.float64]

MEMBERS, VAL, TEST, CLASSES = 4, 211, 397, 3
WEIGHTS = ((0.7, 0.2, 0.1), (0.05, 0.15, 0.8))
"""Of two teams, over their members."""
TEAMS = ((0, 1, 3), (1, 2, 3))


@pytest.fixture(scope="module")
def arrays() -> dict[str, NDArray[np.generic]]:
    generator = np.random.default_rng(5)
    found: dict[str, NDArray[np.generic]] = {"names": np.array(list("abcd"))}
    for prefix, rows in (("", VAL), ("test_", TEST)):
        labels = generator.choice(CLASSES, rows, p=(0.6, 0.3, 0.1))
        logits = generator.normal(size=(MEMBERS, rows, CLASSES)) * np.array([1.0, 2.0, 0.5, 1.5])[:, None, None]
        logits[:, np.arange(rows), labels] += np.array([1.0, 1.4, 0.6, 1.2])[:, None]
        probs = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
        found |= {f"{prefix}probs": probs, f"{prefix}labels": labels}
        found[f"{prefix}weights"] = generator.choice([0.5, 1.0, 3.0], rows)
    return found


@pytest.fixture(scope="module", params=[False, True], ids=["each row once", "rows with weights"])
def judged(
    request: pytest.FixtureRequest, arrays: dict[str, NDArray[np.generic]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Result, dict[str, NDArray[np.generic]]]:
    """A result, and the arrays that it is of; weights are ones where rows have none."""
    folder = tmp_path_factory.mktemp("pool")
    given = {key: array for key, array in arrays.items() if request.param or "weights" not in key}
    np.savez(folder / "predictions.npz", **given)  # type: ignore[arg-type]
    pool = collect([folder / "predictions.npz"], folder / "pool").pool
    teams = [handmade(pool, team, weights) for team, weights in zip(TEAMS, WEIGHTS, strict=True)]
    ones = {"weights": np.ones(VAL), "test_weights": np.ones(TEST)}
    return evaluate(pool, [*teams, choose(pool, "all", metric="balanced_accuracy", folds=0)]), {**ones, **given}


def handmade(pool: Pool, team: tuple[int, ...], weights: tuple[float, ...]) -> Team:
    ids = [member.id for member in pool.members()]
    update = {"method": f"hand_{team[0]}", "team": tuple(ids[i] for i in team), "weights": weights}
    return choose(pool, "all", metric="nll", folds=0).model_copy(update=update)


def mean_of(probs: NDArray[np.generic], team: tuple[int, ...], weights: tuple[float, ...]) -> Floats:
    """[sample, class], member by member."""
    total = np.zeros(probs.shape[1:])
    for member, weight in zip(team, weights, strict=True):
        total += weight * probs[member].astype(np.float64)
    return total


def brier(probs: Floats, labels: NDArray[np.generic], weights: NDArray[np.generic]) -> float:
    truth = np.eye(CLASSES)[labels.astype(np.int64)]
    return float(np.average(((probs - truth) ** 2).sum(axis=1), weights=weights.astype(np.float64)))


@pytest.mark.parametrize("which", [0, 1])
def test_scores_of_teams(judged: tuple[Result, dict[str, NDArray[np.generic]]], which: int) -> None:
    result, arrays = judged
    labels, weights = arrays["test_labels"], arrays["test_weights"]
    probs = mean_of(arrays["test_probs"], TEAMS[which], WEIGHTS[which])
    found = result.teams[f"hand_{TEAMS[which][0]}"].test
    assert found.accuracy == pytest.approx(accuracy_score(labels, probs.argmax(axis=1), sample_weight=weights))
    assert found.nll == pytest.approx(log_loss(labels, probs, sample_weight=weights, labels=range(CLASSES)), rel=1e-5)
    assert found.brier == pytest.approx(brier(probs, labels, weights), rel=1e-5)
    balanced = balanced_accuracy_score(labels, probs.argmax(axis=1), sample_weight=weights)
    assert found.others["balanced_accuracy"] == pytest.approx(balanced)


def test_the_best_single_model_by_each_metric(judged: tuple[Result, dict[str, NDArray[np.generic]]]) -> None:
    result, arrays = judged
    labels, weights = arrays["labels"], arrays["weights"]
    losses = [log_loss(labels, probs, sample_weight=weights, labels=range(CLASSES)) for probs in arrays["probs"]]
    balanced = [
        balanced_accuracy_score(labels, probs.argmax(axis=1), sample_weight=weights) for probs in arrays["probs"]
    ]
    assert result.references["nll"].name == "abcd"[int(np.argmin(losses))]
    assert result.references["balanced_accuracy"].name == "abcd"[int(np.argmax(balanced))]
    assert result.references["nll"].val.nll == pytest.approx(min(losses))


def test_its_temperature_is_the_one_of_least_loss_on_val(
    judged: tuple[Result, dict[str, NDArray[np.generic]]],
) -> None:
    result, arrays = judged
    reference = result.references["nll"]
    logs = np.log(arrays["probs"]["abcd".index(reference.name)].astype(np.float64))

    def loss(log_temperature: float, logs: Floats = logs, split: str = "") -> float:
        powers = np.exp(logs / np.exp(log_temperature))
        probs = powers / powers.sum(axis=1, keepdims=True)
        weights = arrays[f"{split}weights"]
        return float(log_loss(arrays[f"{split}labels"], probs, sample_weight=weights, labels=range(CLASSES)))

    found = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    assert reference.tempered is not None
    assert reference.tempered.temperature == pytest.approx(np.exp(found.x), rel=1e-3)
    assert reference.tempered.val.nll == pytest.approx(found.fun, abs=1e-6)
    test_logs = np.log(arrays["test_probs"]["abcd".index(reference.name)].astype(np.float64))
    assert reference.tempered.test.nll == pytest.approx(loss(found.x, test_logs, "test_"), abs=1e-4)


@pytest.mark.parametrize("which", [0, 1])
def test_gains_are_differences_to_the_best_single_model(
    judged: tuple[Result, dict[str, NDArray[np.generic]]], which: int
) -> None:
    result, _ = judged
    team, reference = result.teams[f"hand_{TEAMS[which][0]}"], result.references["nll"]
    assert reference.test.nll is not None
    assert team.test.nll is not None
    assert team.gain["nll"].value == pytest.approx(reference.test.nll - team.test.nll)
    assert team.test.accuracy is not None
    assert reference.test.accuracy is not None
    assert team.gain["accuracy"].value == pytest.approx(team.test.accuracy - reference.test.accuracy)
    assert reference.tempered is not None
    assert reference.tempered.test.nll is not None
    over_tempered = reference.tempered.test.nll - team.test.nll
    assert team.gain_over_tempered["nll"].value == pytest.approx(over_tempered)
    assert set(team.gain_over_tempered) == {"nll"}


@pytest.mark.parametrize("judged", [False], indirect=True, ids=["each row once"])
def test_without_weights_p_of_accuracy_is_that_of_the_discordant_rows(
    judged: tuple[Result, dict[str, NDArray[np.generic]]],
) -> None:
    """McNemar's test, exact: of the rows on which one of the two errs, as many as a fair coin would give each."""
    result, arrays = judged
    labels = arrays["test_labels"]
    single = arrays["test_probs"]["abcd".index(result.references["nll"].name)].argmax(axis=1) == labels
    team = mean_of(arrays["test_probs"], TEAMS[0], WEIGHTS[0]).argmax(axis=1) == labels
    gained, lost = int((team & ~single).sum()), int((single & ~team).sum())
    gain = result.teams["hand_0"].gain["accuracy"]
    assert gain.value == pytest.approx((gained - lost) / TEST)
    assert gain.p_value == pytest.approx(binomtest(gained, gained + lost).pvalue)


def test_costs_are_counts_of_members(judged: tuple[Result, dict[str, NDArray[np.generic]]]) -> None:
    result, _ = judged
    assert result.teams["hand_0"].cost.members == 3
    assert result.teams["all by balanced_accuracy, mean"].cost.members == MEMBERS
    assert result.teams["all by balanced_accuracy, mean"].cost.parameters is None, "predictions alone say nothing of it"
