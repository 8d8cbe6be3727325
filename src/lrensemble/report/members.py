"""The members: scores and cost, how often two of them disagree, and how alike their parameters are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from lrensemble.metrics.diversity import pairwise
from lrensemble.report.facts import Facts, Floats
from lrensemble.report.parameters import cosine_similarities
from lrensemble.report.safe import text
from lrensemble.report.section import Figure, Section, Table


def members(facts: Facts) -> Section:
    """A table, and heat maps in the order of a clustering by disagreement."""
    in_order = sorted(facts.result.members, key=lambda m: -(m.val.accuracy if m.val else -1))
    rows = [
        [
            m.name,
            m.status,
            *((f"{100 * m.val.accuracy:.2f}", f"{m.val.nll:.4f}", f"{m.val.ece:.4f}") if m.val else ("", "", "")),
            "" if m.cost.parameters is None else f"{m.cost.parameters:,}",
            "" if m.cost.seconds is None else f"{m.cost.seconds:.1f}",
        ]
        for m in in_order
    ]
    marked = frozenset(place for place, m in enumerate(in_order) if m.id in facts.in_team)
    headings = ["member", "status", "val acc. %", "val NLL", "val ECE", "parameters", "seconds"]
    return Section(
        "Members",
        ["Best on val first; members of the chosen team are marked."],
        [Table(headings, rows, marked)],
        heat_maps(facts) if len(facts.members) > 1 else (),
    )


def heat_maps(facts: Facts) -> list[Figure]:
    """Disagreement on val, and cosine similarity of the parameters where all members have weights of one shape."""
    disagreement = pairwise("disagreement", facts.predicted, facts.labels)
    order = clustered(disagreement)
    names = [facts.names[place] for place in order]
    figures = [
        _heat_map(
            "disagreement", 100 * disagreement[np.ix_(order, order)], names, "% of val rows on which two disagree"
        )
    ]
    similarity = cosine_similarities(facts.members)
    if similarity is not None:
        caption = "cosine similarity of all parameters, laid end to end"
        figures.append(_heat_map("cosine", similarity[np.ix_(order, order)], names, caption))
    return figures


def clustered(distances: Floats) -> list[int]:
    """An order of the members in which those that are close stand together (average linkage)."""
    if len(distances) < 3:
        return list(range(len(distances)))
    symmetric = (distances + distances.T) / 2
    np.fill_diagonal(symmetric, 0)
    return [int(leaf) for leaf in leaves_list(linkage(squareform(symmetric, checks=False), "average"))]


def _heat_map(name: str, values: Floats, names: Sequence[str], caption: str) -> Figure:
    labels = [text(one) for one in names]
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": np.round(values, 4).tolist(),
        "x": labels,
        "y": labels,
        "colorscale": "Viridis",
        "hovertemplate": "%{y}<br>%{x}<br>%{z:.3g}<extra></extra>",
    }
    ticks = {"showticklabels": len(names) <= 40, "automargin": True, "tickangle": -60}
    size = {"height": 560, "xaxis": ticks, "yaxis": {**ticks, "tickangle": 0}}
    return Figure(name, [trace], size, caption)
