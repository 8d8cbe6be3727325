"""How far adapters are apart: by the changes that they make in the base's weights, and by what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lrensemble.report.escape import escape_html
from lrensemble.report.language.data import asked, is_of_tokens
from lrensemble.report.language.losses import within_scale
from lrensemble.report.language.tokens import distances
from lrensemble.report.language.updates import update_products
from lrensemble.report.look import COLOURS
from lrensemble.report.parameters import Floats, Products, cosines
from lrensemble.report.ranks import rank_correlation
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section
from lrensemble.report.sections.heat_maps import HeatMap, by_layer, clustered, heat_map
from lrensemble.rows import sampled

TOKENS = 50_000_000
"""Log-probabilities that distances are measured on, at most."""


def disagreement(report: ReportData) -> Section | None:
    """Section with heat maps of the same members: cosine of weight updates, and disagreement in tokens and answers."""
    if not is_of_tokens(report) or len(report.members) < 2:
        return None
    products = update_products(report.members)
    maps = [*_tokens(report), *_answers(report)]
    if products is not None:
        maps.insert(0, ("updates", cosines(products.whole), "cosine of two members' updates BA of the base's weights"))
    if not maps:
        return None
    order = clustered(1 - maps[0][1] if maps[0][0] == "updates" else maps[0][1])
    names = [report.names[place] for place in order]
    sound = within_scale(report)[order]
    figures = [
        heat_map(
            name, _pairs_alone(values)[np.ix_(order, order)], names, caption, sound, "lost the scale of the others"
        )
        for name, values, caption in maps
    ]
    if products is not None:
        figures.append(by_layer(products, "update-layers", "updates of a layer's weights"))
        figures += _pairs(report, cosines(products.whole), maps[1:])
    return Section("Disagreement of adapters", [_prose(products, report), *_correlations(products, maps)], (), figures)


def _pairs_alone(values: Floats) -> Floats:
    """The same without the diagonal: a member beside itself would take a part of the scale."""
    return np.where(np.eye(len(values), dtype=bool), np.nan, values)


def _prose(products: Products | None, report: ReportData) -> str:
    if products is not None:
        return (
            "Adapters are compared by what they change in the base: the product BA of their two matrices, since many "
            "pairs of A and B make the same change. The heat maps have one order of members, that of a clustering by "
            "it: where it is close to 1, two members learned the same, whatever their rates were."
        )
    if any(each.adapter is None for each in report.members):
        return "Members are whole models; how far their weights are apart stands with the members below."
    return (
        "Changes of weights are not compared: they are no products of two matrices (DoRA learns lengths apart), or "
        "weights were not kept."
    )


def _tokens(report: ReportData) -> list[HeatMap]:
    """Distance of what members say of answer tokens of `val`."""
    if not all(member.form == "likelihood" for member in report.members):
        return []
    rows = sampled(report.pool.task.splits["val"].size, TOKENS // len(report.members))
    said = np.stack([np.asarray(m.predictions("val").main, dtype=np.float64)[rows] for m in report.members])
    return [("tokens", distances(said), "mean difference of two members' log-probabilities of val tokens, nats")]


def _answers(report: ReportData) -> list[HeatMap]:
    """Percent of test questions that two members answer otherwise, where they were asked."""
    found = asked(report)
    if found is None or isinstance(found, str):
        return []
    places = {member.name: place for place, member in enumerate(found.pool.members())}
    if not all(name in places for name in report.names):
        return []
    own = [places[name] for name in report.names]
    said = np.concatenate([found.answers(split)[own] for split in found.pool.task.test_sets], axis=1)
    percent = 100 * np.stack([(said != one).mean(axis=1) for one in said])
    return [("answers", percent, "% of test questions of all benchmarks that two members answer otherwise")]


def _correlations(products: Products | None, maps: Sequence[HeatMap]) -> list[str]:
    """How far distance in weights goes with distance in what is said, over pairs."""
    if products is None or len(products.whole) < 4:
        return []
    upper = np.triu_indices(len(products.whole), k=1)
    cosine = cosines(products.whole)[upper]
    words = {"tokens": "the difference in tokens", "answers": "the disagreement in answers"}
    found = [
        f"{rank_correlation(cosine, values[upper]):+.2f} with {words[name]}"
        for name, values, _ in maps
        if name in words and np.ptp(values[upper]) > 0 and np.ptp(cosine) > 0
    ]
    return [f"Over pairs, the cosine has a rank correlation (Spearman) of {' and of '.join(found)}."] if found else []


def _pairs(report: ReportData, cosine: Floats, maps: Sequence[HeatMap]) -> list[Figure]:
    """A dot for each pair of members: cosine of their updates against what they say otherwise."""
    if not maps:
        return []
    name, values, caption = maps[-1]
    first, second = np.triu_indices(len(cosine), k=1)
    texts = [
        f"{escape_html(report.names[one])}<br>{escape_html(report.names[other])}"
        for one, other in zip(first, second, strict=True)
    ]
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": np.round(cosine[first, second], 4).tolist(),
        "y": np.round(values[first, second], 4).tolist(),
        "text": texts,
        "hovertemplate": "%{text}<br>cosine %{x:.3f}, %{y:.3g}<extra></extra>",
        "marker": {"color": COLOURS[0], "size": 7, "opacity": 0.7},
    }
    unit = "% of answers that differ" if name == "answers" else "difference in tokens, nats"
    layout = {"xaxis": {"title": {"text": "cosine of updates"}}, "yaxis": {"title": {"text": unit}}}
    return [Figure("pairs", [trace], layout, f"A dot for each pair of members: {caption}, against their cosine.")]
