"""Do intervals hold what they say, and do tests keep their level? Few rows, rare differences, skewed losses, tables.

Coverage of accuracy and levels of single tests are exact sums over all outcomes; the rest is simulated. Losses are
drawn from published models where their folder is given, from a generated pool otherwise.

    python -m benchmarks.coverage [--pool FOLDER] [--tables 1000] [--save FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from benchmarks.discordant import Outcomes, holds, judged, outcomes, tango
from benchmarks.measure import show
from benchmarks.null_tables import METHODS, Found, judged_table, level_of
from benchmarks.pools import SEED, published_pool, synthetic_pool
from numpy.typing import NDArray

from lrensemble.metrics import METRICS, row_values
from lrensemble.metrics.significance import (
    CONFIDENT_MISTAKE,
    paired_proportions,
    paired_scores,
)
from lrensemble.metrics.significance.means import pivots
from lrensemble.metrics.significance.units import units_of
from lrensemble.select import Validation

Floats = NDArray[np.float64]
Line = tuple[str, ...]

ROWS = (20, 50, 100, 200, 500, 1000)
DISCORDANT = (0.01, 0.02, 0.05, 0.1, 0.2)
GAINS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""True gains, as shares of the discordant rows: 1 where all of them favour one classifier."""
DRAWS = 2000
RESAMPLES = 500


def accuracy_lines() -> Iterator[Line]:
    """Lowest coverage over the true gains."""
    generator = np.random.default_rng(SEED)
    for rows in ROWS:
        for discordant in DISCORDANT:
            ours, scores, percentile = [], [], []
            for share in GAINS:
                seen = outcomes(rows, discordant, share)
                found = [judged(int(a), int(b), rows)[0] for a, b in zip(seen.first, seen.second, strict=True)]
                low, high = np.array([(one.low, one.high) for one in found]).T
                ours.append(float(seen.chances @ holds(low, seen.gain, high)))
                low, high = tango(seen.first.astype(np.float64), seen.second.astype(np.float64), rows)
                scores.append(float(seen.chances @ holds(low, seen.gain, high)))
                percentile.append(np.mean(holds(*percentile_of_counts(rows, seen, generator))))
            name = f"accuracy, {100 * discordant:g} % discordant"
            case = ("interval holds the gain", name, f"{rows:,}")
            yield (*case, share_of(min(ours)), share_of(min(percentile)), f"Tango {share_of(min(scores))}", "≥ 0.93")


def percentile_of_counts(rows: int, seen: Outcomes, generator: np.random.Generator) -> tuple[Floats, float, Floats]:
    """Percentile bootstrap intervals of simulated outcomes, around the true gain."""
    drawn = generator.choice(len(seen.chances), size=400, p=seen.chances / seen.chances.sum())
    first, second = seen.first[drawn], seen.second[drawn]
    shares = np.stack([first, second, rows - first - second], axis=1) / rows
    counts = generator.multinomial(rows, shares, size=(RESAMPLES, len(drawn)))
    low, high = np.quantile((counts[..., 0] - counts[..., 1]) / rows, [0.025, 0.975], axis=0)
    return low, seen.gain, high


def level_lines() -> Iterator[Line]:
    """Highest level of the tests over shares of discordant rows."""
    for rows in ROWS:
        exact, mid_p, both = [], [], []
        for discordant in (*DISCORDANT, 0.3, 0.5):
            seen = outcomes(rows, discordant, 0.0)
            found = [judged(int(a), int(b), rows) for a, b in zip(seen.first, seen.second, strict=True)]
            tests = np.array([one.p_value < 0.05 for one, _ in found])
            exact.append(seen.chances @ tests)
            mid_p.append(seen.chances @ np.array([other < 0.05 for _, other in found]))
            both.append(seen.chances @ (tests & np.array([one.low > 0 or one.high < 0 for one, _ in found])))
        case = "accuracy, 1 to 50 % discordant"
        other = f"mid-p {share_of(max(mid_p))}"
        yield ("exact test finds a gain of zero", case, f"{rows:,}", share_of(max(exact)), "", other, "≤ 0.05")
        yield ("reliable: interval and exact test", case, f"{rows:,}", share_of(max(both)), "", "", "≤ 0.05")


