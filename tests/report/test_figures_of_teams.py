"""Figures of many teams: their numbers are those that are given, however small, and their captions are sentences."""

import numpy as np
import pytest

from lrensemble.report.sections.figures_of_teams import against, by_size

MASKS = np.array([[True, True, False], [True, False, True], [True, True, True]])


def test_small_errors_are_drawn_as_they_are() -> None:
    figure = by_size(np.array([3e-8, 5e-8, 7e-8]), MASKS, np.array([2e-8, 4e-8, 1e-8]), np.min, "val RMSE of the mean")
    best, mean = (trace["y"] for trace in figure.traces)
    assert best == pytest.approx([3e-8, 2e-8, 1e-8], rel=1e-9)
    assert mean == pytest.approx([5e-8, 3e-8, 1e-8], rel=1e-9)
    assert [list(trace["x"]) for trace in figure.traces] == [[1, 2, 3]] * 2


@pytest.mark.parametrize(
    ("title", "said"), [("val accuracy of the team, %", "Val accuracy of the team"), ("val RMSE", "Val RMSE")]
)
def test_a_caption_begins_as_a_sentence_and_has_no_unit(title: str, said: str) -> None:
    figure = against("diversity", np.zeros(3), np.ones(3), MASKS, ("ambiguity", title), "ambiguity %{x:.4g}")
    assert figure.caption == f"{said} against ambiguity. Every point is a team."
