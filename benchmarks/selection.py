"""Selection against what published tools do, on the same arrays in the same run.

Exhaustive search has two yardsticks, each timed on 200 teams, and multiplied: what EnsembleBench does for every team,
namely stack all members' predictions, average the team's, take the likeliest class, compare with the labels, in torch;
and the plain `P[team].mean(0).argmax(1)` in numpy. Greedy NLL has two as well: ten lines of numpy over what members
give the label, and the reading of that alone from the predictions in memory. That of other greedy
search is `EnsembleSelection` of autogluon.core 1.6.3, run by an interpreter of its own (`--autogluon PYTHON`) on the
same arrays. Ours is the median of later calls, each on a pool that nobody has looked at yet; the first call, which also
compiles, stands beside it. Every row runs in a fresh process with an empty compilation cache of its own, whose peak of
memory is the last column.

    python -m benchmarks.selection [--rows NAME …] [--autogluon PYTHON] [--pool FOLDER] [--save FILE]
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from benchmarks.autogluon_yardstick import greedy_by_autogluon
from benchmarks.measure import alone, median_seconds, median_seconds_on_fresh, seconds, show
from benchmarks.pools import SEED, log_softmax, published_pool, streamed_pool, synthetic_pool
from benchmarks.yardsticks import of_label, plain_mean, team_by_team, ten_lines

from lrensemble.metrics.diversity import all_teams_focal
from lrensemble.select import Selection, Validation, select
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.targets import Labels

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
    """Seconds, of EnsembleBench's own way or of AutoGluon."""
    plain: float | None = None
    """Seconds, of the plain way in numpy."""
    wanted: str = ""
    note: str = ""


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
    plain = plain_mean(validation) * teams if against else None
    return Result(first, median, teams, yardstick, plain, wanted)


def few_members(members: int, largest: int, labels_only: bool, wanted: str) -> Result:
    """Exhaustive search bounded in size, over probabilities or over labels."""
    validation = synthetic_pool(members, 10, 0.95)
    if labels_only:
        voted = [Labels(one.argmax(axis=1).astype(np.uint8)) for one in validation.predictions]
        validation = Validation(voted, validation.truth)
    teams = sum(math.comb(members, size) for size in range(1, largest + 1))

    def ours(given: Validation) -> Selection:
        return select(given, f"brute_force(max_size={largest}, limit={teams})", metric="accuracy")

    first = seconds(partial(ours, validation))
    median = median_seconds_on_fresh(ours, partial(replace, validation), 5)
    return Result(first, median, teams, None, plain_mean(validation, largest) * teams, wanted)


def greedy_nll_on_its_own(classes: int) -> Result:
    """Greedy NLL against ten lines of numpy, and against reading what members give the label from memory."""
    validation = synthetic_pool(128, classes, 0.78)

    def ours(given: Validation) -> Selection:
        return select(given, "greedy(size=25, bootstrap=0)", metric="nll")

    first = seconds(partial(ours, validation))
    median = median_seconds_on_fresh(ours, partial(_unread, validation), 5)
    plain = median_seconds(partial(ten_lines, validation), 5)
    reading = median_seconds(partial(of_label, validation), 5)
    return Result(first, median, 1, None, plain, "ten lines; 3 readings", f"{median / reading:.1f} readings")


def _unread(validation: Validation) -> Validation:
    """The same, with nothing kept and no second check."""
    fresh = copy(validation)
    object.__setattr__(fresh, "_shared", {})
    return fresh


def greedy_accuracy_by_classes(classes: int, rows: int) -> Result:
    """Nanoseconds of greedy accuracy for a member, row and addition, without the reading, which comes first."""
    validation = synthetic_pool(128, classes, 0.78, rows)
    start = time.perf_counter()
    columns = contested_columns(validation, "mean")
    reading = time.perf_counter() - start

    def ours() -> None:
        select(validation, "greedy(size=25, bootstrap=0)", metric="accuracy")

    first, median = seconds(ours), median_seconds(ours, 5)
    each = median / (128 * rows * 25) * 1e9
    note = f"{each:.1f} ns for each member, row and addition; {len(columns.rival) / rows:.1f} columns a row"
    return Result(first, median, 1, None, None, "by columns", f"{note}; read in {reading:.2f} s")


