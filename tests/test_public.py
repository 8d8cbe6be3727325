"""What is importable is what is declared."""

import subprocess
import sys
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import lrensemble


def test_few_names() -> None:
    assert len(lrensemble.__all__) <= 33
    assert lrensemble.__all__ == sorted(set(lrensemble.__all__))
    assert dir(lrensemble) == sorted([*lrensemble.__all__, "__version__"])


@pytest.mark.parametrize("name", lrensemble.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert getattr(lrensemble, name).__doc__


def test_nothing_else_is_public() -> None:
    script = """
import lrensemble, types
found = {n for n, v in vars(lrensemble).items() if not n.startswith("_") and not isinstance(v, types.ModuleType)}
print(sorted(found - set(lrensemble.__all__) - {"lazily", "TYPE_CHECKING"}))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'selct'"):
        getattr(lrensemble, "selct")


def types_of_what_is_public(rows: NDArray[np.float64], outputs: torch.Tensor, labels: NDArray[np.int64]) -> None:
    """Read by mypy alone: whoever uses these has their types, and nothing of them is Any."""
    pool = assert_type(lrensemble.tune("digits", "pool"), lrensemble.Pool)
    assert_type(pool.members(), tuple[lrensemble.Member, ...])
    assert_type(lrensemble.Pool.open(Path("pool")), lrensemble.Pool)
    assert_type(pool.truth("val"), NDArray[Any])
    assert_type(lrensemble.load_experiment("digits"), lrensemble.Experiment)
    assert_type(lrensemble.evaluate(pool), lrensemble.Result)
    assert_type(lrensemble.run("digits"), lrensemble.Result)
    assert_type(lrensemble.run("digits", shard="1/2"), lrensemble.Result | None)
    assert_type(lrensemble.select(lrensemble.Validation(rows, labels), "greedy"), lrensemble.Selection)
    assert_type(lrensemble.Ensemble.load("ensemble").predict_proba(rows), NDArray[np.float64])
    assert_type(lrensemble.combine("mean", rows), NDArray[Any])
    assert_type(lrensemble.combine("mean", outputs), torch.Tensor)
    assert_type(lrensemble.score("accuracy", rows, labels), float)
    model = lrensemble.LREnsembleClassifier(object())
    assert_type(model.fit(rows, labels), lrensemble.LREnsembleClassifier)
    assert_type(model.predict(rows), NDArray[Any])
    assert_type(model.predict_proba(rows), NDArray[np.float64])
    assert_type(lrensemble.__version__, str)
