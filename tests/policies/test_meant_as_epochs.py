"""Whole numbers that can only be meant as epochs are told in one line; what may be steps is not."""

import logging
import re
from pathlib import Path

import pytest

from lrensemble.config import Experiment, to_record
from lrensemble.policies import POLICIES
from lrensemble.policies.epochs import beyond_the_end, meant_as_epochs
from lrensemble.spec import to_spec
from lrensemble.train import tune

EPOCHS, TOTAL = 10, 330


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "multi_step(peak=0.1, milestones=[3, 6, 8])",
            "policy multi_step: milestones = [3, 6, 8] are steps, of which the run has 330, 33 an epoch; "
            'for epochs write milestones = ["3 epochs", "6 epochs", "8 epochs"]',
        ),
        ("step(peak=0.1, every=3)", 'policy step: every = 3 are steps, .*; for epochs write every = "3 epochs"'),
        ("cosine_restarts(peak=0.1, period=10)", "policy cosine_restarts: period = 10 are steps"),
        ("polynomial(peak=0.1, decay=9)", "policy polynomial: decay = 9 are steps"),
        ("multi_step(peak=0.1, milestones=[1, 8])", r'milestones = \["1 epoch", "8 epochs"\]'),
        ("warmup(policy=step(peak=0.1, every=3), steps=0.1)", "policy step: every = 3 are steps"),
        ("join(pieces=['step(peak=0.1, every=3)', cosine(peak=1)], boundaries=[0.5])", "policy step: every = 3"),
        ("warmup(policy=cosine(peak=0.1), steps=5)", "policy warmup: steps = 5 are steps"),
    ],
)
def test_what_can_only_be_epochs(text: str, line: str) -> None:
    (found,) = meant_as_epochs(to_spec(text), EPOCHS, TOTAL)
    assert found == line or re.search(line, found)


@pytest.mark.parametrize(
    "text",
    [
        "multi_step(peak=0.1, milestones=[99, 198])",
        "multi_step(peak=0.1, milestones=[3, 0.5])",
        "multi_step(peak=0.1, milestones=[3, 200])",
        "multi_step(peak=0.1, milestones=['3 epochs'])",
        "step(peak=0.1, every=11)",
        "step(peak=0.1, every=1)",
        "cosine_restarts(peak=0.1, period=33, growth=2)",
        "repeat(policy=cosine(peak=0.1), times=3)",
        "one_cycle(peak=2)",
    ],
)
def test_what_may_be_steps_is_not_told(text: str) -> None:
    assert list(meant_as_epochs(to_spec(text), EPOCHS, TOTAL)) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("multi_step(peak=0.1, milestones=[331, 600])", "milestones = [331, 600]"),
        ("multi_step(peak=0.1, milestones=['11 epochs', '60 epochs'])", "milestones = [363, 1980]"),
        ("warmup(policy=step(peak=0.1, every=1000), steps=0.1)", "every = 1000"),
    ],
)
def test_what_a_run_never_comes_to_is_told(text: str, shown: str) -> None:
    (found,) = beyond_the_end(to_spec(text), EPOCHS, TOTAL)
    assert f": {shown} are steps, and the run ends after 330, 33 an epoch: it never comes so far" in found


@pytest.mark.parametrize(
    "text",
    [
        "multi_step(peak=0.1, milestones=[300, 600])",  # the first is reached
        "cosine_restarts(peak=0.1, period='10 epochs')",
        "polynomial(peak=0.1, decay=330)",
        "one_cycle(peak=2)",
    ],
)
def test_what_a_run_comes_to_is_not_told(text: str) -> None:
    assert list(beyond_the_end(to_spec(text), EPOCHS, TOTAL)) == []


def test_a_run_of_few_steps_has_no_such_numbers() -> None:
    assert list(meant_as_epochs(to_spec("multi_step(peak=0.1, milestones=[3, 6, 8])"), 10, 50)) == []


@pytest.mark.parametrize("name", list(POLICIES))
def test_no_example_is_doubted(name: str) -> None:
    assert list(meant_as_epochs(POLICIES.example(name), 5, 200)) == []


def test_a_sweep_tells_it_once_before_it_trains(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = {
        "data": "digits",
        "model": "mlp(width=7)",
        "policy": [
            {"name": "multi_step", "peak": [0.1, 0.2], "milestones": [2, 3]},
            {"name": "step", "peak": 0.1},
            {"name": "multi_step", "peak": 0.1, "milestones": ["2 epochs", "3 epochs"]},
        ],
        "train": {"epochs": 4, "batch_size": 10},
        "sweep": {"when": {"step": {"policy.every": [3, "2 epochs"]}}},
    }
    with caplog.at_level(logging.WARNING, "lrensemble"):
        tune(to_record(Experiment, content, "test"), tmp_path / "pool")
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition(" are")[0] for line in told] == [
        "policy multi_step: milestones = [2, 3]",
        "policy step: every = 3",
    ]
