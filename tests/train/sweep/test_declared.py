"""What a sweep declares for its parameters, in the line that plans its runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from lrensemble.config import Experiment, to_record
from lrensemble.train import tune
from lrensemble.train.sweep.declared import declared_values

DIGITS: dict[str, Any] = {"data": "digits", "split": {"val": 0.2, "test": 0.7}, "model": "mlp(width=4)"}


@pytest.mark.parametrize(
    ("policies", "sweep", "declared"),
    [
        (["cosine(peak=0.1)"], {}, {}),
        ([{"name": "cosine", "peak": [0.02, 0.5, 0.1]}], {}, {"policy.peak": [0.02, 0.5]}),
        (
            ["cosine", "one_cycle(peak=2.0)"],
            {
                "strategy": "random(trials=3)",
                "space": {"train.batch_size": [64, 32, 48], "train.optimizer": ["sgd(dampening=0.1)", "sgd", "adam"]},
                "when": {"cosine": {"policy.peak": "log_uniform(low=1e-4, high=0.3)"}},
            },
            {
                "policy": ["cosine", "one_cycle"],
                "policy.peak": [1e-4, 2.0],
                "batch_size": [32.0, 64.0],
                "optimizer": ["adam", "sgd"],
            },
        ),
        (["cosine"], {"space": {"policy.peak": "range_test(count=2)"}}, {}),
        (["cosine"], {"space": {"policy.peak": [0.1]}, "zip": {"train.nesterov": [True, False]}}, {}),
        (["cosine"], {"zip": {"train.weight_decay": [0.0, 0.1, 0.01]}}, {"weight_decay": [0.0, 0.1]}),
    ],
)
def test_ends_of_numbers_and_all_texts(
    policies: list[Any], sweep: dict[str, Any], declared: dict[str, list[float | str]]
) -> None:
    experiment = to_record(Experiment, DIGITS | {"policy": policies, "sweep": sweep}, "test")
    assert declared_values(experiment) == declared


def test_the_first_line_that_plans_runs_says_it(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    sweep = {"strategy": "optuna(trials=2)", "space": {"policy.peak": "log_uniform(low=1e-4, high=0.3)"}}
    experiment = DIGITS | {"policy": ["cosine"], "train": {"epochs": 1, "batch_size": 50}, "sweep": sweep}
    list(tune(to_record(Experiment, experiment, "test"), tmp_path / "pool", execution="one-by-one"))
    lines = [json.loads(line) for line in (tmp_path / "pool" / "progress.jsonl").read_text().splitlines()]
    declared = [line.get("declared") for line in lines if line["event"] == "planned"]
    assert declared == [{"policy.peak": [1e-4, 0.3]}, None], "two rounds"
