"""Whether the best rate of a pool lies at the edge of those that were tried."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lrensemble.metrics import METRICS
from lrensemble.pool import Member


def edge_of_peaks(members: Sequence[Member], metric: str) -> str | None:
    """One line for people where the best model's policy did best at the highest or the lowest of its peaks.

    None where the peak lies between others, where several peaks did equally well, where its policy has one peak alone,
    and where recipes or scores are not known.

    Args:
        members: of the pool.
        metric: by which they are compared on `val`.
    """
    sign = 1 if METRICS.facts(metric).higher_is_better else -1
    tried: dict[str, list[tuple[float, float]]] = {}
    for member in members:
        policy, score = (member.recipe or {}).get("policy"), member.scores.get("val", {}).get(metric)
        if isinstance(policy, dict) and isinstance(policy.get("peak"), int | float) and score is not None:
            others = json.dumps({key: value for key, value in policy.items() if key != "peak"}, sort_keys=True)
            tried.setdefault(others, []).append((sign * score, float(policy["peak"])))
    if not tried:
        return None
    policy, seen = max(tried.items(), key=lambda item: max(item[1]))
    top, peaks = max(seen)[0], sorted({peak for _, peak in seen})
    best, *tied = {peak for score, peak in seen if score == top}
    if len(peaks) < 2 or tied or best not in (peaks[0], peaks[-1]):
        return None
    edge, beyond = ("highest", "higher") if best == peaks[-1] else ("lowest", "lower")
    return (
        f"{json.loads(policy)['name']} did best at peak {best:g}, the {edge} of the {len(peaks)} that were tried: "
        f"{beyond} ones may do better; lrensemble range-test proposes peaks"
    )
