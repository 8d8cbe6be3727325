"""Models of scikit-learn become members by ONNX or skops, and a team of them says what they say."""

from __future__ import annotations

import logging
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from tests.adopt.chain import assert_team_predicts_as_its_tools
from tests.adopt.given.digits import rows, training_rows

import lrensemble
from lrensemble.errors import AdoptError, DataError, MissingExtraError, PoolError
from lrensemble.networks import Foreign
from lrensemble.networks.skops import TYPES, estimator_of
from lrensemble.networks.trees import check_trees

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed: pip install 'lrensemble[sklearn]'")
io = pytest.importorskip("skops.io", reason="skops is not installed: pip install 'lrensemble[skops]'")

DIGITS = rows()
TRAIN = training_rows()
BAYES = GaussianNB().fit(*TRAIN)
FOREST = RandomForestClassifier(3, max_depth=4, random_state=0).fit(*TRAIN)
RANKED = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=6, random_state=0)).fit(*TRAIN)


def adopted(folder: Path, model: Any, **options: Any) -> Any:
    return lrensemble.adopt(folder / "pool", model, data=DIGITS, **options)


def test_a_sweep_becomes_a_team_that_predicts_as_its_models(tmp_path: Path) -> None:
    models = {
        "LogisticRegression(C=0.001, tol=1.0)": LogisticRegression(C=0.001, tol=1.0).fit(*TRAIN),
        "StandardScaler + LogisticRegression(C=0.1, tol=0.02)": make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, tol=0.02)
        ).fit(*TRAIN),
        "RandomForestClassifier(max_depth=4, n_estimators=3, random_state=0)": FOREST,
    }
    result = adopted(tmp_path, list(models.values()))
    assert [member.name for member in result] == list(models)
    assert all(member.difference < 1e-5 for member in result)
    predict = {name: model.predict_proba for name, model in models.items()}
    # ONNX computes in float32: of tiny probabilities a rounding of the logits is more than 1e-5.
    assert_team_predicts_as_its_tools(tmp_path / "pool", tmp_path / "team", predict, DIGITS["x_test"], atol=1e-6)


def test_skops_is_bit_equal_also_of_what_onnx_has_not(tmp_path: Path) -> None:
    boosted = HistGradientBoostingClassifier(max_iter=2, max_depth=3, random_state=0).fit(*TRAIN)
    models = {"boosted": boosted, "forest": FOREST, "ranked": RANKED}
    result = adopted(tmp_path, models, format="skops")
    assert [member.difference for member in result] == [0, 0, 0]
    predict = {name: model.predict_proba for name, model in models.items()}
    assert_team_predicts_as_its_tools(tmp_path / "pool", tmp_path / "team", predict, DIGITS["x_test"])


