"""Models of LightGBM become members in its text format, bit by bit, and a team of them says what they say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from tests.adopt.chain import assert_team_predicts_as_its_tools
from tests.adopt.given.digits import rows, training_rows

import lrensemble
from lrensemble.errors import AdoptError, DataError, MissingExtraError
from lrensemble.networks import Foreign

lgb = pytest.importorskip("lightgbm", reason="lightgbm is not installed: pip install 'lrensemble[lightgbm]'")

DIGITS = rows()
TRAIN = training_rows()
QUIET = {"n_jobs": 1, "verbose": -1, "num_leaves": 4}


def classifier(rate: float, rounds: int = 2, **options: Any) -> Any:
    return lgb.LGBMClassifier(n_estimators=rounds, learning_rate=rate, **QUIET, **options)


SWEEP = {rate: classifier(rate).fit(*TRAIN) for rate in (0.1, 0.3)}


def adopted(folder: Path, model: Any, data: Any = DIGITS, **options: Any) -> Any:
    return lrensemble.adopt(folder / "pool", model, data=data, **options)


def test_a_sweep_becomes_a_team_that_predicts_as_its_models(tmp_path: Path) -> None:
    result = adopted(tmp_path, list(SWEEP.values()))
    names = [f"LGBMClassifier(learning_rate={rate}, n_estimators=2, num_leaves=4)" for rate in SWEEP]
    assert [member.name for member in result] == names
    assert [member.difference for member in result] == [0, 0]
    predict = {name: model.predict_proba for name, model in zip(names, SWEEP.values(), strict=True)}
    assert_team_predicts_as_its_tools(tmp_path / "pool", tmp_path / "team", predict, DIGITS["x_test"])


def test_its_text_gives_what_the_model_gives_bit_by_bit(tmp_path: Path) -> None:
    model = SWEEP[0.3]
    model.booster_.save_model(tmp_path / "model.txt")
    network = Foreign("lightgbm", (tmp_path / "model.txt").read_bytes())
    found = network(torch.from_numpy(DIGITS["x_val"])).numpy()
    np.testing.assert_array_equal(found, model.predict_proba(DIGITS["x_val"]))
    (member,) = adopted(tmp_path, tmp_path / "model.txt")
    assert member.name == "model"
    facts = lrensemble.Pool.open(tmp_path / "pool").members()[0].facts
    assert facts["parameters"]["learning_rate"] == "0.3"
    assert facts["tool"] == f"lightgbm {lgb.__version__}"


def test_a_booster_gives_one_column_of_two_classes(tmp_path: Path) -> None:
    truth = TRAIN[1] % 2
    model = classifier(0.3).fit(TRAIN[0], truth)
    data = {"x_val": DIGITS["x_val"], "y_val": DIGITS["y_val"] % 2}
    adopted(tmp_path, {"booster": model.booster_, "model": model}, data=data)
    predict = {"booster": model.predict_proba, "model": model.predict_proba}
    assert model.booster_.predict(DIGITS["x_val"]).ndim == 1
    assert_team_predicts_as_its_tools(tmp_path / "pool", tmp_path / "team", predict, DIGITS["x_test"])


def test_after_early_stopping_the_best_iterations_are_the_member(tmp_path: Path) -> None:
    x, y = TRAIN
    stop = lgb.early_stopping(1, verbose=False)
    model = classifier(2.0, 20).fit(x[:500], y[:500], eval_X=x[500:], eval_y=y[500:], callbacks=[stop])
    assert model.best_iteration_ < 20
    (member,) = adopted(tmp_path, model)
    assert member.difference == 0
    stored = lrensemble.Pool.open(tmp_path / "pool").members()[0]
    history = stored.history()
    assert [line["epoch"] for line in history] == list(range(1, len(history) + 1))
    assert history[0]["valid_0 multi_logloss"] == pytest.approx(model.evals_result_["valid_0"]["multi_logloss"][0])


def test_values(tmp_path: Path) -> None:
    x, y = load_diabetes(return_X_y=True)
    sweep = {f"{rate}": lgb.LGBMRegressor(n_estimators=3, learning_rate=rate, **QUIET) for rate in (0.1, 0.5)}
    for model in sweep.values():
        model.fit(x[:200], y[:200])
    data = {"x_val": x[200:300], "y_val": y[200:300], "x_test": x[300:], "y_test": y[300:]}
    result = adopted(tmp_path, sweep, data=data, truth="values")
    assert [member.difference for member in result] == [0, 0]
    predict = {name: model.predict for name, model in sweep.items()}
    assert_team_predicts_as_its_tools(tmp_path / "pool", tmp_path / "team", predict, x[300:])
    with pytest.raises(AdoptError, match="LGBMClassifier predicts classes, and the pool's truth is values"):
        adopted(tmp_path, SWEEP[0.1], data=data)
    with pytest.raises(AdoptError, match="has the objective multiclass, and the pool's truth is values"):
        adopted(tmp_path, SWEEP[0.1].booster_, data=data)


def test_an_objective_of_ones_own_must_say_what_it_gives(tmp_path: Path) -> None:
    def logistic(scores: Any, data: Any) -> Any:
        truth = np.eye(10)[data.get_label().astype(int)]
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        probs = raised / raised.sum(axis=1, keepdims=True)
        return probs - truth, probs * (1 - probs)

    parameters = {"objective": logistic, "num_class": 10, "verbose": -1, "num_threads": 1, "num_leaves": 3}
    model = lgb.train(parameters, lgb.Dataset(*TRAIN), 2)
    with pytest.raises(AdoptError, match="Booster has an objective of its own; say what it gives: gives='logits'"):
        adopted(tmp_path, model)
    (member,) = adopted(tmp_path, model, gives="logits")
    assert member.scores["accuracy"] > 0.5


def test_what_cannot_be_adopted_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AdoptError, match="LGBMClassifier is not fitted yet"):
        adopted(tmp_path, lgb.LGBMClassifier())
    few = classifier(0.1).fit(TRAIN[0][:, :5], TRAIN[1])
    with pytest.raises(DataError, match=r"does not take inputs of shape \(64,\): .*number of features"):
        adopted(tmp_path, few)
    (tmp_path / "notes.txt").write_text("trees are nice")
    with pytest.raises(AdoptError, match="of no tool that is known"):
        adopted(tmp_path, tmp_path / "notes.txt")


def test_a_file_that_is_cut_off_or_damaged_is_refused_and_nothing_aborts(tmp_path: Path) -> None:
    text = SWEEP[0.1].booster_.model_to_string()
    path = tmp_path / "model.txt"
    for damaged in (text[:3000], text[: text.index("end of trees")], "tree\n"):
        path.write_text(damaged)
        with pytest.raises(AdoptError, match=r"model.txt: this is no whole file of LightGBM's"):
            adopted(tmp_path, path)
    for old, new in (("leaf_value=", "leaf_worth="), ("num_leaves=", "num_leaves=9"), ("num_class=", "n=")):
        path.write_text(text.replace(old, new))
        with pytest.raises(AdoptError, match=r"model.txt: this is no model that LightGBM can read: \w+"):
            adopted(tmp_path, path)


def test_without_lightgbm_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.txt").write_text(SWEEP[0.1].booster_.model_to_string())
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match=r"needs lightgbm: pip install 'lrensemble\[lightgbm\]'"):
        adopted(tmp_path, tmp_path / "model.txt")
