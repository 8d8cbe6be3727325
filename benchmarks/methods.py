"""What each method is worth on rows that it did not see, by how many rows it may choose on.

Rows of a pool are drawn for the choice, and the rest measures it, again and again: accuracy and NLL beyond those of the
best single member by the metric that the method aims at, NLL also beyond that member with a temperature (chosen and
fitted on the same rows), the size of the team, and the optimism of the score that the method itself aims at.

    python -m benchmarks.methods --pool FOLDER [--draws 20] [--save FILE]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.measure import show
from benchmarks.pools import SEED, published_pool
from numpy.typing import NDArray

from lrensemble.consensus import combine
from lrensemble.metrics import score
from lrensemble.select import Validation, fitted_consensus, select

METHODS = (
    ("best", "accuracy", "mean"),
    ("all", "nll", "mean"),
    ("top_k(k=3)", "nll", "mean"),
    ("greedy", "nll", "mean"),
    ("greedy(prune=False)", "nll", "mean"),
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
    """Over the best single member by the metric aimed at."""
    nll: float
    """Over the same."""
    nll_over_tempered: float
    """Over the same with a temperature."""
    members: int
    optimism: float


def worth(inside: Validation, outside: Validation, method: str, metric: str, consensus: str) -> Worth:
    """Choose inside, measure outside."""
    found = select(inside, method, metric=metric, consensus=consensus, seed=SEED)
    learned = fitted_consensus(inside, found.team, found.weights, found.consensus)
    probs = combine(learned, outside.predictions_of(found.team), np.array(found.weights))
    single = select(inside, "best", metric=metric, seed=SEED).team
    tempered = fitted_consensus(inside, single, None, "tempered")
    alone = outside.predictions_of(single)

    def gain(name: str, over: NDArray[np.float64]) -> float:
        return score(name, probs, outside.truth) - score(name, over, outside.truth)

    return Worth(
        gain("accuracy", alone[0]),
        gain("nll", alone[0]),
        gain("nll", combine(tempered, alone)),
        len(found.team),
        found.score - score(metric, probs, outside.truth),
    )


def table(validation: Validation, rows: int, draws: int) -> list[tuple[str, ...]]:
    """The means over draws, a method a line."""
    generator = np.random.default_rng(SEED)
    gained: dict[tuple[str, str, str], list[Worth]] = {kind: [] for kind in METHODS}
    for _ in range(draws):
        order = generator.permutation(len(validation.truth))
        inside, outside = validation.rows(order[:rows]), validation.rows(order[rows:])
        for kind, found in gained.items():
            found.append(worth(inside, outside, *kind))
    lines: list[tuple[str, ...]] = []
    for (method, metric, consensus), found in gained.items():
        accuracy = 100 * np.array([one.accuracy for one in found])
        nll, over_tempered = (np.mean([getattr(one, name) for one in found]) for name in ("nll", "nll_over_tempered"))
        optimism = (100 if metric == "accuracy" else 1) * np.mean([one.optimism for one in found])
        votes = consensus == "plurality"  # are no probabilities
        lines.append(
            (
                f"{rows:,}",
                method,
                metric,
                consensus,
                f"{np.mean([one.members for one in found]):.1f}",
                f"{accuracy.mean():+.2f} ± {accuracy.std(ddof=1) / np.sqrt(draws):.2f}",
                "" if votes else f"{nll:+.4f}",
                "" if votes else f"{over_tempered:+.4f}",
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
    headings = (
        "rows",
        "method",
        "metric",
        "consensus",
        "members",
        "accuracy gained",
        "NLL gained",
        "NLL gained over a temperature",
        "optimism",
    )
    show(f"Worth of methods on rows not seen, mean of {asked.draws} draws", headings, lines, asked.save)


if __name__ == "__main__":
    main()
