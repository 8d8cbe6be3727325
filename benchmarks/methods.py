"""What each method is worth on rows that it did not see, by how many rows it may choose on.

Rows of a pool are drawn for the choice, and the rest measures it, again and again: accuracy and NLL beyond those of the
best single member (chosen on the same rows), and the optimism of the score that the method itself aims at.

    python -m benchmarks.methods --pool FOLDER [--draws 20] [--save FILE]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.measure import show
from benchmarks.pools import SEED, published_pool

from lrensemble.consensus import combine
from lrensemble.metrics import METRICS, score
from lrensemble.select import Validation, fitted_consensus, select

METHODS = (
    ("best", "accuracy", "mean"),
    ("all", "nll", "mean"),
    ("top_k(k=3)", "nll", "mean"),
    ("greedy", "nll", "mean"),
    ("greedy(bootstrap=0)", "nll", "mean"),
    ("greedy(bootstrap=0)", "accuracy", "mean"),
    ("brute_force", "nll", "mean"),
    ("brute_force", "accuracy", "mean"),
    ("focal", "accuracy", "plurality"),
    ("simplex", "nll", "mean"),
    ("log_odds_weights", "accuracy", "plurality"),
    ("stacking", "nll", "mean"),
)
ROWS = (200, 1000, 5000)


@dataclass(frozen=True)
class Worth:
    """What one method gained on one draw of rows."""

    accuracy: float
    nll: float
    optimism: float


def worth(inside: Validation, outside: Validation, method: str, metric: str, consensus: str) -> Worth:
    """Choose inside, measure outside."""
    found = select(inside, method, metric=metric, consensus=consensus, seed=SEED)
    learned = fitted_consensus(inside, found.team, found.weights, found.consensus)
    probs = combine(learned, outside.probs_of(found.team), np.array(found.weights))
    accuracy, nll = (METRICS.call(name, probs, outside.labels) for name in ("accuracy", "nll"))
    return Worth(accuracy, nll, found.score - score(metric, probs, outside.labels))


def table(validation: Validation, rows: int, draws: int) -> list[tuple[str, ...]]:
    """The means over draws, a method a line."""
    generator = np.random.default_rng(SEED)
    gained: dict[tuple[str, str, str], list[Worth]] = {kind: [] for kind in METHODS}
    for _ in range(draws):
        order = generator.permutation(len(validation.labels))
        inside, outside = validation.rows(order[:rows]), validation.rows(order[rows:])
        for kind, found in gained.items():
            found.append(worth(inside, outside, *kind))
    reference = gained[METHODS[0]]
    lines: list[tuple[str, ...]] = []
    for (method, metric, consensus), found in gained.items():
        accuracy = 100 * np.array([one.accuracy - other.accuracy for one, other in zip(found, reference, strict=True)])
        nll = np.array([other.nll - one.nll for one, other in zip(found, reference, strict=True)])
        unit = 100 if metric == "accuracy" else 1
        optimism = unit * np.mean([one.optimism for one in found])
        error = accuracy.std(ddof=1) / np.sqrt(draws)
        lines.append(
            (
                f"{rows:,}",
                method,
                metric,
                consensus,
                f"{accuracy.mean():+.2f} ± {error:.2f}",
                "" if consensus == "plurality" else f"{nll.mean():+.4f}",  # votes are no probabilities
                f"{optimism:+.2f} points" if metric == "accuracy" else f"{optimism:+.4f}",
            )
        )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, required=True, help="folder of the published models' logits")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    validation = published_pool(asked.pool)
    lines = [line for rows in ROWS for line in table(validation, rows, asked.draws)]
    headings = ("rows", "method", "metric", "consensus", "accuracy gained", "NLL gained", "optimism")
    show(f"Worth of methods on rows not seen, mean of {asked.draws} draws", headings, lines, asked.save)


if __name__ == "__main__":
    main()
