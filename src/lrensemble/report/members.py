"""The members: scores and cost, how often two of them disagree, and how alike their parameters are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lrensemble.metrics.diversity import pairwise
from lrensemble.report.facts import Facts
from lrensemble.report.parameters import Floats, Products, cosines, squared_distances
from lrensemble.report.safe import text
from lrensemble.report.section import Figure, Section, Table

DIVERGENCE_NUMBERS = 1 << 26
"""Probabilities that divergences are measured on at most."""


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
    """How often two disagree and diverge on val; where parameters can be compared, how alike they are, and by layer."""
    disagreement = pairwise("disagreement", facts.predicted, facts.labels)
    order = clustered(disagreement)
    names = [facts.names[place] for place in order]
    rows, note = facts.sampled_rows(DIVERGENCE_NUMBERS // (len(facts.members) * len(facts.pool.task.classes)))
    probs = np.stack([np.exp(member.predictions("val")[rows], dtype=np.float32) for member in facts.members])
    divergence = pairwise("kullback_leibler", probs, facts.labels[rows])
    found = [
        ("disagreement", 100 * disagreement, "% of val rows on which two disagree"),
        ("divergence", divergence, f"Kullback-Leibler divergence, mean of both directions, nats, on {note}"),
    ]
    if facts.products is not None:
        distances = np.sqrt(squared_distances(facts.products.whole))
        found.append(("cosine", cosines(facts.products.whole), "cosine similarity of all parameters, laid end to end"))
        found.append(("distance", distances, "Euclidean distance of all parameters, laid end to end"))
    figures = [_heat_map(name, values[np.ix_(order, order)], names, caption) for name, values, caption in found]
    return figures if facts.products is None else [*figures, _by_layer(facts.products)]


def _by_layer(products: Products) -> Figure:
    """Cosine similarity of two members' parameters, layer by layer: its mean, lowest and highest over pairs."""
    members = products.by_layer.shape[1]
    pairs = cosines(products.by_layer)[:, *np.triu_indices(members, k=1)]
    mean = pairs.mean(axis=1)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": [text(layer) for layer in products.layers],
        "y": np.round(mean, 4).tolist(),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": np.round(pairs.max(axis=1) - mean, 4).tolist(),
            "arrayminus": np.round(mean - pairs.min(axis=1), 4).tolist(),
        },
        "marker": {"color": "#5c6bc0", "size": 8},
    }
    ticks = {"showticklabels": len(products.layers) <= 40, "automargin": True, "tickangle": -60}
    layout = {"xaxis": ticks, "yaxis": {"title": {"text": "cosine similarity"}}}
    caption = "Cosine similarity of two members' parameters, layer by layer: mean over pairs, lowest and highest."
    return Figure("layers", [trace], layout, caption)


def clustered(distances: Floats) -> list[int]:
    """An order of the members in which those that are close stand together (average linkage)."""
    if len(distances) < 3:
        return list(range(len(distances)))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

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
