"""The paper's formula against simulated steps, by hand, and on members that were trained here."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrensemble.config import Experiment, to_record
from lrensemble.evaluate import choose, evaluate, load, save
from lrensemble.pool import Pool, StepStatistics
from lrensemble.report.report_data import ReportData
from lrensemble.report.sections.spread import spread, spreads, square_of_length, variance_of_length
from lrensemble.train import tune

STEPS = 200_000


def statistics(rates: np.ndarray, norms: np.ndarray) -> StepStatistics:
    lengths = rates * norms
    return StepStatistics(
        count=len(rates),
        rate_mean=float(rates.mean()),
        rate_variance=float(rates.var()),
        norm_mean=float(norms.mean()),
        norm_variance=float(norms.var()),
        length_mean=float(lengths.mean()),
        length_variance=float(lengths.var()),
    )


def test_the_formula_by_hand() -> None:
    """Rates of 1 and 3 with norms of 2 and 6, each pair once: lengths 2, 6, 6, 18 of mean 8 and variance 36."""
    steps = statistics(np.array([1.0, 1.0, 3.0, 3.0]), np.array([2.0, 6.0, 2.0, 6.0]))
    assert (steps.rate_mean, steps.rate_variance, steps.norm_mean, steps.norm_variance) == (2, 1, 4, 4)
    assert variance_of_length(steps) == 1 * 4 + 1 * 16 + 4 * 4 == steps.length_variance
    assert square_of_length(steps) == 36 + 8**2


def test_independent_rates_and_gradients_obey_it_and_dependent_ones_do_not() -> None:
    generator = np.random.default_rng(0)
    rates, norms = generator.uniform(0, 0.2, STEPS), generator.lognormal(0, 0.5, STEPS)
    independent = statistics(rates, norms)
    assert variance_of_length(independent) == pytest.approx(independent.length_variance, rel=0.02)
    dependent = statistics(np.sort(rates), np.sort(norms)[::-1])  # the larger the rate, the smaller the gradient
    assert dependent.length_variance < 0.5 * variance_of_length(dependent)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Three members of one policy and one of another."""
    sweep: dict[str, Any] = {
        "data": "digits",
        "model": "mlp(width=16)",
        "policy": [{"name": "one_cycle", "peak": [0.05, 0.1, 0.2]}, {"name": "cosine", "peak": [0.05]}],
        "train": {"epochs": 2, "batch_size": 100, "momentum": 0.5},
    }
    folder = tmp_path_factory.mktemp("spread") / "pool"
    list(tune(to_record(Experiment, sweep, "test"), folder))
    pool = Pool.open(folder)
    save(pool, choose(pool, "greedy(size=5, bootstrap=0)"))
    return pool


def test_prediction_and_measurement_of_a_policy(pool: Pool) -> None:
    cosine, cycle = spreads(ReportData(pool, evaluate(pool, load(pool))))
    assert (cosine.policy, len(cosine.steps), cosine.measured_distance) == ("cosine", 1, None)
    members = [member for member in pool.members() if "one_cycle" in member.name]
    assert (cycle.policy, len(cycle.steps)) == ("one_cycle", len(members))
    flat = np.stack(
        [np.concatenate([w.double().flatten().numpy() for w in member.weights().values()]) for member in members]
    )
    expected = math.sqrt(flat.var(axis=0, ddof=1).sum())
    assert cycle.measured_distance == pytest.approx(expected, rel=1e-9)
    steps = [member.steps for member in members]
    assert all(each is not None and each.count == 2 * 10 for each in steps)
    predicted = [variance_of_length(each) for each in steps if each]
    assert cycle.predicted_variance == pytest.approx(np.mean(predicted))
    assert cycle.predicted_distance is not None
    assert cycle.predicted_distance == pytest.approx(math.sqrt(20 * np.mean(predicted)) / 0.5), "momentum adds up"
    assert cycle.random_walk_distance is not None
    assert cycle.random_walk_distance > cycle.predicted_distance
    section = spread(ReportData(pool, evaluate(pool, load(pool))))
    assert section is not None
    assert [figure.name for figure in section.figures] == ["step", "spread"]
    assert section.tables[0].rows[0][-1] == "–"


