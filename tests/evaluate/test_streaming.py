"""One pass over blocks of rows: the same numbers whatever the blocks and groups, and whatever members say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.evaluate.value_pools import MEMBERS, pool_of_forms, value_pool

from lrensemble.evaluate import Result, choose, evaluate, streaming
from lrensemble.evaluate.on_split import OnSplit
from lrensemble.evaluate.predictors import Predictor
from lrensemble.pool import Pool
from lrensemble.targets import Classes, Labels, Likelihood, LogProbs, Predictions, TopK

VAL, TEST, CLASSES = 90, 140, 7
NAMES = Classes(names=tuple("abcdefg"))
Floats = NDArray[np.floating]


def log_probs(labels: NDArray[np.int64], seed: int) -> Floats:
    """[member, sample, class], as exact as a pool keeps them."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(4, len(labels), CLASSES))
    logits[:, np.arange(len(labels)), labels] += np.array([1.0, 1.3, 1.6, 0.8])[:, None]
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=2, keepdims=True)), dtype=np.float32)


def told(form: str, said: Floats, labels: NDArray[np.int64]) -> Predictions:
    """What a member of a form says of log-probabilities [sample, class]."""
    if form == "labels":
        return Labels(said.argmax(axis=1))
    if form == "likelihood":
        return Likelihood(said[np.arange(len(labels)), labels])
    if form == "top_k":
        order = np.argsort(-said, axis=1)[:, :CLASSES]
        return TopK(order, np.exp(np.take_along_axis(said, order, axis=1)))
    return LogProbs(said)


def pool_of(folder: Path, forms: tuple[str, ...]) -> Pool:
    truth = {
        split: np.random.default_rng(rows).integers(CLASSES, size=rows)
        for split, rows in (("val", VAL), ("test", TEST))
    }
    said = {split: log_probs(labels, len(labels)) for split, labels in truth.items()}
    members = [
        {split: told(form, said[split][place], labels) for split, labels in truth.items()}
        for place, form in enumerate(forms)
    ]
    return pool_of_forms(folder, NAMES, truth, members)


DENSE = ("log_probs",) * 4


def numbers(result: Result) -> dict[str, object]:
    """The result without what differs from run to run."""
    return result.model_dump(mode="json", exclude={"seconds", "environment", "looks", "verdict", "verdicts"})


@pytest.mark.parametrize("kind", ["classes", "values"])
def test_blocks_and_groups_change_nothing(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = pool_of(tmp_path, DENSE) if kind == "classes" else value_pool(tmp_path, ("gaussian",) * MEMBERS)
    teams = [choose(pool, "greedy(size=5, bootstrap=2)", folds=0)]
    if kind == "classes":
        teams += [choose(pool, "all", metric=metric, folds=0) for metric in ("ece", "roc_auc", "balanced_accuracy")]
    whole = numbers(evaluate(pool, teams))
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 8 * 4 * CLASSES * 17)
    monkeypatch.setattr(streaming, "KEPT_BYTES", 1)
    monkeypatch.setattr(streaming, "READ_BYTES", 1)
    assert numbers(evaluate(pool, teams)) == whole


def test_likelihoods_give_the_nll_of_the_mean_to_the_last_digit(tmp_path: Path) -> None:
    """And nothing else."""
    dense, alone = pool_of(tmp_path / "dense", DENSE), pool_of(tmp_path / "alone", ("likelihood",) * 4)
    results = [
        evaluate(pool, [choose(pool, method, folds=3) for method in ("all", "greedy(size=5, bootstrap=2)")])
        for pool in (dense, alone)
    ]
    for name, team in results[1].teams.items():
        own = results[0].teams[name]
        assert (team.members, team.weights) == (own.members, own.weights)
        assert team.test.nll == own.test.nll
        assert team.gain["nll"] == own.gain["nll"]
        assert (team.test.accuracy, team.test.brier, team.test.ece) == (None, None, None)
        assert set(team.gain) == {"nll"}
    assert results[1].headline == "nll"
    assert results[1].references["nll"].tempered is None


def test_each_form_is_measured_by_what_it_says(tmp_path: Path) -> None:
    reader = streaming.SplitReader(pool_of(tmp_path, ("log_probs", "labels", "likelihood", "top_k")), "test")
    predictors = {("member", f"m{place}"): Predictor((f"m{place}",)) for place in range(4)}
    found = OnSplit(reader, predictors, ("accuracy", "nll", "brier", "mse"))  # type: ignore[arg-type]
    known = {
        name: {
            metric for metric in ("accuracy", "nll", "brier") if found.scores(("member", name)).by(metric) is not None
        }
        for _, name in predictors
    }
    everything = {"accuracy", "nll", "brier"}
    assert known == {"m0": everything, "m1": {"accuracy"}, "m2": {"nll"}, "m3": everything}


def test_the_likelihood_of_a_team_is_the_weighted_mean_of_its_members(tmp_path: Path) -> None:
    """Of members that say all classes, and of one that says that of the truth alone."""
    reader = streaming.SplitReader(pool_of(tmp_path, ("log_probs", "likelihood")), "test")
    team = Predictor(("m0", "m1"), (0.25, 0.75), "mean")
    rows, labels = np.arange(TEST), reader.truth
    given = [np.exp(said[rows, labels].astype(np.float64)) for said in log_probs(labels, TEST)[:2]]
    found = OnSplit(reader, {("team", "two"): team}, ("nll",)).scores(("team", "two"))
    assert found.nll == pytest.approx(-np.log(0.25 * given[0] + 0.75 * given[1]).mean())
    voted = OnSplit(reader, {("team", "two"): Predictor(("m0", "m1"), (0.25, 0.75), "geometric_mean")}, ("nll",))
    assert voted.scores(("team", "two")).nll is None, "which needs all classes"