def test_truth_may_be_a_column_of_a_frame(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    x, y = TRAIN[0][:60], np.where(TRAIN[1][:60] % 2, "odd", "even")
    frame, fitted = pandas.DataFrame(x).add_prefix("p").assign(y=y), LogisticRegression(max_iter=2000).fit(x, y)
    for place, data in enumerate(((x, frame[["y"]]), (frame, "y"))):
        lrensemble.adopt(tmp_path / str(place), fitted, data=data)
        pool = lrensemble.Pool.open(tmp_path / str(place))
        assert pool.task.classes == ("even", "odd")
        np.testing.assert_array_equal(pool.truth("val"), TRAIN[1][:60] % 2)


def test_columns_of_frames_are_the_features_of_what_is_adopted(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    x, y = TRAIN[0][:60, 2:6], TRAIN[1][:60] % 2
    frame = pandas.DataFrame(x, columns=list("abcd"))
    fitted, turned = LogisticRegression().fit(frame, y), LogisticRegression().fit(frame[list("dcba")], y)
    data = {"x_val": frame, "y_val": y, "x_test": frame[list("cabd")], "y_test": y}
    lrensemble.adopt(tmp_path / "pool", fitted, data=data)
    lrensemble.select(tmp_path / "pool", "best")
    team = lrensemble.export(tmp_path / "pool", tmp_path / "team").ensemble
    assert team.description.inputs.features == tuple("abcd")
    np.testing.assert_allclose(team.predict_proba(frame[list("bdac")]), fitted.predict_proba(frame), atol=1e-5)
    (member,) = lrensemble.Pool.open(tmp_path / "pool").members()
    np.testing.assert_array_equal(member.predictions("test").main, member.predictions("val").main)
    with pytest.raises(AdoptError, match="was fitted to the columns d, c, b, a, in this order, and the data have a, b"):
        lrensemble.adopt(tmp_path / "pool", turned, data=data)


def test_a_skops_file_gives_what_the_estimator_gives_bit_by_bit(tmp_path: Path) -> None:
    io.dump(RANKED, tmp_path / "m.skops")
    network = Foreign("skops", (tmp_path / "m.skops").read_bytes())
    found = network(torch.from_numpy(DIGITS["x_val"])).numpy()
    np.testing.assert_array_equal(found, RANKED.predict_proba(DIGITS["x_val"]))
    member = adopted(tmp_path, tmp_path / "m.skops")[0]
    assert (member.name, member.difference) == ("m", 0)


def test_a_threshold_that_rounds_the_other_way_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        (member,) = adopted(tmp_path, RANKED, name="tree")
    assert member.difference == pytest.approx(1.0, abs=0.2)
    assert "tree gives other predictions here than in its own tool: they differ by up to" in caplog.text
    assert "in 1 of 400 rows" in caplog.text


def test_the_models_of_a_cross_validation(tmp_path: Path) -> None:
    scores = cross_validate(GaussianNB(), *TRAIN, cv=2, return_estimator=True)
    result = adopted(tmp_path, scores)
    assert [member.name for member in result] == ["GaussianNB fold 0", "GaussianNB fold 1"]
    members = result.pool.members()
    assert [member.facts["test_score"] for member in members] == list(scores["test_score"])
    assert members[0].facts["parameters"] == {"priors": None, "var_smoothing": 1e-9}
    assert members[0].facts["tool"].startswith("scikit-learn 1.")
    assert members[0].seconds == scores["fit_time"][0]


@pytest.mark.parametrize("format", ["onnx", "skops"])
def test_values(tmp_path: Path, format: str) -> None:  # noqa: A002
    x, y = load_diabetes(return_X_y=True)
    models = {
        "ridge": Ridge().fit(x[:200], y[:200]),
        "forest": RandomForestRegressor(3, max_depth=4, random_state=0).fit(x[:200], y[:200]),
    }
    data = {"x_val": x[200:300], "y_val": y[200:300], "x_test": x[300:], "y_test": y[300:]}
    result = lrensemble.adopt(tmp_path / "pool", models, data=data, truth="values", format=format)
    assert all((member.difference or 0) < 1e-3 for member in result)
    predict = {name: model.predict for name, model in models.items()}
    assert_team_predicts_as_its_tools(tmp_path / "pool", tmp_path / "team", predict, x[300:])


def test_texts_as_classes_keep_their_order_and_others_are_refused(tmp_path: Path) -> None:
    names = np.array(["ham", "spam", "eggs"])
    truth = names[TRAIN[1] % 3]
    model = GaussianNB().fit(TRAIN[0], truth)
    data = {"x_val": DIGITS["x_val"], "y_val": names[DIGITS["y_val"] % 3]}
    result = lrensemble.adopt(tmp_path / "pool", model, data=data)
    assert result.pool.task.target.names == ("eggs", "ham", "spam")
    other = GaussianNB().fit(TRAIN[0], np.where(truth == "ham", "bacon", truth))
    with pytest.raises(AdoptError, match="gives the classes bacon, eggs, spam, and the pool has eggs, ham, spam"):
        lrensemble.adopt(tmp_path / "pool", other, data=data)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LogisticRegression(), "LogisticRegression is not fitted yet"),
        (LinearSVC().fit(*TRAIN), r"LinearSVC has no predict_proba.*CalibratedClassifierCV\(LinearSVC"),
        (Ridge().fit(*TRAIN), "Ridge predicts values, and the pool's truth is classes; .* truth='values'"),
        (StandardScaler().fit(TRAIN[0]), "StandardScaler is neither a classifier nor a regressor"),
        (
            GridSearchCV(GaussianNB(), {"var_smoothing": [1e-3, 1e-2]}, cv=2).fit(*TRAIN),
            r"GridSearchCV keeps no model but the best.*return_estimator=True",
        ),
        (cross_validate(GaussianNB(), *TRAIN, cv=2), "kept no models; call cross_validate.*return_estimator=True"),
        (
            make_pipeline(FunctionTransformer(np.sqrt), GaussianNB()).fit(*TRAIN),
            "cannot be converted to ONNX .* adopt it with format='skops', or collect its predictions",
        ),
        ("model.joblib", "model.joblib is a pickle, and reading it would run code of the file; .*skops.io.dump"),
        ("runs/model.pkl", "runs/model.pkl is a pickle"),
        ("model.skops", "model.skops is no file"),
        (RandomForestClassifier(2).fit(TRAIN[0], np.stack([TRAIN[1], TRAIN[1] % 2], axis=1)), "several truths of each"),
    ],
)
def test_what_cannot_be_adopted_says_what_to_do(tmp_path: Path, model: Any, message: str) -> None:
    with pytest.raises(AdoptError, match=message):
        adopted(tmp_path, model)
    assert not lrensemble.Pool.open(tmp_path / "pool").members()


