"""Searches that aim at errors of numbers, and the gain of a team of such members."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrensemble.config import Experiment
from lrensemble.errors import SpecError
from lrensemble.pool import Pool
from lrensemble.train import Ended, tune
from lrensemble.train.sweep.strategies.gain import team_gain

MakeExperiment = Callable[..., Experiment]
SPACE: dict[str, Any] = {"policy.peak": [0.003, 0.01, 0.03, 1e-5]}


@pytest.fixture
def searching(experiment: MakeExperiment) -> MakeExperiment:
    """A search over peaks, on patients."""

    def make(arguments: str, **train: Any) -> Experiment:
        space = SPACE | train.pop("space", {})
        return experiment(
            data="diabetes",
            model="mlp(width=5)",
            policy=["constant"],
            train={"batch_size": 40, "epochs": 3, **train},
            sweep={"strategy": f"optuna(trials=3, {arguments})", "space": space},
        )

    return make


ARGUMENTS = ("seed=1", "objective='ensemble'", "metric='rmse', pruner='median'")


@pytest.mark.parametrize(
    ("form", "arguments"),
    [
        pytest.param(form, given, marks=[pytest.mark.long] * ((form == "values") == ("ensemble" in given)))
        for form in ("values", "gaussian")
        for given in ARGUMENTS
    ],
)
def test_a_search_aims_at_what_is_learned(searching: MakeExperiment, arguments: str, form: str, tmp_path: Path) -> None:
    events = list(tune(searching(arguments, form=form), tmp_path))
    assert {event.status for event in events if isinstance(event, Ended)} <= {"finished", "pruned"}
    assert len(Pool.open(tmp_path).members(include_diverged=True)) == 3


@pytest.mark.parametrize(
    ("arguments", "train", "known"),
    [
        ("metric='nll'", {}, "mse, rmse after"),
        ("metric='gaussian_nll'", {"form": "values"}, "mse, rmse after"),
        ("metric='gaussian_nll'", {"space": {"train.form": ["values", "gaussian"]}}, "mse, rmse after"),
        ("metric='r2'", {"form": "gaussian"}, "mse, rmse, gaussian_nll after"),
    ],
)
def test_a_metric_that_not_all_runs_have_is_refused(
    searching: MakeExperiment, arguments: str, train: dict[str, Any], known: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=rf"metric = '.*' is refused; runs are scored by {known} every epoch"):
        tune(searching(arguments, **train), tmp_path)


def test_the_gain_by_hand(experiment: MakeExperiment, tmp_path: Path) -> None:
    """The empty team says the mean of all values; a member that says nothing of the variance has no part in its NLL."""
    train = {"batch_size": 40, "form": "gaussian"}
    list(tune(experiment(data="diabetes", policy=["constant(peak=0.01)"], train=train), tmp_path))
    pool = Pool.open(tmp_path)
    (member,) = pool.members()
    gain = team_gain(pool, member.id, metric="mse")
    truth = pool.truth("val")
    error = np.mean((member.predictions("val").main - truth) ** 2)
    assert gain == pytest.approx(truth.var() - error)
    variance = truth.var()
    expected = 0.5 * (np.log(2 * np.pi * variance) + 1) - member.scores["val"]["gaussian_nll"]
    assert team_gain(pool, member.id, metric="gaussian_nll") == pytest.approx(expected)
