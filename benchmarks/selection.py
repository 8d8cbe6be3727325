"""Selection against what published tools do, on the same arrays in the same run.

The yardstick of exhaustive search is what EnsembleBench does for every team: stack its members' predictions, average
them, take the likeliest class, compare with the labels, in torch; timed on 200 teams, and multiplied. That of greedy
search is `EnsembleSelection` of autogluon.core 1.6.3, run by an interpreter of its own (`--autogluon PYTHON`) on the
same arrays. Ours is the median of later calls, each on a pool that nobody has looked at yet; the first call, which also
compiles, stands beside it. Every row runs in a fresh process with an empty compilation cache of its own, whose peak of
memory is the last column.

    python -m benchmarks.selection [--rows NAME …] [--autogluon PYTHON] [--pool FOLDER] [--save FILE]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from benchmarks.autogluon_yardstick import greedy_by_autogluon
from benchmarks.measure import alone, median_seconds, median_seconds_on_fresh, seconds, show
from benchmarks.pools import SEED, published_pool, streamed_pool, synthetic_pool

from lrensemble.metrics.diversity import all_teams_focal
from lrensemble.select import Selection, Validation, select

YARDSTICK_TEAMS = 200
ENSEMBLEBENCH_SECONDS = 0.040
"""Of one team, focal member and draw of 100 rows in EnsembleBench, as its authors' notebooks need: stated, not run."""

SIX_MEASURES = (
    "cohen_kappa",
    "q_statistic",
    "binary_disagreement",
    "fleiss_kappa",
    "kohavi_wolpert",
    "generalized_diversity",
)


@dataclass(frozen=True)
class Result:
    """One row of the table."""

    first: float
    """Seconds of the first call, compilation included."""
    median: float
    """Seconds."""
    count: int = 1
    """Teams."""
    yardstick: float | None = None
    """Seconds."""
    wanted: str = ""
    note: str = ""


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

    masks = generator.random((YARDSTICK_TEAMS, validation.members)) < 0.5
    teams = [np.flatnonzero(mask).tolist() or [0] for mask in masks]
    return statistics.median(seconds(partial(score, team)) for team in teams)


def every_team(
    members: int, classes: int, accuracy: float, repeats: int, wanted: str, against: bool, metric: str = "accuracy"
) -> Result:
    """Exhaustive search over a synthetic pool."""
    return _exhaustive(synthetic_pool(members, classes, accuracy), repeats, wanted, against, metric)


def every_team_of_published(folder: Path, repeats: int) -> Result:
    """Exhaustive search over eight published models."""
    return _exhaustive(published_pool(folder), repeats, "", True, "accuracy")


def _exhaustive(validation: Validation, repeats: int, wanted: str, against: bool, metric: str) -> Result:
    teams = 2**validation.members - 1

    def ours(given: Validation) -> Selection:
        return select(given, f"brute_force(limit={teams})", metric=metric)

    first = seconds(partial(ours, validation))
    median = median_seconds_on_fresh(ours, partial(replace, validation), repeats) if repeats else first
    yardstick = team_by_team(validation) * teams if against else None
    return Result(first, median, teams, yardstick, wanted)


def greedy(metric: str, wanted: str, python: Path) -> Result:
    """Greedy search, 25 steps, 128 members, 100 classes, against AutoGluon."""
    validation = synthetic_pool(128, 100, 0.78)
    found: list[Selection] = []

    def ours(given: Validation) -> None:
        found.append(select(given, "greedy(size=25, bootstrap=0)", metric=metric))

    first = seconds(partial(ours, validation))
    median = median_seconds_on_fresh(ours, partial(replace, validation), 5)
    theirs = greedy_by_autogluon(python, validation, metric, 25)
    weights = np.zeros(validation.members)
    weights[list(found[0].team)] = found[0].weights
    same = "identical weights" if np.allclose(weights, theirs.weights, atol=1e-12) else "weights differ"
    score = theirs.score_of(validation, metric)
    return Result(first, median, 1, theirs.seconds, wanted, f"{same}; score {found[0].score:.6f} against {score:.6f}")


