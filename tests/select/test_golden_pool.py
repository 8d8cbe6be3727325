"""A real pool of eight published CIFAR-10 models: every team's accuracy as another program printed it."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

from lrensemble.select import Validation, select, team_score
from lrensemble.select.scoring.team_scores import team_scorer


@pytest.fixture(scope="module")
def validation(shared_data: Path) -> Validation:
    with np.load(shared_data / "pool-cifar10" / "cifar10_test_logits_8models.npz") as file:
        logits = file["logits"].astype(np.float64)
        return Validation(log_softmax(logits, axis=2).astype(np.float32), file["labels"].astype(np.int64))


def test_the_accuracy_of_all_teams_to_the_last_row(validation: Validation, shared_golden: Path) -> None:
    golden = json.loads((shared_golden / "ensemblebench_cifar10.json").read_text())
    expected = {tuple(team): round(percent * 100) for team, percent in golden["mean_probability_accuracy_percent"]}
    teams = [team for size in range(1, 9) for team in itertools.combinations(range(8), size)]
    assert set(expected) <= set(teams)
    weights = np.array([[float(member in team) for member in range(8)] for team in teams])
    right = np.round(team_scorer(validation, "accuracy", "mean")(weights) * 10_000).astype(int)
    found = dict(zip(teams, right.tolist(), strict=True))
    assert {team: found[team] for team in expected} == expected


def test_brute_force_finds_the_best_of_them(validation: Validation, shared_golden: Path) -> None:
    golden = json.loads((shared_golden / "ensemblebench_cifar10.json").read_text())
    best = max(percent for _, percent in golden["mean_probability_accuracy_percent"])
    found = select(validation, "brute_force", metric="accuracy")
    assert round(found.score * 10_000) == round(best * 100)
    assert found.score == team_score(validation, found.team, metric="accuracy")
