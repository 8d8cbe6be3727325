"""Models of XGBoost become members in its UBJ format, bit by bit, and a team of them says what they say."""

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

xgb = pytest.importorskip("xgboost", reason="xgboost is not installed: pip install 'lrensemble[xgboost]'")

DIGITS = rows()
TRAIN = training_rows()
BINARY = {"x_val": DIGITS["x_val"], "y_val": DIGITS["y_val"] % 2}


def classifier(rate: float, rounds: int = 2, **options: Any) -> Any:
    return xgb.XGBClassifier(n_estimators=rounds, learning_rate=rate, n_jobs=1, max_depth=2, **options)


SWEEP = {rate: classifier(rate).fit(*TRAIN) for rate in (0.1, 0.5)}


def adopted(folder: Path, model: Any, data: Any = DIGITS, **options: Any) -> Any:
    return lrensemble.adopt(folder / "pool", model, data=data, **options)


def trained(objective: str, truth: Any, rounds: int = 2, **options: Any) -> Any:
    return xgb.train(
        {"objective": objective, "nthread": 1, "max_depth": 2, **options}, xgb.DMatrix(TRAIN[0], truth), rounds
    )


def test_a_sweep_becomes_a_team_that_predicts_as_its_models(tmp_path: Path) -> None:
    result = adopted(tmp_path, list(SWEEP.values()))
    names = [f"XGBClassifier(learning_rate={rate}, max_depth=2, n_estimators=2)" for rate in SWEEP]
    assert [member.name for member in result] == names
    assert [member.difference for member in result] == [0, 0]
    predict = {name: model.predict_proba for name, model in zip(names, SWEEP.values(), strict=True)}
    assert_team_predicts_as_its_tools(tmp_path / "pool", tmp_path / "team", predict, DIGITS["x_test"])


@pytest.mark.parametrize("suffix", ["ubj", "json"])
def test_its_files_give_what_the_model_gives_bit_by_bit(tmp_path: Path, suffix: str) -> None:
    model, path = SWEEP[0.5], tmp_path / f"model.{suffix}"
    model.save_model(path)
    found = Foreign("xgboost", path.read_bytes())(torch.from_numpy(DIGITS["x_val"])).numpy()
    np.testing.assert_array_equal(found, model.predict_proba(DIGITS["x_val"]))
    (member,) = adopted(tmp_path, path)
    stored = lrensemble.Pool.open(tmp_path / "pool").members()[0]
    assert member.name == "model"
    assert stored.network is not None
    assert stored.network.file == "network.ubj"
    assert stored.facts["parameters"] == {"objective": "multi:softprob", "rounds": 2}


def test_of_two_classes_it_gives_one_column(tmp_path: Path) -> None:
    truth = TRAIN[1] % 2
    model = classifier(0.5).fit(TRAIN[0], truth)
    adopted(tmp_path, {"booster": model.get_booster(), "model": model}, data=BINARY)
    predict = {"booster": model.predict_proba, "model": model.predict_proba}
    assert_team_predicts_as_its_tools(tmp_path / "pool", tmp_path / "team", predict, DIGITS["x_test"])


def test_a_number_for_what_is_missing_goes_along(tmp_path: Path) -> None:
    model = classifier(0.5, missing=0.0).fit(*TRAIN)
    (member,) = adopted(tmp_path, model)
    assert member.difference == 0
    plain = classifier(0.5).fit(*TRAIN).predict_proba(DIGITS["x_val"])
    assert not np.array_equal(plain, model.predict_proba(DIGITS["x_val"]))
    model.save_model(tmp_path / "model.ubj")
    (from_file,) = adopted(tmp_path, tmp_path / "model.ubj", missing=0.0)
    assert from_file.scores == member.scores


def test_after_early_stopping_the_best_rounds_are_the_member(tmp_path: Path) -> None:
    x, y = TRAIN
    model = classifier(2.0, 20, early_stopping_rounds=2)
    model.fit(x[:500], y[:500], eval_set=[(x[500:], y[500:])], verbose=False)
    booster = model.get_booster()
    assert model.best_iteration + 1 < booster.num_boosted_rounds()
    result = adopted(tmp_path, {"model": model, "booster": booster})
    assert [member.difference for member in result] == [0, 0]
    members = lrensemble.Pool.open(tmp_path / "pool").members()
    assert members[1].facts["parameters"]["rounds"] == model.best_iteration + 1
    losses = [line["validation_0 mlogloss"] for line in members[0].history()]
    assert losses == pytest.approx(model.evals_result()["validation_0"]["mlogloss"])


