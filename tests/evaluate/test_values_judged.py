"""Teams of members that say numbers: defaults, scores against scikit-learn and scipy, gains, verdict and tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from tests.evaluate.value_pools import MEMBERS, OUTPUTS, TEST, value_pool

from lrensemble.evaluate import Result, choose, default_consensus, default_metric, evaluate, read_result, write_result
from lrensemble.evaluate.tables import gain_tables
from lrensemble.pool import MemberRecord, Pool
from lrensemble.targets import RealValues

GAUSSIAN = ("gaussian",) * MEMBERS
MIXED = ("gaussian", "values", "gaussian", "values")


def evaluated(pool: Pool) -> Result:
    return evaluate(pool, [choose(pool, method, folds=3) for method in ("all", "greedy(size=6, bootstrap=2)")])


@pytest.mark.parametrize(
    ("forms", "metric", "consensus"),
    [(("values",) * 3, "mse", "mean"), (GAUSSIAN, "gaussian_nll", "mixture"), (MIXED, "mse", "mean")],
    ids=["values", "gaussian", "mixed"],
)
def test_defaults_are_what_all_members_can_serve(
    tmp_path: Path, forms: tuple[str, ...], metric: str, consensus: str
) -> None:
    pool = value_pool(tmp_path, forms)
    assert (default_metric(pool), default_consensus(pool)) == (metric, consensus)
    team = choose(pool, "all", folds=0)
    assert (team.metric, team.consensus) == (metric, consensus)


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_of_a_mean_are_those_of_scikit_learn(tmp_path: Path, weighted: bool) -> None:
    pool = value_pool(tmp_path, weighted=weighted)
    truth, weights = pool.truth("test"), pool.weights("test")
    mean = np.mean([member.predictions("test").main for member in pool.members()], axis=0)
    found = evaluated(pool).teams["all"].test
    assert found.by("mse") == pytest.approx(mean_squared_error(truth, mean, sample_weight=weights))
    each = mean_squared_error(truth, mean, sample_weight=weights, multioutput="raw_values")
    assert found.by("rmse") == pytest.approx(np.sqrt(each).mean())
    assert found.by("mae") == pytest.approx(mean_absolute_error(truth, mean, sample_weight=weights))
    assert found.by("r2") == pytest.approx(r2_score(truth, mean, sample_weight=weights))
    assert (found.accuracy, found.nll, found.ece) == (None, None, None), "of classes"
    assert "gaussian_nll" not in found.others, "nobody says how sure it is"


def test_scores_of_a_mixture_are_those_of_its_moments(tmp_path: Path) -> None:
    pool = value_pool(tmp_path, GAUSSIAN)
    truth = pool.truth("test")
    said = [member.predictions("test") for member in pool.members()]
    means = np.array([one.main for one in said])
    variances = np.exp([one.parts["log_variance"] for one in said])
    mean = means.mean(axis=0)
    deviation = np.sqrt((variances + means**2).mean(axis=0) - mean**2)
    found = evaluated(pool).teams["all"].test
    assert found.by("gaussian_nll") == pytest.approx(-norm.logpdf(truth, mean, deviation).mean())
    low, high = norm.interval(0.9, mean, deviation)
    assert found.by("coverage(level=0.9)") == pytest.approx(((truth >= low) & (truth <= high)).mean())
    assert found.by("interval_width(level=0.9)") == pytest.approx((high - low).mean())


def test_gains_are_differences_and_better_is_positive(tmp_path: Path) -> None:
    result = evaluated(value_pool(tmp_path))
    reference = result.references["mse"]
    for team in result.teams.values():
        assert list(team.gain) == ["mse", "rmse"]
        assert team.gain_over_tempered == {}
        for metric, gain in team.gain.items():
            single, own = reference.test.by(metric), team.test.by(metric)
            assert single is not None
            assert own is not None
            assert gain.value == pytest.approx(single - own)
            assert gain.rows == TEST
    assert reference.tempered is None, "there is no temperature of numbers"
    assert reference.name == "m3", "whose errors are smallest"


def test_members_of_both_forms_are_served_as_values(tmp_path: Path) -> None:
    result = evaluated(value_pool(tmp_path, MIXED))
    assert "gaussian_nll" not in result.teams["all"].test.others
    own = {member.name: member.test for member in result.members}
    assert own["m0"] is not None
    assert own["m0"].by("gaussian_nll") is not None, "alone it says how sure it is"


def test_the_verdict_names_the_metric_and_its_root(tmp_path: Path) -> None:
    result = evaluated(value_pool(tmp_path))
    assert result.headline == "rmse"
    assert result.verdict.kind == "better"
    assert result.verdict.text.startswith("The ensemble is better: ")
    assert "against the best single model by MSE (m3): gain in test MSE +" in result.verdict.text
    assert "; gain in test RMSE +" in result.verdict.text


def test_tables_of_the_metric_and_of_its_root(tmp_path: Path) -> None:
    result = evaluated(value_pool(tmp_path))
    squared, root = gain_tables(result)
    assert squared.title.startswith(f"pool: MSE; gain over the best single model on {TEST} test rows")
    assert root.title.startswith("pool: RMSE; gain over the best single model by MSE on")
    value = result.references["mse"].test.by("mse")
    assert value is not None
    assert squared.rows[0][3] == f"{value:.5g}"


def test_a_member_that_says_the_same_everywhere_learned_nothing(tmp_path: Path) -> None:
    pool = value_pool(tmp_path)
    flat = {split: RealValues(np.full((own.size, OUTPUTS), 50.0)) for split, own in pool.task.splits.items()}
    pool.add(MemberRecord(id="mean", order=9, name="mean", form="values"), flat)
    result = evaluated(pool)
    assert {member.name for member in result.members if member.status == "learned nothing"} == {"mean"}


def test_a_result_of_values_reads_back(tmp_path: Path) -> None:
    result = evaluated(value_pool(tmp_path, GAUSSIAN))
    write_result(result, tmp_path / "result.json")
    assert read_result(tmp_path / "result.json") == result


def test_the_mean_of_the_truth_is_named_beside(tmp_path: Path) -> None:
    """As what knows nothing of a row would say."""
    pool = value_pool(tmp_path)
    said = np.repeat(pool.truth("val").mean(axis=0)[None], TEST, axis=0)
    each = mean_squared_error(pool.truth("test"), said, multioutput="raw_values")
    (note,) = [
        note for note in evaluated(pool).notes if note.startswith("The mean of the val truth, said of every row")
    ]
    assert f"has a test RMSE of {np.sqrt(each).mean():.5g}" in note
