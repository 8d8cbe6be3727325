"""What a cascade gives and takes: found on `val`, measured on `test`, for several teams of a pool and several wishes.

The cost is the mean number of operations a row, as a share of the whole team's. Where the data are given, both are also
timed on the test rows, in blocks as they predict.

    python -m benchmarks.cascade --pool POOL [--data FOLDER] [--save FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from benchmarks.measure import median_seconds, show
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.data import Dataset, of_recipe
from lrensemble.errors import ExportError
from lrensemble.export import Ensemble, cascade, chosen_team, ensemble_of, measure
from lrensemble.export.variants import best_recipe
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool

METHODS = ("greedy", "brute_force", "all")
REPEATS = 5


def wishes(ensemble: Ensemble, pool: Pool) -> dict[str, dict[str, float]]:
    """What is asked for, by its name in the table."""
    whole = cascade(ensemble, pool).expected.team_accuracy
    return {
        "half of the cost (the default)": {},
        "a quarter of the cost": {"cost": 0.25},
        "the team's accuracy on val": {"accuracy": whole},
    }


def lines(pool: Pool, method: str, data: Path | None) -> list[tuple[str, ...]]:
    """A line for each wish."""
    ensemble = ensemble_of(pool, chosen_team(pool, method))
    inputs, labels = _test_rows(of_recipe(best_recipe(pool, ensemble), data)) if data else (None, None)
    whole = median_seconds(lambda: ensemble.predict_proba(inputs), REPEATS) if inputs is not None else 0.0
    found: list[tuple[str, ...]] = []
    for wish, given in wishes(ensemble, pool).items():
        try:
            made = cascade(ensemble, pool, **given)
        except ExportError:  # one member of three costs a third
            found.append((f"{method}, {len(ensemble.members)}", wish, *("not possible",) * 8))
            continue
        measured = measure(made.ensemble, pool)
        time = ""
        if inputs is not None and labels is not None:
            ran = METRICS.call("accuracy", made.ensemble.predict_proba(inputs), labels)
            if abs(ran - measured.accuracy) > 1 / len(labels):  # a row may stand on a threshold's last bit
                raise SystemExit(f"running it gives {ran}, and its members' predictions {measured.accuracy}")
            seconds = median_seconds(lambda made=made: made.ensemble.predict_proba(inputs), REPEATS)  # type: ignore[misc]
            time = f"{seconds:.2f} of {whole:.2f}"
        found.append(
            (
                f"{method}, {len(ensemble.members)}",
                wish,
                f"{100 * made.expected.accuracy:.2f} ({100 * made.expected.team_accuracy:.2f})",
                f"{100 * made.expected.cost:.1f} %",
                f"{100 * measured.accuracy:.2f} ({100 * measured.team_accuracy:.2f})",
                f"{100 * (measured.accuracy - measured.team_accuracy):+.2f}",
                f"{100 * measured.cost:.1f} %",
                f"{100 * measured.agreement:.2f} %",
                time,
                "yes" if measured.reaches_team else "no",
            )
        )
    return found


def _test_rows(dataset: Dataset) -> tuple[Tensor, NDArray[np.int64]]:
    rows = dataset.rows["test"]
    return dataset.raw(rows), dataset.truth[rows].cpu().numpy()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, required=True, help="with teams chosen by `lrensemble select`")
    parser.add_argument("--data", type=Path, help="folder of the data set's files; both are then timed")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    pool = Pool.open(asked.pool)
    table = [line for method in METHODS for line in lines(pool, method, asked.data)]
    headings = (
        "team, size",
        "wish",
        "val accuracy (team)",
        "expected cost",
        "test accuracy (team)",
        "difference",
        "measured cost",
        "same label as the team",
        "seconds, test rows",
        "within 0.1 points at half the cost",
    )
    title = f"Cascades on {pool.task.name}, found on val and measured on test (python -m benchmarks.cascade)"
    show(title, headings, table, asked.save)


if __name__ == "__main__":
    main()
