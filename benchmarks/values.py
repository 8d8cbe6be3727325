"""Selection of members that give numbers: against AutoGluon, scipy and the definition, and intervals that should hold.

Every team's squared error comes from the Gram matrix of the members' residuals, [member, member]: once it is made, no
team costs more for more rows. The pools are made from recorded seeds. AutoGluon runs in an interpreter of its own.

    python -m benchmarks.values [--autogluon PYTHON] [--save FILE]
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import scipy.optimize
from benchmarks.autogluon_yardstick import greedy_by_autogluon
from benchmarks.measure import median_seconds_on_fresh, seconds, show
from numpy.typing import NDArray

from lrensemble.consensus import combine
from lrensemble.metrics import METRICS
from lrensemble.select import Validation, select, team_table

POOLS = 10
SIZE = 25


def pool(members: int, rows: int, seed: int, outputs: int = 1) -> Validation:
    """Members of different skill whose errors are partly shared."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=(rows, outputs)) * 3 + 10
    shared = generator.normal(size=(1, rows, outputs))
    own = generator.normal(size=(members, rows, outputs)) * generator.uniform(0.5, 1.5, size=(members, 1, 1))
    return Validation(truth + 0.5 * (shared + own), truth)


def every_team(members: int, rows: int) -> list[str]:
    """The mean squared error of all teams, and what the plain mean and square cost a team."""
    validation = pool(members, rows, seed=0)
    said, truth = validation.predictions, validation.truth
    ours = median_seconds_on_fresh(lambda given: team_table(given, metric="mse"), partial(pool, members, rows, 0), 3)
    teams = [np.flatnonzero(row) for row in np.random.default_rng(1).integers(2, size=(50, members)) if row.any()]
    plain = seconds(lambda: [np.square(said[team].mean(axis=0) - truth).mean() for team in teams]) / len(teams)
    count = 2**members - 1
    return [
        f"all teams of {members}, {rows:,} rows",
        f"{ours:.2f} s",
        f"{count / ours:,.0f} teams/s",
        f"{plain * count / ours:,.0f} times the plain mean and square",
    ]


def against_autogluon(python: Path) -> list[str]:
    """Greedy's weights beside those of AutoGluon's `EnsembleSelection` with `mean_squared_error`."""
    same, times = 0, []
    for seed in range(POOLS):
        validation = pool(20 + seed, 300 + 100 * seed, seed)
        found = select(validation, f"greedy(size={SIZE}, bootstrap=0, prune=False)", metric="mse")
        weights = np.zeros(validation.members)
        weights[list(found.team)] = found.weights
        theirs = greedy_by_autogluon(python, validation, "mse", SIZE)
        same += bool(np.allclose(weights, theirs.weights, atol=1e-12))
        times.append(theirs.seconds / found.seconds)
    return [
        f"greedy of {SIZE} on {POOLS} pools",
        f"{same} of {POOLS} with AutoGluon's weights",
        "",
        f"{np.median(times):,.0f} times AutoGluon",
    ]


def against_scipy() -> list[str]:
    """The simplex's loss beside the optimum of scipy's sequential quadratic programming."""
    worst = 0.0
    for seed in range(POOLS):
        validation = pool(12, 400, seed)
        gram = _gram(validation)
        expected = scipy.optimize.minimize(  # type: ignore[call-overload]
            lambda weights, gram: weights @ gram @ weights,
            np.full(12, 1 / 12),
            args=(gram,),
            jac=lambda weights, gram: 2 * gram @ weights,
            bounds=[(0, 1)] * 12,
            constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
            method="SLSQP",
            options={"ftol": 1e-16, "maxiter": 1000},
        )
        worst = max(worst, -select(validation, "simplex(least_weight=0)").score - expected.fun)
    return [f"simplex on {POOLS} pools", f"at most {worst:.1e} above scipy's optimum", "", ""]


def _gram(validation: Validation) -> NDArray[np.float64]:
    errors = (validation.predictions - validation.truth).reshape(validation.members, -1)
    return np.asarray(errors @ errors.T / validation.truth.size)


def coverage_of_mixture(rows: int = 100_000, members: int = 8) -> list[str]:
    """Share of truths inside 90 % intervals of the moment-matched mixture, where the noise is known.

    The truth is normal with standard deviation 1 around a centre; members know the noise, and each misses the centre by
    a normal error of standard deviation 0.5 of its own.
    """
    generator = np.random.default_rng(0)
    centre = generator.normal(size=(rows, 1))
    truth = centre + generator.normal(size=(rows, 1))
    means = centre + 0.5 * generator.normal(size=(members, rows, 1))
    said = np.concatenate([means, np.ones_like(means)], axis=2)
    mixture = combine("mixture", said)
    held = METRICS.call("coverage(level=0.9)", mixture, truth)
    return ["90 % intervals of a mixture of 8, known noise", f"{100 * held:.1f} % of {rows:,} truths inside", "", ""]


def main() -> None:
    """Run all rows, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--autogluon", type=Path, help="an interpreter that has autogluon.core")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    rows = [every_team(24, 1_000), every_team(24, 100_000), against_scipy(), coverage_of_mixture()]
    if asked.autogluon:
        rows.append(against_autogluon(asked.autogluon))
    show("Selection of values", ("work", "found", "speed", "against"), rows, asked.save)


if __name__ == "__main__":
    main()