def focal_measures(wanted: str) -> Result:
    """Six focal measures of all teams of 16."""
    validation = synthetic_pool(16, 10, 0.95)

    def ours() -> None:
        predicted = validation.predictions.argmax(axis=2)
        for measure in SIX_MEASURES:
            all_teams_focal(measure, predicted, validation.truth)

    first = seconds(ours)
    focal_members = 16 * 2**15
    stated = ENSEMBLEBENCH_SECONDS * focal_members * len(SIX_MEASURES)
    return Result(first, median_seconds(ours, 5), 2**16 - 1 - 16, stated, wanted, "yardstick stated, not run")


def large(metric: str, members: int, rows: int, classes: int, wanted: str, folder: Path) -> Result:
    """Greedy search over a pool in float16 that is larger than memory should be."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        validation = streamed_pool(Path(scratch) / "pool.f16", members, rows, classes, 0.78)
        first = seconds(lambda: select(validation, "greedy(size=25, bootstrap=0)", metric=metric))
    return Result(first, first, 1, None, wanted, f"{members * rows * classes * 2 / 1e9:.1f} GB on disk")


def work(python: Path | None, pool: Path | None, scratch: Path) -> dict[str, tuple[str, Callable[[], Result]]]:
    """All rows by their names: what is done, and the function that does it."""
    rows: dict[str, tuple[str, Callable[[], Result]]] = {
        "16x10": ("accuracy of all teams of 16, 10 classes", partial(every_team, 16, 10, 0.95, 5, "1,000 times", True)),
        "16x100": ("the same, 100 classes", partial(every_team, 16, 100, 0.78, 5, "4,000 times", True)),
        "16-nll": ("NLL of all teams of 16, 10 classes", partial(every_team, 16, 10, 0.95, 5, "", False, "nll")),
        "20x10": ("accuracy, 20 members", partial(every_team, 20, 10, 0.95, 5, "2 s a million", True)),
        "24x10": ("accuracy, 24 members", partial(every_team, 24, 10, 0.95, 1, "as fast, 1 GiB", False)),
        "28x10": ("accuracy, 28 members", partial(every_team, 28, 10, 0.95, 0, "minutes", False)),
        "focal": ("six focal measures of all teams of 16", partial(focal_measures, "5 s")),
        "large-nll": ("greedy NLL, float16, memory-mapped", partial(large, "nll", 128, 50_000, 1000, "4 GiB", scratch)),
        "large-accuracy": (
            "greedy accuracy, the same",
            partial(large, "accuracy", 128, 50_000, 1000, "4 GiB", scratch),
        ),
    }
    if pool:
        rows["published"] = ("accuracy of all teams of 8 published", partial(every_team_of_published, pool, 5))
    if python:
        rows["greedy-accuracy"] = (
            "greedy accuracy, 128 members, 100 classes",
            partial(greedy, "accuracy", "30 times", python),
        )
        rows["greedy-nll"] = ("greedy NLL, 128 members, 100 classes", partial(greedy, "nll", "400 times", python))
    return rows


def cells(name: str, result: Result, peak: float) -> tuple[str, ...]:
    """A row as text."""
    against = result.yardstick
    return (
        name,
        f"{result.first:.2f} s",
        f"{result.median:.3f} s",
        f"{result.count / result.median:,.0f}" if result.count > 1 else "",
        "" if against is None else f"{against:,.1f} s",
        "" if against is None else f"{against / result.median:,.0f}",
        result.wanted,
        f"{peak:,.0f}",
        result.note,
    )


def main() -> None:
    """Run the rows asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", help="names of rows; all unless given")
    parser.add_argument("--autogluon", type=Path, help="an interpreter that has autogluon.core")
    parser.add_argument("--pool", type=Path, help="folder of the published models' logits")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()), help="where 13 GB are free")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    rows = work(asked.autogluon, asked.pool, asked.scratch)
    table = []
    for name in asked.rows or rows:
        title, action = rows[name]
        with tempfile.TemporaryDirectory() as cache:  # so that the first call compiles
            os.environ["NUMBA_CACHE_DIR"] = cache
            result, peak = alone(action)
        table.append(cells(title, result, peak))
    headings = ("work", "first call", "median", "teams/s", "yardstick", "times", "wanted", "peak MiB", "note")
    show("Selection: exact, on 10,000 rows unless said otherwise", headings, table, asked.save)


if __name__ == "__main__":
    main()