def tiny() -> Result:
    """Greedy accuracy on four members and 120 rows: no compiler, no threads; processor time."""
    generator = np.random.default_rng(SEED)
    logits = generator.normal(size=(4, 120, 3)).astype(np.float32)
    validation = Validation(log_softmax(logits), generator.integers(3, size=120))
    start = time.process_time()
    first = seconds(lambda: select(validation, metric="accuracy"))
    spent = time.process_time() - start
    median = median_seconds_on_fresh(lambda given: select(given, metric="accuracy"), partial(replace, validation), 5)
    return Result(first, median, 1, None, None, "", f"{spent:.2f} processor seconds with the first call")


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
    return Result(
        first, median, 1, theirs.seconds, None, wanted, f"{same}; score {found[0].score:.6f} against {score:.6f}"
    )


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
    return Result(first, median_seconds(ours, 5), 2**16 - 1 - 16, stated, None, wanted, "yardstick stated, not run")


def large(metric: str, members: int, rows: int, classes: int, wanted: str, folder: Path) -> Result:
    """Greedy search over a pool in float16 that is larger than memory should be."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        validation = streamed_pool(Path(scratch) / "pool.f16", members, rows, classes, 0.78)
        first = seconds(lambda: select(validation, "greedy(size=25, bootstrap=0)", metric=metric))
    return Result(first, first, 1, None, None, wanted, f"{members * rows * classes * 2 / 1e9:.1f} GB on disk")


def work(python: Path | None, pool: Path | None, scratch: Path) -> dict[str, tuple[str, Callable[[], Result]]]:
    """All rows by their names: what is done, and the function that does it."""
    rows: dict[str, tuple[str, Callable[[], Result]]] = {
        "16x10": ("accuracy of all teams of 16, 10 classes", partial(every_team, 16, 10, 0.95, 5, "1,000 times", True)),
        "16x100": ("the same, 100 classes", partial(every_team, 16, 100, 0.78, 5, "4,000 times", True)),
        "16-nll": ("NLL of all teams of 16, 10 classes", partial(every_team, 16, 10, 0.95, 5, "", False, "nll")),
        "20x10": ("accuracy, 20 members", partial(every_team, 20, 10, 0.95, 5, "2 s a million", True)),
        "24x10": ("accuracy, 24 members", partial(every_team, 24, 10, 0.95, 1, "as fast, 1 GiB", False)),
        "24-nll": ("NLL of all teams of 24", partial(every_team, 24, 10, 0.95, 1, "6 s", False, "nll")),
        "25-few": ("accuracy, 25 members, up to 4", partial(few_members, 25, 4, False, "a million a second")),
        "30-labels": (
            "the same, 30 members of labels, up to 5",
            partial(few_members, 30, 5, True, "a million a second"),
        ),
        "numpy-100": ("greedy NLL, 128 members, 100 classes", partial(greedy_nll_on_its_own, 100)),
        "numpy-1000": ("the same, 1,000 classes", partial(greedy_nll_on_its_own, 1000)),
        "columns-10": ("greedy accuracy, 128 members, 10 classes", partial(greedy_accuracy_by_classes, 10, 10_000)),
        "columns-100": ("the same, 100 classes", partial(greedy_accuracy_by_classes, 100, 10_000)),
        "columns-1000": ("the same, 1,000 classes, 2,000 rows", partial(greedy_accuracy_by_classes, 1000, 2000)),
        "tiny": ("greedy accuracy, 4 members, 120 rows", tiny),
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
        "" if result.plain is None else f"{result.plain:,.1f} s",
        "" if result.plain is None else f"{result.plain / result.median:,.1f}",
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
    headings = (
        "work",
        "first call",
        "median",
        "teams/s",
        "yardstick",
        "times",
        "plain numpy",
        "times",
        "wanted",
        "peak MiB",
        "note",
    )
    show("Selection: exact, on 10,000 rows unless said otherwise", headings, table, asked.save)


if __name__ == "__main__":
    main()
