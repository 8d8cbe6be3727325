"""Models that were fitted to named columns take no others, whoever fitted them and however they were saved."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import lrensemble
from lrensemble.adopt.features import check_features
from lrensemble.errors import AdoptError

pandas = pytest.importorskip("pandas")

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
Y = X.argmax(axis=1)
FLOWERS = ["petal length (cm)", "petal width (cm)", "age"]


def frame(*names: str) -> Any:
    return pandas.DataFrame(X, columns=list(names))


def of_sklearn(given: Any, _folder: Path) -> Any:
    pytest.importorskip("skl2onnx")
    return LogisticRegression().fit(given, Y)


def of_skops(given: Any, folder: Path) -> Any:
    pytest.importorskip("skops.io").dump(LogisticRegression().fit(given, Y), folder / "model.skops")
    return folder / "model.skops"


def of_xgboost(given: Any, folder: Path) -> Any:
    tool = pytest.importorskip("xgboost")
    booster = tool.train({"objective": "multi:softprob", "num_class": 3}, tool.DMatrix(given, Y), 2)
    booster.save_model(folder / "model.ubj")
    return folder / "model.ubj"


def of_lightgbm(given: Any, folder: Path) -> Any:
    tool = pytest.importorskip("lightgbm")
    tool.LGBMClassifier(n_estimators=2, verbose=-1).fit(given, Y).booster_.save_model(folder / "model.txt")
    return folder / "model.txt"


@pytest.mark.parametrize("fitted", [of_sklearn, of_skops, of_xgboost, of_lightgbm])
def test_other_columns_are_refused(fitted: Callable[[Any, Path], Any], tmp_path: Path) -> None:
    given = frame(*FLOWERS)
    model = fitted(given, tmp_path)
    assert lrensemble.adopt(tmp_path / "pool", model, data=(given, Y))[0].new
    assert lrensemble.adopt(tmp_path / "of an array", model, data=(X, Y))[0].new
    with pytest.raises(AdoptError, match=r"was fitted to 'age', which the data do not have, and was not .* 'sex'"):
        lrensemble.adopt(tmp_path / "other", model, data=(frame(*FLOWERS[:2], "sex"), Y))
    with pytest.raises(
        AdoptError, match=r"was fitted to the columns petal.length.*, in this order, and the data have age"
    ):
        lrensemble.adopt(tmp_path / "other", model, data=(frame(*FLOWERS[::-1]), Y))


def test_steps_that_pick_columns_by_name_find_them(tmp_path: Path) -> None:
    pytest.importorskip("skops.io")
    given, later = frame(*"abc"), frame(*"cab") * 0.5
    scaled = ColumnTransformer([("scaled", StandardScaler(), ["c"]), ("as it is", "passthrough", ["a", "b"])])
    model = make_pipeline(scaled, LogisticRegression()).fit(given, Y)
    (member,) = lrensemble.adopt(tmp_path / "pool", model, data=(given, Y), format="skops")
    assert member.difference == 0
    lrensemble.select(tmp_path / "pool", "best")
    team = lrensemble.export(tmp_path / "pool", tmp_path / "team").ensemble
    np.testing.assert_allclose(team.predict_proba(later), model.predict_proba(later[list("abc")]), atol=1e-6)


@pytest.mark.parametrize("fitted", [of_sklearn, of_xgboost, of_lightgbm])
def test_models_of_arrays_take_any_names(fitted: Callable[[Any, Path], Any], tmp_path: Path) -> None:
    assert lrensemble.adopt(tmp_path / "pool", fitted(X, tmp_path), data=(frame(*"abc"), Y))[0].new


@pytest.mark.parametrize(
    ("fitted", "features", "message"),
    [
        (["a"], ["a", "b"], "m was not fitted to 'b', which the data have; give"),
        (["a", "b"], ["a"], "m was fitted to 'b', which the data do not have; give"),
        (["a", "a"], ["a", "b"], "m was not fitted to 'b', which the data have; give"),
        (["a", "a", "b"], ["a", "b", "b"], "m was fitted to other columns than the data have; give"),
    ],
)
def test_what_differs_is_named(fitted: list[str], features: list[str], message: str) -> None:
    with pytest.raises(AdoptError, match=re.escape(message)):
        check_features("m", fitted, features)


@pytest.mark.parametrize(
    ("fitted", "features"),
    [
        (["x0", "x1", "x2"], ["age", "sex", "bmi"]),
        (["0", "1", "2"], ["age", "sex", "bmi"]),
        (["age", "sex", "bmi"], ["V1", "V2", "V3"]),
        (["pixel1", "pixel2"], ["f0", "f1"]),
        (["Age", " SEX"], ["age", "sex"]),
        (["e\u0301 x"], ["\u00e9.x"]),
        (["petal length (cm)"], ["petal_length_cm"]),
        (["a", "A"], ["a", "A"]),
    ],
)
def test_names_that_say_the_same_or_nothing_are_no_others(fitted: list[str], features: list[str]) -> None:
    check_features("m", fitted, features)


@pytest.mark.parametrize(
    ("fitted", "features"),
    [
        (["x0", "x1", "x2"], ["x1", "x2", "x3"]),
        (["x0", "x1", "x2"], ["x2", "x1", "x0"]),
        (["x0", "x1"], ["age", "sex", "bmi"]),
        (["a", "A"], ["A", "a"]),
        (["x1", "x3"], ["age", "sex"]),
    ],
)
def test_names_that_say_others_are_refused(fitted: list[str], features: list[str]) -> None:
    with pytest.raises(AdoptError, match=r"m was (not )?fitted to"):
        check_features("m", fitted, features)
