"""Accuracy against diversity, plain and focal; how the score grows with the team; and the greedy path step by step.

A team is scored by what it would say: its members' predictions combined by the pool's own consensus.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate import default_consensus
from lrensemble.metrics.diversity import given_teams
from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.report.parameters import Floats
from lrensemble.report.ranks import rank_correlation
from lrensemble.report.report_data import SEED, ReportData
from lrensemble.report.section import Figure, Section
from lrensemble.report.sections.figures_of_teams import against, by_size, greedy_figure
from lrensemble.select import Validation
from lrensemble.select.methods.focal import focal_gd
from lrensemble.select.scoring.team_scores import team_scorer

TEAMS = 1500
"""Maximum number of teams that are drawn."""

COMBINED = 200_000_000
"""Maximum number of predictions that are combined, over teams, members and rows."""

BLOCK_BYTES = 2**23
"""Memory for the rows of all members that are looked at together: a page is written beside other work."""

TEAMS_TOGETHER = 16
"""Teams that are scored together, for the same reason."""

PATH = 15
"""Number of additions of the greedy path."""

MEASURE = "generalized_diversity"

ACCURACY = "val accuracy of the team, %"


def diversity(report: ReportData) -> Section | None:
    """Section on accuracy against diversity, and accuracy against the size of a team."""
    if report.sound.sum() < 2:
        return None
    masks, which = teams_of(report)
    rows, where = report.sampled_rows(COMBINED // int(masks.sum()))
    predicted, labels = report.predicted[:, rows], report.labels[rows]
    consensus = default_consensus(report.pool)
    scores = accuracies(report, rows, masks, consensus)
    weights = report.pool.weights("val")
    times = None if weights is None else weights[rows]
    plain = given_teams(MEASURE, predicted, labels, masks, weights=times)
    focal = focal_gd(predicted != labels, masks.astype(np.float64), times)
    of_plain, of_focal = rank_correlation(plain, scores), rank_correlation(focal, scores)
    alone = 100 * np.average(report.predicted == report.labels, axis=1, weights=weights)[report.sound]
    errors = 100 - alone
    return Section(
        "Diversity and size",
        [
            f"{which} Measured on {where}. Members err on {errors.min():.2f} to {errors.max():.2f} % of the val rows. "
            f"Spearman's rank correlation with the accuracy of their {consensus} is {of_plain:+.2f} for generalized "
            f"diversity, and {of_focal:+.2f} for its focal form, the mean over the rows that each member of a team "
            "gets wrong."
        ],
        figures=[
            _against("diversity", plain, scores, masks, "generalized diversity"),
            _against("focal", focal, scores, masks, "focal generalized diversity"),
            by_size(alone, masks, 100 * scores, np.max, ACCURACY),
            greedy_figure(report, *greedy_path(report.of_labels, weights=weights), "NLL", ".4f"),
        ],
    )


def teams_of(report: ReportData) -> tuple[NDArray[np.bool_], str]:
    """Masks [team, member] of teams of members that learned something, and sentences that say which.

    What the others say would stretch every scale.
    """
    own, which = some_teams(int(report.sound.sum()))
    masks: NDArray[np.bool_] = np.zeros((len(own), len(report.members)), dtype=bool)
    masks[:, report.sound] = own
    return masks, f"{which} Left out: {len(report.useless)} that learned nothing." if report.useless else which


def some_teams(members: int) -> tuple[NDArray[np.bool_], str]:
    """Masks [team, member] of all teams of two or more, or of a sample of them, and a sentence that says which."""
    count = 2**members - 1 - members
    if count <= TEAMS:
        masks = (np.arange(2**members)[:, None] >> np.arange(members) & 1).astype(bool)
        return masks[masks.sum(axis=1) > 1], f"All {count:,} teams of two or more."
    generator = np.random.default_rng(SEED)
    sizes = generator.integers(2, members + 1, size=TEAMS)
    order = generator.random((TEAMS, members)).argsort(axis=1).argsort(axis=1)
    return order < sizes[:, None], f"A sample of {TEAMS:,} teams of two or more, every size alike."


def accuracies(report: ReportData, rows: NDArray[np.int64], masks: NDArray[np.bool_], consensus: str) -> Floats:
    """Accuracy [team] on some val rows of the teams [team, member], their members combined with equal weights."""
    weights, choices = report.pool.weights("val"), report.pool.choices("val")
    validation = Validation(
        tuple(member.predictions("val")[rows] for member in report.members),
        report.labels[rows],
        target=report.pool.task.target,
        weights=None if weights is None else weights[rows],
        choices=None if choices is None else choices[rows],
        block_bytes=BLOCK_BYTES,
    )
    scorer, parts = team_scorer(validation, "accuracy", consensus), range(0, len(masks), TEAMS_TOGETHER)
    return np.concatenate([scorer(masks[start : start + TEAMS_TOGETHER].astype(np.float64)) for start in parts])


def greedy_path(label_probs: Floats, steps: int = PATH, weights: Floats | None = None) -> tuple[list[int], list[float]]:
    """Member that each step of plain greedy search adds, and the NLL of the mean after it.

    The NLL of the mean depends only on the probabilities of the labels: −mean_i log(mean_m p_mi).

    Args:
        label_probs: probabilities of the labels [member, sample].
        steps: number of additions; a member may be added again.
        weights: [sample] how often each row counts.
    """
    added, losses = list[int](), list[float]()
    total = np.zeros(label_probs.shape[1])
    for size in range(1, steps + 1):
        mixed = (total + label_probs) / size  # [member, sample]
        candidates = np.average(-np.log(np.maximum(mixed, SMALLEST_PROBABILITY)), axis=1, weights=weights)
        added.append(int(candidates.argmin()))
        losses.append(float(candidates[added[-1]]))
        total += label_probs[added[-1]]
    return added, losses


def _against(name: str, values: Floats, scores: Floats, masks: NDArray[np.bool_], what: str) -> Figure:
    hover = "diversity %{x:.3f}<br>accuracy %{y:.2f} %"
    figure = against(name, np.round(values, 4), np.round(100 * scores, 3), masks, (what, ACCURACY), hover)
    return replace(figure, small=True)
