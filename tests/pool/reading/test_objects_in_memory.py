"""Objects in memory: orders of rows that may be meant both ways, and what holds no numbers, are refused in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lrensemble
from lrensemble.errors import PredictionsError

pandas = pytest.importorskip("pandas")

Y = np.arange(30) % 3
SAID = np.eye(3)[Y] * 0.7 + 0.1
SHUFFLED = np.random.default_rng(0).permutation(30)


def frame(index: Any = None) -> Any:
    return pandas.DataFrame(SAID, columns=list("abc"), index=index)


def column(index: Any = None) -> Any:
    return pandas.Series(Y, index=index)


def accuracies(folder: Path, given: Any, **options: Any) -> list[float]:
    pool = lrensemble.collect(given, folder / "pool", **options).pool
    return [member.scores["val"]["accuracy"] for member in pool.members()]


@pytest.mark.parametrize(
    ("given", "truth", "message"),
    [
        ({"m": frame()}, column()[::-1], r"m and truth have .* in another order \(0, 1, 2, … and 29, 28, 27, …\)"),
        ({"m": frame().iloc[SHUFFLED]}, column(), "m and truth have by their index the same rows in another order"),
        ([frame(), frame().iloc[SHUFFLED]], column(), "0 and 1 have by their index the same rows in another order"),
        ({"m": frame(np.arange(30) / 2)}, column(np.arange(30) / 2)[::-1], r"\(0.0, 0.5, 1.0, … and 14.5, 14.0"),
    ],
)
def test_an_order_that_may_be_meant_both_ways_is_refused(given: Any, truth: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=message) as caught:
        accuracies(tmp_path, given, truth=truth)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists()


def test_rows_that_have_names_go_by_them(tmp_path: Path) -> None:
    names = [f"row {place}" for place in range(30)]
    assert accuracies(tmp_path / "index", {"m": frame(names)}, truth=column(names)[::-1]) == [1.0]
    with_ids = frame().assign(id=np.arange(30), label=Y)
    assert accuracies(tmp_path / "column", {"m": with_ids, "n": with_ids.iloc[SHUFFLED]}) == [1.0, 1.0]
    assert accuracies(tmp_path / "place", {"m": SAID}, truth=column(SHUFFLED)) == [1.0]


def test_sparse_tensors_are_arrays(tmp_path: Path) -> None:
    assert accuracies(tmp_path, {"m": torch.tensor(SAID).to_sparse()}, truth=torch.tensor(Y)) == [1.0]


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (torch.empty(30, 3, device="meta"), {}, r"a tensor has no numbers that can be read \(.*\); give a dense one"),
        (SAID, {"kind": "prob"}, "kind 'prob' is refused; give one of log_probs, logits, probs"),
        (SAID[:0], {"truth": Y[:0]}, r"predictions \[0, 3\] are of no rows; give a row at least"),
    ],
)
def test_what_holds_nothing_is_refused(given: Any, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=message):
        accuracies(tmp_path, {"m": given}, **{"truth": Y, **options})
