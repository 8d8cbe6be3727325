"""A best peak at the edge of the grid is told, and one between others is not."""

import pytest

from lrensemble.evaluate.peaks import edge_of_peaks
from lrensemble.pool import Member


def member(peak: object, nll: float | None, name: str = "cosine", **others: object) -> Member:
    recipe = {"policy": {"name": name, "peak": peak, **others}}
    scores = {} if nll is None else {"val": {"nll": nll, "accuracy": 1 - nll / 10}}
    return Member(id="a", order=0, name=name, recipe=recipe, scores=scores, task={}, files={})


@pytest.mark.parametrize(
    ("nlls", "expected"),
    [
        (
            [0.9, 0.5, 0.3],
            "cosine did best at peak 0.4, the highest of the 3 that were tried: higher ones",
        ),
        ([0.3, 0.5, 0.9], "cosine did best at peak 0.1, the lowest of the 3 that were tried: lower ones"),
        ([0.9, 0.3, 0.5], None),
        ([0.9, 0.3, 0.3], None),
        ([0.9, 0.3, None], "cosine did best at peak 0.2, the highest of the 2"),
    ],
)
@pytest.mark.parametrize("metric", ["nll", "accuracy"])
def test_the_edge_is_told(nlls: list[float | None], expected: str | None, metric: str) -> None:
    members = [member(peak, nll) for peak, nll in zip((0.1, 0.2, 0.4), nlls, strict=True)]
    members += [member(peak, 1.0, "linear") for peak in (0.1, 0.2)]
    found = edge_of_peaks(members[::-1], metric)
    assert (found or "").startswith(expected or "")
    assert bool(found) == bool(expected)
    assert found is None or ("lrensemble range-test" in found and "\n" not in found)


def test_only_peaks_of_one_and_the_same_policy_are_compared() -> None:
    assert edge_of_peaks([member(0.1, 0.5), member(0.2, 0.4, floor=0.01)], "nll") is None
    assert edge_of_peaks([member(0.1, 0.5), member(0.1, 0.4)], "nll") is None
    assert edge_of_peaks([member("high", 0.5), member(0.2, 0.4)], "brier") is None
    assert edge_of_peaks([], "nll") is None
