"""The range test: its curve read by hand, its rates, and a sweep that takes its peaks from it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrensemble.config import Experiment, TrainSettings
from lrensemble.data import Dataset
from lrensemble.errors import ConfigError, PoolError, TrainingError
from lrensemble.pool import Pool
from lrensemble.spec import Spec
from lrensemble.train import Ended, RangeTest, range_test, tune
from lrensemble.train.sweep.range_test import read_curve

MakeExperiment = Callable[..., Experiment]
SETTINGS = TrainSettings(batch_size=100)


def test_both_bounds_are_where_the_loss_begins_and_ends_to_fall() -> None:
    rates = np.geomspace(1e-4, 10, 400)
    losses = 2 - 1 / (1 + (0.01 / rates) ** 2) + 0.01 * rates**2
    seen = read_curve(rates.tolist(), losses.tolist(), count=3)
    lowest = float(rates[np.argmin(losses)])
    assert seen.peak == pytest.approx(lowest, rel=0.1)
    begun = float(rates[np.argmax(losses < 2 - 0.05 * (2 - losses.min()))])
    assert seen.floor == pytest.approx(begun, rel=0.1)
    assert seen.peaks == pytest.approx([seen.peak / 4, seen.peak / 2, seen.peak], rel=0.05)
    assert all(float(f"{rate:.2g}") == rate for rate in (seen.floor, *seen.peaks))


def test_noise_is_averaged_and_does_not_move_the_curve() -> None:
    rates = np.geomspace(1e-4, 10, 400)
    losses = 2 - 1 / (1 + (0.01 / rates) ** 2) + 0.05 * rates**2
    noisy = losses + np.random.default_rng(0).normal(scale=0.02, size=400)
    noisy[100] = 0.5  # one batch that was easy by chance
    clean, seen = (read_curve(rates.tolist(), values.tolist(), count=1) for values in (losses, noisy))
    assert 0.5 < seen.peak / clean.peak < 2
    assert 0.5 < seen.floor / clean.floor < 2


@pytest.mark.parametrize("losses", [[2.3] * 30, list(np.linspace(2.3, 5.0, 30)), [2.3, 2.29] * 15])
def test_a_loss_that_never_falls_proposes_nothing(losses: list[float]) -> None:
    with pytest.raises(TrainingError, match=r"no loss that falls between the rates 0\.001 and 1; give it more steps"):
        read_curve(np.geomspace(1e-3, 1, 30).tolist(), losses, count=4)


def test_the_rate_rises_by_the_same_factor_until_the_loss_explodes(digits: Dataset) -> None:
    seen = range_test("mlp(width=7)", digits, SETTINGS, low=1e-4, high=100.0, steps=90)
    expected = np.geomspace(1e-4, 100.0, 90)
    assert 30 < len(seen.rates) < 90
    assert seen.rates == pytest.approx(expected[: len(seen.rates)], rel=1e-9)
    assert len(seen.losses) == len(seen.rates)
    assert seen.losses[-1] > 4 * seen.losses[0] or len(seen.rates) < 90
    assert 1e-3 < seen.floor < seen.peak < 10
    calm = range_test("mlp(width=7)", digits, SETTINGS, low=1e-4, high=0.1, steps=40)
    assert len(calm.rates) == 40
    assert calm.rates[-1] == pytest.approx(0.1, rel=1e-9)


def test_it_is_a_function_of_the_recipe_and_leaves_no_trace(digits: Dataset) -> None:
    state = torch.get_rng_state()
    first = range_test("mlp(width=7, dropout=0.3)", digits, SETTINGS, steps=60)
    torch.rand(3)
    torch.set_rng_state(state)
    assert range_test("mlp(width=7, dropout=0.3)", digits, SETTINGS, steps=60) == first
    assert torch.equal(torch.get_rng_state(), state)
    other = range_test("mlp(width=7, dropout=0.3)", digits, TrainSettings(batch_size=100, seed=1), steps=60)
    assert other.losses != first.losses


def test_rates_that_do_not_rise_are_refused(digits: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"low = 0\.5 and high = 0\.1 contradict each other"):
        range_test("mlp(width=7)", digits, SETTINGS, low=0.5, high=0.1)
    with pytest.raises(ConfigError, match="steps = 19 are too few"):
        range_test("mlp(width=7)", digits, SETTINGS, steps=19)


@pytest.fixture
def tested(experiment: MakeExperiment) -> Callable[..., Experiment]:
    def make(**changes: Any) -> Experiment:
        sweep = {"space": {"policy.peak": "range_test(count=3, steps=60)"}} | changes.pop("sweep", {})
        return experiment(policy=["constant", "cosine"], train={"optimizer": "sgd", "epochs": 1}, sweep=sweep)

    return make


def test_a_sweep_takes_its_peaks_from_the_test(tested: MakeExperiment, digits: Dataset, tmp_path: Path) -> None:
    assert not (tmp_path / "range-tests").exists()
    ended = [event for event in tune(tested(), tmp_path) if isinstance(event, Ended)]
    seen = range_test("mlp(width=7, dropout=0.2)", digits, tested().train, count=3, steps=60)
    expected = [Spec(name, {"peak": peak}) for name in ("constant", "cosine") for peak in seen.peaks]
    assert [event.run.recipe.policy for event in ended] == expected
    assert {event.status for event in ended} == {"finished"}
    (record,) = (tmp_path / "range-tests").iterdir()
    assert RangeTest.model_validate(json.loads(record.read_text())["seen"]) == seen
    before = record.stat()
    again = [event for event in tune(tested(), tmp_path) if isinstance(event, Ended)]
    assert [event.status for event in again] == ["exists"] * 6
    assert record.stat() == before, "the test is not made again"
    record.write_text(record.read_text().replace("0.0", "0.1", 1))
    with pytest.raises(PoolError, match="damaged"):
        list(tune(tested(), tmp_path))


def test_one_policy_alone_may_be_tested_and_its_settings_are_those_of_its_first_point(
    tested: MakeExperiment, digits: Dataset, tmp_path: Path
) -> None:
    sweep = {
        "space": {"train.batch_size": [50, 100]},
        "when": {
            "constant": {"policy.peak": [0.01]},
            "cosine": {"policy.peak": "range_test(count=1, steps=60)", "model.width": [6, 8]},
        },
    }
    list(tune(tested(sweep=sweep), tmp_path))
    settings = tested().train.model_copy(update={"batch_size": 50})
    seen = range_test("mlp(width=6, dropout=0.2)", digits, settings, count=1, steps=60)
    recipes = [member.recipe or {} for member in Pool.open(tmp_path).members()]
    peaks = [recipe["policy"]["peak"] for recipe in recipes]
    assert peaks == [0.01] * 2 + [seen.peak] * 4