def test_every_member_is_a_point_by_name(pool: Pool) -> None:
    report = ReportData(pool, evaluate(pool, load(pool)))
    section = spread(report)
    assert section is not None
    equal, cosine, cycle = section.figures[0].traces
    assert (equal["mode"], cosine["name"], cycle["name"]) == ("lines", "cosine", "one_cycle")
    assert list(cycle["text"]) == [f"one_cycle(peak={peak})" for peak in (0.05, 0.1, 0.2)]
    steps = {member.name: member.steps for member in pool.members()}
    assert list(cycle["y"]) == [of.length_variance for name in cycle["text"] if (of := steps[name])]
    (only,) = [trace for trace in section.figures[1].traces if trace["mode"] == "markers"]
    assert only["name"] == "one_cycle", "a single member has no spread"


@pytest.mark.parametrize(
    ("train", "factor"),
    [
        ({"optimizer": "sgd"}, 10.0),  # a momentum of 0.9 unless given
        ({"optimizer": "sgd", "momentum": 0.0}, 1.0),
        ({"optimizer": "SGD(momentum=0.75)"}, 4.0),
        ({"optimizer": "sgd(dampening=0.5)", "momentum": 0.75}, 2.0),
    ],
)
def test_momentum_adds_up_as_the_optimizer_has_it(train: dict[str, Any], factor: float, tmp_path: Path) -> None:
    sweep: dict[str, Any] = {
        "data": "digits",
        "model": "mlp(width=3)",
        "policy": [{"name": "cosine", "peak": [0.01]}],
        "train": {"epochs": 1, "batch_size": 300, **train},
    }
    list(tune(to_record(Experiment, sweep, "test"), tmp_path / "pool"))
    pool = Pool.open(tmp_path / "pool")
    save(pool, choose(pool, "best"))
    (found,) = spreads(ReportData(pool, evaluate(pool, load(pool))))
    (steps,) = found.steps.values()
    assert found.predicted_distance == pytest.approx(factor * math.sqrt(steps.count * variance_of_length(steps)))


def test_one_step_has_no_variance_and_no_place_on_logarithmic_axes(tmp_path: Path) -> None:
    sweep: dict[str, Any] = {
        "data": "digits",
        "model": "mlp(width=3)",
        "policy": [{"name": "constant", "peak": [0.01, 0.02]}],
        "train": {"epochs": 1, "batch_size": 1000},
    }
    list(tune(to_record(Experiment, sweep, "test"), tmp_path / "pool"))
    pool = Pool.open(tmp_path / "pool")
    save(pool, choose(pool, "best"))
    section = spread(ReportData(pool, evaluate(pool, load(pool))))
    assert section is not None
    assert section.figures == []
    assert section.tables[0].rows[0][:5] == ["constant", "2", "0", "0", "0"]


def test_no_prediction_of_the_spread_where_updates_are_no_sums_of_gradients(tmp_path: Path) -> None:
    sweep: dict[str, Any] = {
        "data": "digits",
        "model": "mlp(width=5)",
        "policy": [{"name": "cosine", "peak": [0.01, 0.02]}],
        "train": {"epochs": 1, "batch_size": 500, "optimizer": "adam"},
    }
    list(tune(to_record(Experiment, sweep, "test"), tmp_path / "pool"))
    pool = Pool.open(tmp_path / "pool")
    save(pool, choose(pool, "best"))
    (found,) = spreads(ReportData(pool, evaluate(pool, load(pool))))
    assert (found.predicted_distance, found.random_walk_distance) == (None, None)
    assert found.measured_distance is not None


def test_members_from_elsewhere_have_no_steps(tmp_path: Path) -> None:
    from lrensemble.pool.collect import collect

    generator = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for prefix, rows in (("", 60), ("test_", 50)):
        labels = generator.integers(3, size=rows)
        arrays |= {f"{prefix}logits": generator.normal(size=(3, rows, 3)), f"{prefix}labels": labels}
    np.savez(tmp_path / "predictions.npz", **arrays)
    pool = collect([tmp_path / "predictions.npz"], tmp_path / "pool").pool
    save(pool, choose(pool, "best"))
    assert spread(ReportData(pool, evaluate(pool, load(pool)))) is None
