"""Heat maps of how far members are apart, and how alike their parameters are, in the order of a clustering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics.diversity import pairwise
from lrensemble.report.escape import escape_html
from lrensemble.report.labels import axis_labels
from lrensemble.report.look import COLOURS
from lrensemble.report.parameters import Floats, Products, cosines, squared_distances
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure

HeatMap = tuple[str, Floats, str]
"""Name, numbers [member, member] and caption."""

USELESS = "\u2020"
"""Mark of members that learned nothing."""

MOST_NAMED = 40
"""Members whose names stand beside a heat map."""

DIVERGENCE_NUMBERS = 1 << 26
"""Maximum number of probabilities that divergences are measured on."""

DIVERGENCE_PART = 1 << 21
"""Probabilities that are held together for that."""


def heat_maps(report: ReportData) -> list[Figure]:
    """Heat maps of how far members are apart on val, and of the similarity of parameters where it is defined."""
    if report.all_serve("labels"):
        found = _of_classes(report)
    elif not report.pool.task.target.has_labels:
        found = [_of_values(report)]
    else:  # the likelihood of the truth alone does not tell where two members differ
        found = []
    is_adapter = any(member.adapter is not None for member in report.members)
    products = None if is_adapter else report.products  # factors of a product say nothing of it
    if products is not None:
        distances = np.sqrt(squared_distances(products.whole))
        found.append(("cosine", cosines(products.whole), "cosine similarity of all parameters, concatenated"))
        found.append(("distance", distances, "Euclidean distance of all parameters, concatenated"))
    if not found:
        return []
    order = clustered(found[0][1] if found[0][0] != "cosine" else found[1][1])
    names = [report.names[place] for place in order]
    sound = report.sound[order]
    figures = [heat_map(name, values[np.ix_(order, order)], names, caption, sound) for name, values, caption in found]
    return figures if products is None else [*figures, by_layer(products, "layers", "members' parameters")]


def _of_values(report: ReportData) -> HeatMap:
    """Root mean square difference of every two members."""
    said = np.stack([report.values_of(member, "val") for member in report.members])
    ambiguities = pairwise("ambiguity", said, report.truth("val"), weights=report.pool.weights("val"))
    return "apart", np.sqrt(4 * ambiguities), "root mean square difference of two members' predictions on val"


def _of_classes(report: ReportData) -> list[HeatMap]:
    """Disagreement and divergence of every two members."""
    disagreement = pairwise("disagreement", report.predicted, report.labels, weights=report.pool.weights("val"))
    rows, note = report.sampled_rows(DIVERGENCE_NUMBERS // (len(report.members) * len(report.pool.task.classes)))
    return [
        ("disagreement", 100 * disagreement, "% of val rows on which two disagree"),
        (
            "divergence",
            _divergence(report, rows),
            f"Kullback-Leibler divergence, mean of both directions, nats, on {note}",
        ),
    ]


def _divergence(report: ReportData, rows: NDArray[np.int64]) -> Floats:
    """Kullback-Leibler divergence of every two members on some val rows: the mean of that on parts of them."""
    target, members, weights = report.pool.task.target, report.members, report.pool.weights("val")
    times = np.ones(len(report.labels)) if weights is None else weights
    step = max(1, DIVERGENCE_PART // (len(members) * target.width))
    total = np.zeros((len(members), len(members)))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        probs = np.stack([target.seen(member.predictions("val")[part]).astype(np.float32) for member in members])
        total += times[part].sum() * pairwise("kullback_leibler", probs, report.labels[part], weights=times[part])
    return np.asarray(total / times[rows].sum())


def by_layer(products: Products, name: str, what: str) -> Figure:
    """Figure of the cosine similarity of two members by layer: mean, minimum and maximum over pairs.

    Args:
        products: of the members.
        name: of the figure.
        what: of the members, and of which there are two, is compared.
    """
    members = products.by_layer.shape[1]
    pairs = cosines(products.by_layer)[:, *np.triu_indices(members, k=1)]
    mean = pairs.mean(axis=1)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": [escape_html(layer) for layer in products.layers],
        "y": np.round(mean, 4).tolist(),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": np.round(pairs.max(axis=1) - mean, 4).tolist(),
            "arrayminus": np.round(mean - pairs.min(axis=1), 4).tolist(),
        },
        "marker": {"color": COLOURS[0], "size": 8},
    }
    ticks = {"showticklabels": len(products.layers) <= MOST_NAMED, "automargin": True, "tickangle": -60}
    layout = {"xaxis": ticks, "yaxis": {"title": {"text": "cosine similarity"}}}
    caption = f"Cosine similarity of two {what}, layer by layer: mean over pairs, lowest and highest."
    return Figure(name, [trace], layout, caption)


def clustered(distances: Floats) -> list[int]:
    """Order of the members by the leaves of a hierarchical clustering with average linkage."""
    if len(distances) < 3:
        return list(range(len(distances)))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    symmetric = (distances + distances.T) / 2
    np.fill_diagonal(symmetric, 0)
    return [int(leaf) for leaf in leaves_list(linkage(squareform(symmetric, checks=False), "average"))]


def heat_map(
    name: str,
    values: Floats,
    names: Sequence[str],
    caption: str,
    sound: NDArray[np.bool_],
    reason: str = "learned nothing",
) -> Figure:
    """Heat map whose colours span the members that learned something: one that did not would take all of them.

    Args:
        name: of the figure.
        values: [member, member], NaN where there is nothing to show.
        names: of the members.
        caption: of the figure.
        sound: [member] whether its numbers set the scale.
        reason: what the others did, for which they are marked.
    """
    marks = ["" if learned else f" {USELESS}" for learned in sound]
    labels = [one + mark for one, mark in zip(axis_labels(names), marks, strict=True)]
    scale: dict[str, float] = {}
    if not sound.all() and sound.sum() > 1:
        own = values[np.ix_(sound, sound)]
        scale = {"zmin": float(np.nanmin(own)), "zmax": float(np.nanmax(own))}
        caption += f"; {USELESS} {reason}: colours span the others alone"
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": [[None if np.isnan(value) else round(float(value), 4) for value in row] for row in values],
        "x": labels,
        "y": labels,
        "colorscale": "Viridis",
        **scale,
        "hovertemplate": "%{y}<br>%{x}<br>%{z:.3g}<extra></extra>",
        "hoverongaps": False,
    }
    size = {
        "height": min(640, 110 + 22 * max(8, len(names))),
        "xaxis": {
            "showticklabels": False,
            "ticks": "",
            "title": {"text": "the same members, in this order"},
            "showgrid": False,
        },
        "yaxis": {
            "showticklabels": len(names) <= MOST_NAMED,
            "automargin": True,
            "autorange": "reversed",
            "showgrid": False,
        },
        "meta": {"narrow": {"yaxis": {"showticklabels": False}}},
    }
    return Figure(name, [trace], size, f"{caption[:1].upper()}{caption[1:]}.", small=True)
