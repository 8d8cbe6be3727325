"""Deep-ensemble equivalents against the definition written slowly, and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.study.studies import settings_of, skilled_pool

from lrensemble.evaluate.study import compare
from lrensemble.evaluate.study.findings.equivalent import equivalent

SIZES = np.array([1.0, 2.0, 4.0, 8.0])
LOSSES = np.array([1.0, 0.6, 0.5, 0.45])


def slowly(loss: float) -> float | None:
    """The least number, in steps of a thousandth, whose interpolated loss is no higher (Ashukha et al. 2020, eq. 9)."""
    grid = np.arange(1000, 8001) / 1000
    reached = grid[np.interp(grid, SIZES, LOSSES) <= loss]
    return float(reached[0]) if len(reached) and loss <= LOSSES[0] else None


@pytest.mark.parametrize("loss", [1.0, 0.99, 0.8, 0.6, 0.55, 0.47, 0.45])
def test_equivalents_are_those_of_the_definition(loss: float) -> None:
    value, beyond = equivalent(loss, SIZES, LOSSES)
    assert value == pytest.approx(slowly(loss), abs=0.0011)
    assert beyond == ""


@pytest.mark.parametrize(
    ("loss", "value", "beyond"), [(0.8, 1.5, ""), (0.55, 3.0, ""), (1.01, None, "<"), (0.44, None, ">")]
)
def test_by_hand(loss: float, value: float | None, beyond: str) -> None:
    found = equivalent(loss, SIZES, LOSSES)
    assert found == (pytest.approx(value) if value else None, beyond)


def test_of_a_curve_that_rises_again_the_first_crossing_counts() -> None:
    assert equivalent(0.5, np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.4, 0.7]))[0] == pytest.approx(1 + 5 / 6)


def test_a_deep_ensemble_is_worth_its_own_size(tmp_path: Path) -> None:
    seeds = [skilled_pool(tmp_path / f"seeds{r}", [1.0] * 6, replicate=r) for r in range(2)]
    other = [skilled_pool(tmp_path / f"other{r}", [0.1, 0.2], policies=("a", "b"), replicate=r) for r in range(2)]
    found = compare({"other": other, "seeds": seeds}, settings_of(["other", "seeds"]))
    assert [each.pool for each in found.deep_ensembles] == ["seeds", "seeds"]
    for ensemble in found.deep_ensembles:
        assert ensemble.sizes == (1, 2, 3, 4, 5, 6)
        assert ensemble.means[0] > ensemble.means[-1]
        assert ensemble.deviations[-1] == 0
    weak = [each for each in found.equivalents if each.pool == "other"]
    assert [each.beyond for each in weak] == ["<", "<"]
    strong = [each for each in found.equivalents if each.pool == "seeds"]
    assert all((each.value is None and each.beyond == ">") or (each.value or 0) > 2 for each in strong)
