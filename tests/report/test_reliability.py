"""The reliability diagram: rows that count several times are as many rows."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.report.weighted_pools import ROWS, report_of

from lrensemble.report.section import Section
from lrensemble.report.sections.reliability import bins, reliability


def section_of(folder: Path, times: NDArray[np.int64], *, repeated: bool) -> Section:
    """The section on a pool whose val rows count so often, or stand there so often."""
    section = reliability(report_of(folder, times, repeated=repeated))
    assert section is not None
    assert "team: ECE" in section.prose[0]
    return section


def test_rows_that_count_several_times_are_as_many_rows(tmp_path: Path) -> None:
    times = np.random.default_rng(4).integers(1, 6, size=ROWS)
    weighted = section_of(tmp_path / "weighted", times, repeated=False)
    expected = section_of(tmp_path / "repeated", times, repeated=True)
    assert weighted.prose == expected.prose
    assert weighted.prose != section_of(tmp_path / "plain", np.ones_like(times), repeated=False).prose
    for own, theirs in zip(weighted.figures[0].traces, expected.figures[0].traces, strict=True):
        if own["type"] == "scatter":
            np.testing.assert_allclose(own["x"], theirs["x"], atol=2e-4)
            np.testing.assert_allclose(own["y"], theirs["y"], atol=2e-4)


def test_points_of_weighted_rows_by_hand() -> None:
    confidence, accuracy, count = bins(np.array([[0.9, 1], [0.91, 0], [0.6, 1]]), np.array([3.0, 1, 2]))
    np.testing.assert_allclose(confidence, [0.6, 0.9025])
    np.testing.assert_allclose(accuracy, [1, 0.75])
    assert count.tolist() == [1, 2]
