"""Accuracy against diversity, how the score grows with the team, and the greedy path step by step."""

from __future__ import annotations

import numpy as np

from lrensemble.evaluate import validation_of
from lrensemble.metrics.diversity import diversity as diversity_of
from lrensemble.report.facts import Facts, Floats
from lrensemble.report.section import Figure, Section
from lrensemble.select import Validation, select

TEAMS = 1500
"""Teams that are drawn where there are more."""

SEED = 0


def diversity(facts: Facts) -> Section:
    """Whether diverse teams are the better ones here, and how size helps."""
    if len(facts.members) < 2:
        return Section("Diversity and size", ["A pool of one has no teams."])
    masks, note = some_teams(len(facts.members))
    wrong = facts.predicted != facts.labels
    predicted, classes = facts.predicted, len(facts.pool.task.classes)
    values = np.array([diversity_of("generalized_diversity", predicted[mask], facts.labels) for mask in masks])
    votes = np.array([_vote_accuracy(predicted[mask], facts.labels, classes) for mask in masks])
    relation = _rank_correlation(values, votes)
    scatter = {
        "type": "scattergl",
        "mode": "markers",
        "x": np.round(values, 4).tolist(),
        "y": np.round(100 * votes, 3).tolist(),
        "marker": {
            "color": masks.sum(axis=1).tolist(),
            "colorscale": "Viridis",
            "size": 5,
            "colorbar": {"title": {"text": "size"}},
        },
        "hovertemplate": "diversity %{x:.3f}<br>accuracy %{y:.2f} %<br>%{marker.color} members<extra></extra>",
    }
    axes = {
        "xaxis": {"title": {"text": "generalized diversity"}},
        "yaxis": {"title": {"text": "val accuracy of the vote, %"}},
    }
    path = greedy_path(validation_of(facts.pool))
    mean_errors = 100 * wrong.mean(axis=1)
    return Section(
        "Diversity and size",
        [
            f"{note} Members err on {mean_errors.min():.2f} to {mean_errors.max():.2f} % of the val rows. Spearman's "
            f"rank correlation of generalized diversity with the accuracy of the plurality vote is {relation:+.2f}: "
            + (
                "diverse teams are the better ones here."
                if relation > 0.3
                else "diversity alone does not make a team good here."
            )
        ],
        figures=[
            Figure("diversity", [scatter], axes, "Every point is a team."),
            Figure(
                "greedy",
                [_path_trace(path)],
                {"xaxis": {"title": {"text": "additions"}}, "yaxis": {"title": {"text": "val NLL"}}},
                "Greedy search on all val rows, step by step: optimistic, since it is chosen on them.",
            ),
        ],
    )


def some_teams(members: int) -> tuple[np.ndarray, str]:
    """[team, member] all teams of two or more, or a sample of them, and a sentence that says which."""
    count = 2**members - 1 - members
    if count <= TEAMS:
        masks = (np.arange(2**members)[:, None] >> np.arange(members) & 1).astype(bool)
        return masks[masks.sum(axis=1) > 1], f"All {count:,} teams of two or more."
    generator = np.random.default_rng(SEED)
    sizes = generator.integers(2, members + 1, size=TEAMS)
    order = generator.random((TEAMS, members)).argsort(axis=1).argsort(axis=1)
    return order < sizes[:, None], f"A sample of {TEAMS:,} teams of two or more, every size alike."


def _vote_accuracy(predicted: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Of the plurality vote; ties go to the lowest class."""
    counts = np.zeros((len(labels), classes), dtype=np.int16)
    for own in predicted:
        counts[np.arange(len(labels)), own] += 1
    return float((counts.argmax(axis=1) == labels).mean())


def _rank_correlation(one: Floats, other: Floats) -> float:
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other).statistic)


def greedy_path(validation: Validation, steps: int = 15) -> list[float]:
    """NLL after each addition of the plain greedy search."""
    losses = []
    for size in range(1, steps + 1):
        found = select(validation, f"greedy(size={size}, bootstrap=0)")
        losses.append(-found.score)
    return losses


def _path_trace(path: list[float]) -> dict[str, object]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(1, len(path) + 1)),
        "y": path,
        "hovertemplate": "%{x} additions<br>NLL %{y:.4f}<extra></extra>",
    }
