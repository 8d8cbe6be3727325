"""Classes and rows that gain and lose most by the team."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lrensemble.evaluate.changes import Changes, changes, class_and_probability
from lrensemble.report.labels import axis_labels
from lrensemble.report.look import BAD, GOOD
from lrensemble.report.pictures import Picture, pictures
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table

SHOWN_ROWS = 8
SHOWN_CLASSES = 30


def rows(report: ReportData) -> Section | None:
    """Section on the judged team against the best single model on test, by class and by row."""
    if report.judged is None or report.chosen is None:
        return None
    names = report.pool.task.classes
    labels = report.truth(report.test)
    single, team = (
        report.by_row(each, report.test, lambda probs, rows: class_and_probability(probs, labels[rows]))
        for each in (report.best, report.chosen)
    )
    found = changes(labels, single, team)
    by_gain = np.argsort(-found.gained, kind="stable")
    shown = [*by_gain[:SHOWN_ROWS].tolist(), *by_gain[::-1][:SHOWN_ROWS].tolist()]
    seen = pictures(report.members, report.data_folder, shown, trust_code=report.pool.trust_code)
    lines: list[list[str | Picture]] = [
        [
            *([] if isinstance(seen, str) else [seen[place]]),
            f"{row:,}",
            names[found.labels[row]],
            names[found.before[row]],
            names[found.after[row]],
            f"{100 * found.gained[row]:+.1f}",
        ]
        for place, row in enumerate(shown)
    ]
    corrected = int(((found.before != found.labels) & (found.after == found.labels)).sum())
    broken = int(((found.before == found.labels) & (found.after != found.labels)).sum())
    headings = [
        *([] if isinstance(seen, str) else ["picture"]),
        "test row",
        "label",
        "best single says",
        "team says",
        "label gains, points",
    ]
    return Section(
        "Classes and rows",
        [
            f"The team corrects {corrected:,} rows that the best single model gets wrong, "
            f"and breaks {broken:,} that it gets right.",
            *([seen] if isinstance(seen, str) else []),
        ],
        [Table(headings, lines, minor=frozenset([] if isinstance(seen, str) else [1]))],
        [_by_class(found, names)],
    )


def _by_class(found: Changes, names: Sequence[str]) -> Figure:
    """Gain of each class, the largest changes alone where there are many."""
    by_class = found.by_class(len(names))
    gain = 100 * np.nan_to_num(by_class[:, 2] - by_class[:, 1])
    order = np.argsort(-np.abs(gain), kind="stable")[:SHOWN_CLASSES]
    order = order[np.argsort(gain[order], kind="stable")]
    bars: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": np.round(gain[order], 3).tolist(),
        "y": axis_labels([names[place] for place in order]),
        "marker": {"color": [GOOD if gain[place] >= 0 else BAD for place in order]},
    }
    layout = {
        "xaxis": {"title": {"text": "points of accuracy"}},
        "yaxis": {"automargin": True, "type": "category"},
        "height": 140 + 22 * len(order),
    }
    return Figure("classes", [bars], layout, "Test accuracy of the team beyond the best single model, class by class.")