def test_other_formats_and_other_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AdoptError, match="format 'pickle' is refused; give 'onnx' or 'skops'"):
        adopted(tmp_path, BAYES, format="pickle")
    few = GaussianNB().fit(TRAIN[0][:, :5], TRAIN[1])
    with pytest.raises((AdoptError, DataError, PoolError), match=r"does not take inputs of shape \(64,\)"):
        adopted(tmp_path, few)


class Harmful:
    """What a stranger's file would have us build."""


def write(path: Path, model: Any, change: Any) -> None:
    """A skops file whose JSON somebody changed."""
    io.dump(model, path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["schema.json"] = change(files["schema.json"].decode()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def test_a_skops_file_of_a_stranger_builds_nothing_of_theirs(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    write(
        path,
        BAYES,
        lambda schema: schema.replace('"GaussianNB"', '"Popen"').replace("sklearn.naive_bayes", "subprocess"),
    )
    with pytest.raises(AdoptError, match=r"holds subprocess.Popen, and only types of scikit-learn and numpy are read"):
        adopted(tmp_path, path)
    io.dump(Harmful(), path)
    with pytest.raises(AdoptError, match="Harmful, and only types of scikit-learn"):
        adopted(tmp_path, path)
    path.write_bytes(b"PK no archive")
    with pytest.raises(AdoptError, match="no skops file that can be read"):
        adopted(tmp_path, path)
    io.dump({"a": 1}, path)
    with pytest.raises(AdoptError, match="holds dict; save a fitted estimator"):
        adopted(tmp_path, path)
    assert all(name.startswith(("sklearn.", "numpy.")) for name in TYPES)


@pytest.mark.parametrize(("field", "value"), [("feature", 64), ("left_child", 10_000), ("right_child", 0)])
def test_a_tree_that_leads_out_of_itself_is_refused(field: str, value: int) -> None:
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(*TRAIN)
    state = model.tree_.__getstate__()
    state["nodes"][field][0] = value
    model.tree_.__setstate__(state)
    with pytest.raises(DataError, match="a tree that leads out of itself"):
        estimator_of(io.dumps(model))


def test_more_nodes_than_a_tree_has_and_gradient_boosting_are_refused() -> None:
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(*TRAIN)
    state = model.tree_.__getstate__()
    content = io.dumps(model)
    assert estimator_of(content).tree_.node_count == state["node_count"]
    model.tree_.__setstate__({**state, "nodes": state["nodes"][:3], "values": state["values"][:3]})
    assert model.tree_.node_count > model.tree_.capacity
    with pytest.raises(DataError, match="a tree that leads out of itself"):
        check_trees(model)
    boosted = GradientBoostingClassifier(n_estimators=1, max_depth=1).fit(TRAIN[0][:100], TRAIN[1][:100])
    with pytest.raises(DataError, match="GradientBoostingClassifier is not read from a skops file"):
        estimator_of(io.dumps(CalibratedClassifierCV(boosted, cv=2).fit(TRAIN[0][:100], TRAIN[1][:100])))


def test_a_tree_of_boosting_that_leads_out_of_itself_is_refused() -> None:
    boosted = HistGradientBoostingClassifier(max_iter=1, max_depth=2).fit(*TRAIN)
    estimator_of(io.dumps(boosted))
    boosted._predictors[0][3].nodes["feature_idx"][0] = 64
    with pytest.raises(DataError, match="a tree that leads out of itself"):
        estimator_of(io.dumps(boosted))


@pytest.mark.parametrize(("module", "extra"), [("skl2onnx", "sklearn"), ("skops.io", "skops")])
def test_a_missing_tool_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        MissingExtraError, match=rf"needs {extra.replace('sklearn', 'skl2onnx')}: pip install 'lrensemble\[{extra}\]'"
    ):
        adopted(tmp_path, BAYES, format="onnx" if extra == "sklearn" else "skops")
