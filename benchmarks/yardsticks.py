"""What selection is measured against: EnsembleBench's way, and the plain ones that anybody would write in numpy."""

from __future__ import annotations

import statistics
from functools import partial

import numpy as np
from benchmarks.measure import seconds
from benchmarks.pools import SEED
from numpy.typing import NDArray

from lrensemble.select import Validation

YARDSTICK_TEAMS = 200


def team_by_team(validation: Validation) -> float:
    """Seconds for one team, the median over teams of random size."""
    import torch

    probs = torch.from_numpy(np.exp(validation.predictions))
    labels = torch.from_numpy(validation.truth)
    generator = np.random.default_rng(SEED)

    def score(team: list[int]) -> float:
        stacked = torch.stack(list(probs))
        predicted = stacked[team].mean(dim=0).argmax(dim=1)
        return float((predicted == labels).float().mean())

    return statistics.median(seconds(partial(score, team)) for team in random_teams(validation.members, generator))


def plain_mean(validation: Validation, size: int | None = None) -> float:
    """Seconds for one team by `P[team].mean(0).argmax(1)`, the median over teams of random size, or of one size."""
    probs, labels = validation.probs, validation.truth
    teams = random_teams(validation.members, np.random.default_rng(SEED), size)

    def score(team: list[int]) -> float:
        return float((probs[team].mean(0).argmax(1) == labels).mean())

    return statistics.median(seconds(partial(score, team)) for team in teams)


def random_teams(members: int, generator: np.random.Generator, size: int | None = None) -> list[list[int]]:
    """Teams drawn at random, of one size or of any."""
    if size is not None:
        return [sorted(generator.choice(members, size, replace=False).tolist()) for _ in range(YARDSTICK_TEAMS)]
    masks = generator.random((YARDSTICK_TEAMS, members)) < 0.5
    return [np.flatnonzero(mask).tolist() or [0] for mask in masks]


def of_label(validation: Validation) -> NDArray[np.floating]:
    """[member, sample] what members give the label, as it is stored."""
    found: NDArray[np.floating] = validation.predictions[:, np.arange(len(validation.truth)), validation.truth]
    return found


def ten_lines(validation: Validation) -> NDArray[np.float64]:
    """[member] how often greedy NLL takes each, with 25 additions, as anybody would write it."""
    likelihoods = np.exp(of_label(validation).astype(np.float64))
    total, counts, best, kept = np.zeros(likelihoods.shape[1]), np.zeros(len(likelihoods)), -np.inf, np.zeros(0)
    for step in range(25):
        scores = np.log(np.maximum((total + likelihoods) / (step + 1), 2.2e-16)).mean(axis=1)
        chosen = int(scores.argmax())
        total += likelihoods[chosen]
        counts[chosen] += 1
        if scores[chosen] > best:
            best, kept = float(scores[chosen]), counts.copy()
    return kept