def test_objectives_that_give_no_probabilities_become_such(tmp_path: Path) -> None:
    softmax = trained("multi:softmax", TRAIN[1], num_class=10)
    softprob = trained("multi:softprob", TRAIN[1], num_class=10)
    result = adopted(tmp_path / "ten", {"softmax": softmax, "softprob": softprob})
    assert result[0].scores["nll"] == pytest.approx(result[1].scores["nll"], rel=1e-6)
    raw = trained("binary:logitraw", TRAIN[1] % 2)
    (member,) = adopted(tmp_path / "two", raw, data=BINARY)
    odds = np.exp(raw.predict(xgb.DMatrix(BINARY["x_val"])))
    right = np.where(BINARY["y_val"], odds / (1 + odds), 1 / (1 + odds))
    assert member.scores["nll"] == pytest.approx(-np.log(right).mean(), rel=1e-5)
    with pytest.raises(AdoptError, match="binary:hinge, which gives a class alone; train with binary:logistic"):
        adopted(tmp_path / "two", trained("binary:hinge", TRAIN[1] % 2), data=BINARY)


@pytest.mark.parametrize("booster", ["gbtree", "gblinear", "dart"])
def test_values(tmp_path: Path, booster: str) -> None:
    x, y = load_diabetes(return_X_y=True)
    sweep = {
        f"{rate}": xgb.XGBRegressor(n_estimators=3, learning_rate=rate, n_jobs=1, booster=booster)
        for rate in (0.1, 0.5)
    }
    for model in sweep.values():
        model.fit(x[:200], y[:200])
    data = {"x_val": x[200:300], "y_val": y[200:300], "x_test": x[300:], "y_test": y[300:]}
    result = adopted(tmp_path, sweep, data=data, truth="values")
    assert [member.difference for member in result] == [0, 0]
    predict = {name: model.predict for name, model in sweep.items()}
    assert_team_predicts_as_its_tools(tmp_path / "pool", tmp_path / "team", predict, x[300:])
    with pytest.raises(AdoptError, match="has the objective multi:softprob, and the pool's truth is values"):
        adopted(tmp_path, SWEEP[0.1].get_booster(), data=data)


def test_what_cannot_be_adopted_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AdoptError, match="XGBClassifier is not fitted yet"):
        adopted(tmp_path, xgb.XGBClassifier())
    with pytest.raises(DataError, match=r"does not take inputs of shape \(64,\): .*it takes 5 features"):
        adopted(tmp_path, classifier(0.1).fit(TRAIN[0][:, :5], TRAIN[1]))
    with pytest.raises(AdoptError, match="has the objective reg:squarederror, and the pool's truth is classes"):
        adopted(tmp_path, trained("reg:squarederror", TRAIN[1]))


def test_a_json_file_is_taken_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "params.json"
    path.write_text('{"lr": 0.1}')
    with pytest.raises(AdoptError, match=r"params.json is of no tool that is known"):
        adopted(tmp_path, path)
    path.write_text('{"learner": {"attributes": 3}}')
    with pytest.raises(AdoptError, match=r"params.json: this is no model that XGBoost can read: [^/]+$"):
        adopted(tmp_path, path)
    content = bytes(SWEEP[0.1].get_booster().save_raw("ubj"))
    (tmp_path / "model.ubj").write_bytes(content[: len(content) // 2])
    with pytest.raises(AdoptError, match=r"model.ubj: this is no model that XGBoost can read"):
        adopted(tmp_path, tmp_path / "model.ubj")


def test_without_xgboost_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SWEEP[0.1].save_model(tmp_path / "model.ubj")
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(MissingExtraError, match=r"needs xgboost: pip install 'lrensemble\[xgboost\]'"):
        adopted(tmp_path, tmp_path / "model.ubj")
