"""Exhaustive selection against scoring team by team, on the same arrays in the same run.

The yardstick is what published tools do for every team: stack its members' predictions, average them, take the
likeliest class, compare with the labels, in torch. It is timed on 200 teams and multiplied. Ours is the second call:
the first also compiles (once per machine, then cached), and stands beside it.

    python benchmarks/selection.py [--members 16 20]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from lrensemble.environment import environment
from lrensemble.select import Validation, select

ROWS = 10_000
SEED = 0
YARDSTICK_TEAMS = 200
REPEATS = 3


def synthetic_pool(members: int, classes: int, accuracy: float) -> Validation:
    """Members that are right on about the same rows: a row's difficulty is common, the rest is their own."""
    generator = np.random.default_rng(SEED)
    labels = generator.integers(classes, size=ROWS)
    logits = generator.normal(size=(1, ROWS, classes)) * 1.5 + generator.normal(size=(members, ROWS, classes))
    # The bonus of the label that gives the members the accuracy, found by halving on the first member.
    low, high = 0.0, 50.0
    for _ in range(30):
        bonus = (low + high) / 2
        raised = logits[0].copy()
        raised[np.arange(ROWS), labels] += bonus
        low, high = (bonus, high) if np.mean(raised.argmax(axis=1) == labels) < accuracy else (low, bonus)
    logits[:, np.arange(ROWS), labels] += low
    log_probs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    return Validation(log_probs.astype(np.float32), labels)


def seconds(action: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def team_by_team(validation: Validation) -> float:
    """Seconds for one team, the median over teams of random size."""
    probs = torch.from_numpy(np.exp(validation.log_probs))
    labels = torch.from_numpy(validation.labels)
    generator = np.random.default_rng(SEED)

    def score(team: list[int]) -> float:
        stacked = torch.stack(list(probs))
        predicted = stacked[team].mean(dim=0).argmax(dim=1)
        return float((predicted == labels).float().mean())

    masks = generator.random((YARDSTICK_TEAMS, validation.members)) < 0.5
    teams = [np.flatnonzero(mask).tolist() or [0] for mask in masks]
    return statistics.median(seconds(lambda team=team: score(team)) for team in teams)  # type: ignore[misc]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[16, 20])
    sizes = parser.parse_args().members
    console = Console()
    made = environment()
    console.print(f"{made['processor']}, {made['cores']} cores; Python {made['python']}, torch {made['torch']}")
    table = Table("members", "classes", "teams", "first call", "median", "teams / s", "one by one", "times", box=None)
    for members in sizes:
        for classes, accuracy in ((10, 0.95), (100, 0.78)):
            if members > 20 and classes > 10:
                continue
            validation = synthetic_pool(members, classes, accuracy)
            yardstick = team_by_team(validation)

            def ours(validation: Validation = validation, limit: int = 2**members) -> object:
                return select(validation, f"brute_force(limit={limit})", metric="accuracy")

            first = seconds(ours)
            median = statistics.median(seconds(ours) for _ in range(REPEATS))
            teams = 2**members - 1
            table.add_row(
                str(members),
                str(classes),
                f"{teams:,}",
                f"{first:.2f} s",
                f"{median:.3f} s",
                f"{teams / median:,.0f}",
                f"{yardstick * teams:,.0f} s",
                f"{yardstick * teams / median:,.0f}",
            )
    console.print(table)


if __name__ == "__main__":
    main()
