"""Do the two intervals of a study hold what they say, and does a claim keep its level?

Differences of two pools are drawn from a model with effects of rows, of replicates and of both together. The interval
over rows must hold the mean over all rows of these replicates; the one over replicates the mean over all replicates on
these rows; the one over both, by which differences are called reliable, the mean over all rows and all replicates.

    python -m benchmarks.study_intervals [--draws 2000] [--save FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.measure import show

from lrensemble.evaluate.study.findings.differences import Paired, differences
from lrensemble.evaluate.study.findings.reader import Measured
from lrensemble.metrics.significance.influence import Rows

ROWS = 500
REPLICATES = (2, 3, 5, 10)
POOLS = (1, 4)
"""Numbers of pools that are compared with the reference in one table."""


@dataclass(frozen=True)
class Model:
    """Standard deviations of the parts of a row's difference, in nats."""

    of_rows: float
    of_replicates: float
    of_both: float


MODELS = {
    "rows and replicates": Model(0.5, 0.02, 0.5),
    "both alike": Model(0.5, 0.05, 0.2),
    "rows alone": Model(0.5, 0.0, 0.5),
    "replicates alone": Model(0.02, 0.05, 0.2),
}


@dataclass(frozen=True)
class Coverage:
    """Shares of tables in which all intervals hold; false claims are the rest of the last."""

    rows: float
    replicates: float
    both: float


def coverage(model: Model, replicates: int, pools: int, draws: int, seed: int = 0) -> Coverage:
    """Simulate tables of pools that do not differ from the reference."""
    generator, found = np.random.default_rng(seed), list[tuple[bool, bool, bool]]()
    for _ in range(draws):
        rows = model.of_rows * generator.normal(size=(pools, 1, ROWS))
        means = model.of_replicates * generator.normal(size=(pools, replicates, 1))
        drawn = rows + means + model.of_both * generator.normal(size=(pools, replicates, ROWS))
        found.append(_holds(drawn, means[..., 0].mean(axis=1), rows[:, 0].mean(axis=1)))
    return Coverage(*(float(np.mean(column)) for column in zip(*found, strict=True)))


def _holds(drawn: np.ndarray, of_replicates: np.ndarray, of_rows: np.ndarray) -> tuple[bool, bool, bool]:
    """Whether all intervals of a table hold: over rows, over replicates, over both.

    Args:
        drawn: [pool, replicate, row] differences, positive in favour of the pool.
        of_replicates: [pool] true mean over all rows of these replicates.
        of_rows: [pool] true mean over all replicates on these rows.
    """
    none = Measured({"nll": 0.0}, {"nll": np.zeros(drawn.shape[2])})
    pairs = {
        pool: Paired([Measured({"nll": float(-one.mean())}, {"nll": -one}) for one in own], [none] * len(own))
        for pool, own in enumerate(drawn)
    }
    table = differences("nll", pairs, Rows(np.zeros(drawn.shape[2], dtype=np.int64)))
    rows = [(one.rows.adjusted_low, of_replicates[pool], one.rows.adjusted_high) for pool, one in table.items()]
    replicates = [
        (one.replicates.adjusted_low, of_rows[pool], one.replicates.adjusted_high)
        for pool, one in table.items()
        if one.replicates is not None
    ]
    both = [(one.low, 0.0, one.high) for one in table.values()]
    return _all_hold(rows), _all_hold(replicates), _all_hold(both)


def _all_hold(ends: list[tuple[float, float, float]] | list[tuple[float | None, float, float | None]]) -> bool:
    return all(low is not None and high is not None and low <= true <= high for low, true, high in ends)


def lines(draws: int) -> Iterator[tuple[str, ...]]:
    """Coverage of the three intervals, by model and number of replicates and pools."""
    for name, model in MODELS.items():
        for pools in POOLS:
            for replicates in REPLICATES:
                found = coverage(model, replicates, pools, draws)
                shares = (f"{share:.3f}" for share in (found.rows, found.replicates, found.both))
                yield (name, str(pools), str(replicates), *shares)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    columns = ("what varies", "pools", "replicates", "over rows", "over replicates", "over both")
    show(
        f"Intervals of a study, {ROWS} rows, {given.draws:,} simulated tables: share that holds, 0.95 or more",
        columns,
        list(lines(given.draws)),
        save=given.save,
    )


if __name__ == "__main__":
    main()