def loss_differences(pool: Validation) -> Floats:
    """[pair, sample] NLL of one classifier less that of another: members, and teams as their mean."""
    probs = np.exp(np.asarray(pool.predictions, dtype=np.float64))
    means = [probs[list(team)].mean(axis=0) for team in (range(len(probs)), (0, 1, 2), (4, 5))]
    single, teams = ([np.array(row_values("nll", one, pool.truth)) for one in some] for some in (probs, means))
    pairs = [*combinations(single, 2), *((one, team) for team in teams for one in single)]
    return np.array([one - other for one, other in pairs])


def loss_lines(pool: Validation, source: str) -> Iterator[Line]:
    """Coverage for NLL: mean over pairs of classifiers, and the worst pair."""
    differences = loss_differences(pool)
    for rows in ROWS:
        generator = np.random.default_rng(SEED)
        counts = generator.multinomial(rows, np.full(rows, 1 / rows), size=RESAMPLES) / rows
        ours, percentile, wider = [], [], []
        for values in differences:
            drawn = values[generator.integers(len(values), size=(DRAWS, rows))]
            low, high = pivots(units_of(drawn), CONFIDENT_MISTAKE).limits(0.95)
            ours.append(np.mean(holds(low, float(values.mean()), high)))
            old_low, old_high = np.quantile(drawn[: DRAWS // 4] @ counts.T, [0.025, 0.975], axis=1)
            percentile.append(np.mean(holds(old_low, float(values.mean()), old_high)))
            wider.append(np.median(high - low) / np.median(old_high - old_low))
        asked = "≥ 0.93" if rows >= 200 else "≥ 0.90" if rows >= 50 else ""
        for name, of, choose in (("mean", "pairs", np.mean), ("worst", "pairs", np.min)):
            case = f"NLL, {source}, {name} of {len(differences)} {of}"
            width = f"width × {np.median(wider):.2f}" if name == "mean" else ""
            cells = (share_of(float(choose(ours))), share_of(float(choose(percentile))), width, asked)
            yield ("interval holds the gain", case, f"{rows:,}", *cells)


def cluster_lines() -> Iterator[Line]:
    """Coverage of accuracy where rows have weights, or come in groups that share half of their discordance."""
    generator = np.random.default_rng(SEED)
    for rows in (100, 500, 2000):
        for kind in ("weights", "groups of 10", "groups of 1 to 40"):
            hits = []
            for _ in range(DRAWS):
                sizes = generator.integers(1, 41, size=rows) if "40" in kind else np.full(rows, 10)
                groups = np.repeat(np.arange(rows), sizes)[:rows] if kind != "weights" else None
                weights = generator.exponential(size=rows) if groups is None else None
                own = generator.random(rows)
                shared = generator.random(rows)[groups] if groups is not None else own
                draw = np.where(generator.random(rows) < 0.5, own, shared)
                correct, reference = draw >= 0.04, (draw < 0.04) | (draw >= 0.1)
                hits.append(paired_proportions(correct, reference, weights, groups))
            held = np.mean([one.low <= 0.02 <= one.high for one in hits])
            case = f"accuracy, 10 % discordant, {kind}"
            yield ("interval holds the gain", case, f"{rows:,}", share_of(held), "", "", "≥ 0.93")


@METRICS.register(higher_is_better=True, needs="labels", lowest=0.0, highest=1.0)
def benchmark_macro_f1(probs: Floats, labels: NDArray[np.int64]) -> float:
    """Mean over classes of F1, as a metric of one's own that is no mean over rows. Higher is better."""
    classes = probs.shape[1]
    predicted = probs.argmax(axis=1)
    hits = np.bincount(labels[predicted == labels], minlength=classes)
    either = np.bincount(labels, minlength=classes) + np.bincount(predicted, minlength=classes)
    return float(np.mean(2 * hits / np.maximum(either, 1)))


def f1_lines() -> Iterator[Line]:
    """Coverage of macro F1 over three classes of unequal frequency."""
    generator = np.random.default_rng(SEED)
    shares, draws = np.array([0.6, 0.3, 0.1]), 400

    def draw(rows: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
        labels = generator.choice(3, size=rows, p=shares)
        common = generator.random(rows) < 0.15
        said = [
            np.where(common | (generator.random(rows) < own), generator.choice(3, size=rows, p=shares), labels)
            for own in (0.05, 0.1)
        ]
        return np.eye(3)[said[0]], np.eye(3)[said[1]], labels

    first, second, labels = draw(2_000_000)
    truth = benchmark_macro_f1(first, labels) - benchmark_macro_f1(second, labels)
    for rows in (50, 100, 200):
        found = [paired_scores("benchmark_macro_f1", *draw(rows)) for _ in range(draws)]
        held = np.mean([one.low <= truth <= one.high for one in found])
        yield (
            "interval holds the gain",
            "macro F1, a metric of one's own",
            f"{rows:,}",
            share_of(held),
            "",
            "",
            "≥ 0.93",
        )


def table_lines(pool: Validation, source: str, tables: int) -> Iterator[Line]:
    """How many tables of seven methods that gain nothing hold a finding, and what is found where they gain."""
    cells = ((20, 0.2), (50, 0.1), (100, 0.05), (200, 0.1), (500, 0.05), (1000, 0.02), (1000, 0.1))
    cases = [(f"accuracy, {100 * share:g} % discordant", rows, share) for rows, share in cells]
    losses = loss_differences(pool)[-24 : -24 + METHODS]
    for name, rows, share in [*cases, *((f"NLL, {source}", rows, 0.0) for rows in (50, 200, 1000))]:
        generator = np.random.default_rng(SEED)
        null = [judged_table(rows, share, losses, 0.0, generator) for _ in range(tables)]
        case = f"{name}, {METHODS} methods"
        unadjusted = f"unadjusted {level_of(null, 'plain'):.3f}, Bonferroni {level_of(null, 'bonferroni'):.3f}"
        adjusted = f"{level_of(null, 'adjusted'):.3f}"
        asked = f"≤ 0.05 (simulated: ± {np.sqrt(0.05 * 0.95 / tables):.3f})"
        yield ("table of no gain holds adjusted p < 0.05", case, f"{rows:,}", adjusted, "", unadjusted, asked)
        yield (
            "table of no gain holds a reliable row",
            case,
            f"{rows:,}",
            f"{level_of(null, 'reliable'):.3f}",
            "",
            "",
            asked,
        )
        single = np.mean([one.first_reliable for one in null])
        yield ("judged row of no gain is reliable", case, f"{rows:,}", share_of(single), "", "", asked)
        real = [judged_table(rows, share, losses, 0.5, generator) for _ in range(tables // 3)]
        yield _power(case, rows, real)


def _power(case: str, rows: int, real: list[Found]) -> Line:
    found = {
        kind: np.mean([getattr(one, kind) for one in real]) / METHODS for kind in ("adjusted", "bonferroni", "plain")
    }
    others = f"unadjusted {found['plain']:.3f}, Bonferroni {found['bonferroni']:.3f}"
    return ("real gains found (power)", case, f"{rows:,}", f"{found['adjusted']:.3f}", "", others, "")


def share_of(value: float | np.floating) -> str:
    """A share with three decimals."""
    return f"{float(value):.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, help="folder of the published models' logits; a generated pool without")
    parser.add_argument("--tables", type=int, default=1000, help="simulated tables of each kind")
    parser.add_argument("--save", type=Path, help="write the table here as well")
    asked = parser.parse_args()
    pool = published_pool(asked.pool) if asked.pool else synthetic_pool(8, 10, accuracy=0.95)
    source = "eight CIFAR-10 models" if asked.pool else "generated pool"
    lines = [
        *accuracy_lines(),
        *level_lines(),
        *cluster_lines(),
        *f1_lines(),
        *loss_lines(pool, source),
        *table_lines(pool, source, asked.tables),
    ]
    headings = ("what", "case", "rows", "lrensemble", "percentile bootstrap", "others", "asked")
    show("Intervals of 95 % and tests at 5 %: what they hold", headings, lines, asked.save)


if __name__ == "__main__":
    main()
