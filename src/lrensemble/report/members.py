"""Members: scores and cost, pairwise disagreement, and similarity of their parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lrensemble.evaluate.result import MemberResult
from lrensemble.evaluate.verdict import in_print, score_in_print
from lrensemble.metrics import higher_is_better
from lrensemble.metrics.diversity import pairwise
from lrensemble.report.escape import escape_html
from lrensemble.report.parameters import Floats, Products, cosines, squared_distances
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table

HeatMap = tuple[str, Floats, str]
"""Name, numbers [member, member] and caption."""

SHOWN: dict[str, tuple[str, ...]] = {
    "classes": ("accuracy", "nll", "ece"),
    "choices": ("accuracy", "nll", "brier"),
    "values": ("rmse", "mae", "r2", "gaussian_nll", "crps", "coverage(level=0.9)"),
}
"""Metrics in the table, by target."""

HEADINGS = {"accuracy": "acc. %", "coverage(level=0.9)": "90 % coverage, %"}
"""Headings other than the names of metrics."""

DIVERGENCE_NUMBERS = 1 << 26
"""Maximum number of probabilities that divergences are measured on."""


def members(report: ReportData) -> Section:
    """Section with a table, and heat maps in the order of a clustering by disagreement."""
    sign = 1 if higher_is_better(report.result.headline) else -1
    in_order = sorted(report.result.members, key=lambda m: -sign * _headline(report, m, -sign * math.inf))
    metrics = [
        metric
        for metric in SHOWN[report.pool.task.target.kind]
        if any(m.val is not None and m.val.by(metric) is not None for m in in_order)
    ]
    rows = [
        [
            m.name,
            m.status,
            *("" if m.val is None else _score(metric, m.val.by(metric)) for metric in metrics),
            "" if m.cost.parameters is None else f"{m.cost.parameters:,}",
            "" if m.cost.seconds is None else f"{m.cost.seconds:.1f}",
        ]
        for m in in_order
    ]
    marked = frozenset(place for place, m in enumerate(in_order) if m.id in report.in_team)
    names = [f"val {HEADINGS.get(metric, in_print(metric))}" for metric in metrics]
    headings = ["member", "status", *names, "parameters", "seconds"]
    return Section(
        "Members",
        ["Best on val first; members of the chosen team are marked."],
        [Table(headings, rows, marked)],
        heat_maps(report) if len(report.members) > 1 else (),
    )


def _score(metric: str, value: float | None) -> str:
    return f"{value:.4f}" if metric == "ece" and value is not None else score_in_print(metric, value)


def _headline(report: ReportData, member: MemberResult, otherwise: float) -> float:
    value = None if member.val is None else member.val.by(report.result.headline)
    return otherwise if value is None else value


def heat_maps(report: ReportData) -> list[Figure]:
    """Heat maps of how far members are apart on val, and of the similarity of parameters where it is defined."""
    if report.all_serve("labels"):
        found = _of_classes(report)
    elif report.all_serve("values"):
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
    figures = [heat_map(name, values[np.ix_(order, order)], names, caption) for name, values, caption in found]
    return figures if products is None else [*figures, by_layer(products, "layers", "members' parameters")]


def _of_values(report: ReportData) -> HeatMap:
    """Root mean square difference of every two members."""
    said = np.stack([report.values_of(member, "val") for member in report.members])
    apart = pairwise("ambiguity", said, report.truth("val"), weights=report.pool.weights("val"))
    return "apart", np.sqrt(4 * apart), "root mean square difference of two members' predictions on val"


def _of_classes(report: ReportData) -> list[HeatMap]:
    """Disagreement and divergence of every two members."""
    disagreement = pairwise("disagreement", report.predicted, report.labels)
    rows, note = report.sampled_rows(DIVERGENCE_NUMBERS // (len(report.members) * len(report.pool.task.classes)))
    probs = np.stack(
        [report.pool.task.target.seen(member.predictions("val")[rows]).astype(np.float32) for member in report.members]
    )
    divergence = pairwise("kullback_leibler", probs, report.labels[rows])
    return [
        ("disagreement", 100 * disagreement, "% of val rows on which two disagree"),
        ("divergence", divergence, f"Kullback-Leibler divergence, mean of both directions, nats, on {note}"),
    ]


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
        "marker": {"color": "#5c6bc0", "size": 8},
    }
    ticks = {"showticklabels": len(products.layers) <= 40, "automargin": True, "tickangle": -60}
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


def heat_map(name: str, values: Floats, names: Sequence[str], caption: str) -> Figure:
    """Figure of numbers [member, member], whose rows and columns are named alike."""
    labels = [escape_html(one) for one in names]
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
