"""Accuracy against diversity, plain and focal; how the score grows with the team; and the greedy path step by step.

A team is scored by what it would say: its members' predictions combined by the pool's own consensus.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate import default_consensus
from lrensemble.metrics.diversity import given_teams
from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.report.escape import escape_html
from lrensemble.report.labels import whole_ticks
from lrensemble.report.look import COLOURS, SCALE, look_at
from lrensemble.report.parameters import Floats
from lrensemble.report.ranks import rank_correlation
from lrensemble.report.report_data import SEED, ReportData
from lrensemble.report.section import Figure, Section
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


def diversity(report: ReportData) -> Section | None:
    """Section on accuracy against diversity, and accuracy against the size of a team."""
    if report.sound.sum() < 2:
        return None
    masks, which = teams_of(report)
    rows, where = report.sampled_rows(COMBINED // int(masks.sum()))
    predicted, labels = report.predicted[:, rows], report.labels[rows]
    consensus = default_consensus(report.pool)
    scores = accuracies(report, rows, masks, consensus)
    plain = given_teams(MEASURE, predicted, labels, masks)
    focal = focal_gd(predicted != labels, masks.astype(np.float64))
    of_plain, of_focal = rank_correlation(plain, scores), rank_correlation(focal, scores)
    errors = 100 * (report.predicted != report.labels).mean(axis=1)[report.sound]
    return Section(
        "Diversity and size",
        [
            f"{which} Measured on {where}. Members err on {errors.min():.2f} to {errors.max():.2f} % of the val rows. "
            f"Spearman's rank correlation with the accuracy of their {consensus} is {of_plain:+.2f} for generalized "
            f"diversity, and {of_focal:+.2f} for its focal form, the mean over the rows that each member of a team "
            "gets wrong."
        ],
        figures=[
            _scatter("diversity", plain, scores, masks.sum(axis=1), "generalized diversity"),
            _scatter("focal", focal, scores, masks.sum(axis=1), "focal generalized diversity"),
            _by_size(report, masks, scores),
            _greedy(report),
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


def greedy_path(label_probs: Floats, steps: int = PATH) -> tuple[list[int], list[float]]:
    """Member that each step of plain greedy search adds, and the NLL of the mean after it.

    The NLL of the mean depends only on the probabilities of the labels: −mean_i log(mean_m p_mi).

    Args:
        label_probs: probabilities of the labels [member, sample].
        steps: number of additions; a member may be added again.
    """
    added, losses = list[int](), list[float]()
    total = np.zeros(label_probs.shape[1])
    for size in range(1, steps + 1):
        mixed = (total + label_probs) / size  # [member, sample]
        candidates = -np.log(np.maximum(mixed, SMALLEST_PROBABILITY)).mean(axis=1)
        added.append(int(candidates.argmin()))
        losses.append(float(candidates[added[-1]]))
        total += label_probs[added[-1]]
    return added, losses


def _scatter(name: str, values: Floats, scores: Floats, sizes: NDArray[np.int64], what: str) -> Figure:
    trace: dict[str, Any] = {
        "type": "scattergl",
        "mode": "markers",
        "x": np.round(values, 4).tolist(),
        "y": np.round(100 * scores, 3).tolist(),
        "marker": {
            "color": sizes.tolist(),
            "colorscale": SCALE,
            "size": 5,
            "colorbar": whole_ticks("size", sizes.tolist()),
        },
        "hovertemplate": "diversity %{x:.3f}<br>accuracy %{y:.2f} %<br>%{marker.color} members<extra></extra>",
    }
    axes = {"xaxis": {"title": {"text": what}}, "yaxis": {"title": {"text": "val accuracy of the team, %"}}}
    return Figure(name, [trace], axes, f"Accuracy against {what}. Every point is a team.", small=True)


def _by_size(report: ReportData, masks: NDArray[np.bool_], scored: Floats) -> Figure:
    """Figure of the best and mean accuracy over the teams of every size."""
    alone = (report.predicted == report.labels).mean(axis=1)[report.sound]
    sizes = np.concatenate([np.ones(len(alone), dtype=np.int64), masks.sum(axis=1)])
    scores = 100 * np.concatenate([alone, scored])
    found = np.unique(sizes)
    lines = (("best", np.max, look_at(2)), ("mean", np.mean, look_at(0)))
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": found.tolist(),
            "y": [round(float(statistic(scores[sizes == size])), 3) for size in found],
            "line": {"color": look.colour, "dash": look.dash},
            "marker": {"symbol": look.symbol, "size": 8},
        }
        for name, statistic, look in lines
    ]
    axes = {"xaxis": {"title": {"text": "members"}}, "yaxis": {"title": {"text": "val accuracy of the team, %"}}}
    return Figure("size", traces, axes, "The same teams by size, beside the members alone: best and mean.", small=True)


def _greedy(report: ReportData) -> Figure:
    added, losses = greedy_path(report.of_labels)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(1, len(losses) + 1)),
        "y": losses,
        "text": [escape_html(report.names[member]) for member in added],
        "line": {"color": COLOURS[0]},
        "hovertemplate": "%{x}: + %{text}<br>NLL %{y:.4f}<extra></extra>",
    }
    axes = {"xaxis": {"title": {"text": "additions"}}, "yaxis": {"title": {"text": "val NLL"}}}
    caption = "Greedy search on all val rows, step by step: optimistic, since it is chosen on them. Point to see whom."
    return Figure("greedy", [trace], axes, caption, small=True)
