"""Diversity on the page: rows that count several times are as many rows, and those that do not count are none."""

from pathlib import Path

import numpy as np
import pytest
from tests.report.weighted_pools import ROWS, report_of

from lrensemble.report.section import Figure
from lrensemble.report.sections.diversity import diversity
from lrensemble.report.sections.heat_maps import heat_maps

NAMES = ("diversity", "focal", "size", "greedy", "disagreement", "divergence")


def figures_of(folder: Path, *, repeated: bool) -> dict[str, Figure]:
    times = np.random.default_rng(4).integers(0, 6, size=ROWS)
    report = report_of(folder, times, repeated=repeated)
    section = diversity(report)
    assert section is not None
    assert f"Measured on all {times.sum() if repeated else np.count_nonzero(times)} val rows" in section.prose[0]
    return {figure.name: figure for figure in (*section.figures, *heat_maps(report))}


def test_weighted_rows_are_as_many_rows(tmp_path: Path) -> None:
    weighted, rows = (figures_of(tmp_path / str(repeated), repeated=repeated) for repeated in (False, True))
    assert set(NAMES) <= set(weighted)
    for name in NAMES:
        for one, other in zip(weighted[name].traces, rows[name].traces, strict=True):
            for axis in "xyz" if "z" in one else "xy":
                known = np.asarray(other[axis])
                if known.dtype.kind == "f":
                    assert np.asarray(one[axis]) == pytest.approx(known, rel=1e-5), (name, axis)
                else:
                    assert list(one[axis]) == list(other[axis])
