"""Estimators of scikit-learn: its checks, the definition written slowly, values by hand, edges."""

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ParameterGrid,
    cross_val_predict,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from lrensemble import LREnsembleClassifier, LREnsembleRegressor, Validation, select

ROWS = 90
SMALL = "greedy(size=5, bootstrap=1)"
TREES = {"max_depth": [1, 2, 4], "min_samples_leaf": [1, 5]}
Floats = NDArray[np.float64]


@parametrize_with_checks(  # type: ignore[untyped-decorator]  # scikit-learn has no types
    [
        LREnsembleClassifier(LogisticRegression(), {"C": [0.1, 10.0]}, method=SMALL, cv=2),
        LREnsembleRegressor(Ridge(), {"alpha": [0.1, 10.0]}, method=SMALL, cv=2),
    ]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore:The least populated class")
def test_scikit_learn_takes_it_for_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def test_the_team_is_chosen_on_out_of_fold_predictions(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    folds = list(KFold(4, shuffle=True, random_state=3).split(X))
    model = LREnsembleClassifier(DecisionTreeClassifier(random_state=0), TREES, cv=folds, method=SMALL).fit(X, y)
    points = [DecisionTreeClassifier(random_state=0, **point) for point in ParameterGrid(TREES)]
    probs = np.stack([cross_val_predict(point, X, y, cv=folds, method="predict_proba") for point in points])
    clipped = np.clip(probs, np.finfo(float).eps, 1)
    losses = [-np.log(each[np.arange(ROWS), np.searchsorted(model.classes_, y)]).mean() for each in clipped]
    assert [point.score for point in model.out_of_fold_] == pytest.approx([-loss for loss in losses], rel=1e-6)
    assert model.best_single_ is model.out_of_fold_[int(np.argmin(losses))]
    assert model.best_single_.parameters == list(ParameterGrid(TREES))[int(np.argmin(losses))]

    order = np.concatenate([test for _, test in folds])
    with np.errstate(divide="ignore"):
        log_probs = np.maximum(np.log(probs[:, order]), -1e4).astype(np.float32)
    seed = int(np.random.RandomState(0).randint(np.iinfo(np.int32).max))
    found = select(Validation(log_probs, np.searchsorted(model.classes_, y)[order]), SMALL, seed=seed)
    assert (model.selection_.team, model.selection_.weights) == (found.team, found.weights)
    assert model.out_of_fold_.team_score == pytest.approx(found.score)
    assert len(found) > 1
    assert [point.weight for point in model.out_of_fold_ if point.weight] == pytest.approx(found.weights)

    refitted = [clone(points[member]).fit(X, y).predict_proba(X) for member in found.team]
    expected = sum(weight * each for weight, each in zip(found.weights, refitted, strict=True))
    assert model.predict_proba(X) == pytest.approx(np.asarray(expected), abs=1e-6)
    assert model.predict(X).tolist() == model.classes_[np.argmax(expected, axis=1)].tolist()


def test_the_mean_of_two_constants_by_hand() -> None:
    y = np.tile([0.0, 2.0], 10)
    grid = {"constant": [0.0, 2.0, 7.0]}
    model = LREnsembleRegressor(DummyRegressor(strategy="constant"), grid, method="brute_force").fit(y[:, None], y)
    assert model.selection_.team == (0, 1)
    assert model.weights_.tolist() == [0.5, 0.5]
    assert [point.score for point in model.out_of_fold_] == [-2, -2, -37]
    assert (model.out_of_fold_.team_score, model.out_of_fold_.cross_fitted) == (-1, -1)
    assert model.predict([[5.0], [6.0]]).tolist() == [1, 1]
    assert repr(model.out_of_fold_) == (
        "<OutOfFold: mse: team of 2 -1.0000 (cross-fitted -1.0000), best single -2.0000 (constant=0.0), 3 points>"
    )
    assert model.out_of_fold_.to_frame()["name"].tolist() == ["constant=0.0", "constant=2.0", "constant=7.0"]


def test_better_than_the_best_single_on_rows_that_nobody_saw() -> None:
    X, y = make_classification(900, 12, n_informative=6, flip_y=0.1, random_state=1)
    grid = {"max_depth": [3, 5, 8], "max_features": [3, 6, 12]}
    model = LREnsembleClassifier(DecisionTreeClassifier(), grid).fit(X[:500], y[:500])
    single = DecisionTreeClassifier(random_state=0, **model.best_single_.parameters).fit(X[:500], y[:500])
    assert log_loss(y[500:], model.predict_proba(X[500:])) < log_loss(y[500:], single.predict_proba(X[500:])) - 0.1


def test_of_values_the_team_is_the_weighted_mean(values: tuple[Floats, Floats]) -> None:
    X, y = values
    model = LREnsembleRegressor(DecisionTreeRegressor(random_state=0), TREES, method=SMALL, metric="mae").fit(X, y)
    expected = np.einsum("ms,m->s", np.stack([each.predict(X) for each in model.estimators_]), model.weights_)
    assert model.predict(X) == pytest.approx(expected)
    assert model.selection_.metric == "mae"
    assert model.score(X, y) > 0.5


def test_several_outputs(values: tuple[Floats, Floats]) -> None:
    X, y = values
    both = np.stack([y, 1 - y], axis=1)
    model = LREnsembleRegressor(Ridge(), {"alpha": [0.1, 1.0, 300.0]}, method=SMALL).fit(X, both)
    assert model.predict(X[:7]).shape == (7, 2)
    one = LREnsembleRegressor(Ridge(), {"alpha": [0.1, 1.0, 300.0]}, method=SMALL).fit(X, y)
    assert one.predict(X[:7]).shape == (7,)


@pytest.mark.parametrize("consensus", ["stacking", "tempered(temperature=2.0)", "plurality"])
def test_a_consensus_of_any_kind(consensus: str, classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    grid = {"n_neighbors": [1, 5, 20]}
    model = LREnsembleClassifier(KNeighborsClassifier(), grid, method="all", consensus=consensus).fit(X, y)
    probs = model.predict_proba(X)
    assert probs.sum(axis=1) == pytest.approx(1)
    assert model.consensus_.name == consensus.split("(")[0]
    assert ("coefficients" in model.consensus_.arguments) == (consensus == "stacking")


def test_a_consensus_of_values_that_learns(values: tuple[Floats, Floats]) -> None:
    X, y = values
    model = LREnsembleRegressor(Ridge(), {"alpha": [100.0, 1000.0]}, method="all", consensus="stacked_regression").fit(
        X, y
    )
    mean = LREnsembleRegressor(Ridge(), {"alpha": [100.0, 1000.0]}, method="all").fit(X, y)
    assert model.score(X, y) > mean.score(X, y) + 0.1


def test_models_without_probabilities_say_labels(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    model = LREnsembleClassifier(LinearSVC(), {"C": [0.001, 0.1, 10.0]}, method=SMALL)
    assert not hasattr(model, "predict_proba")
    model.fit(X, y)
    assert model.selection_.metric == "accuracy"
    assert not hasattr(model, "predict_proba")
    votes = np.stack([each.predict(X)[:, None] == model.classes_ for each in model.estimators_]).astype(float)
    assert model.predict(X).tolist() == model.classes_[np.einsum("msc,m->sc", votes, model.weights_).argmax(1)].tolist()


def test_labels_beside_probabilities(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    pipeline = make_pipeline(StandardScaler(), GaussianNB())
    model = LREnsembleClassifier(pipeline, {"gaussiannb": [LinearSVC(), GaussianNB()]}, method="all").fit(X, y)
    assert model.selection_.metric == "accuracy"
    assert not hasattr(model, "predict_proba")
    assert set(model.predict(X)) <= set(y)


def test_a_point_that_fails_is_a_row(
    classes: tuple[Floats, NDArray[np.str_]], caplog: pytest.LogCaptureFixture
) -> None:
    X, y = classes
    grid = [{"kernel": ["precomputed"]}, {"kernel": ["rbf"], "C": [-1.0, 1.0, 5.0], "gamma": [0.1]}]
    model = LREnsembleClassifier(SVC(), grid, method="all").fit(X, y)
    assert model.selection_.team == (2, 3)
    failures = [point.failure for point in model.out_of_fold_]
    assert [point.score is None for point in model.out_of_fold_] == [True, True, False, False]
    assert failures[0] == "ValueError: X should be a square kernel matrix"
    assert "must be a float in the range" in failures[1]
    assert len(model.estimators_) == 2
    assert "2 failed" in repr(model.out_of_fold_)
    assert "not in the choice, kernel='precomputed': ValueError: X should be" in caplog.text


def test_every_point_draws_by_a_seed_of_its_own(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    grid = {"max_depth": [2, 4], "max_features": [1]}
    model = LREnsembleClassifier(DecisionTreeClassifier(), grid, method="all").fit(X, y)
    seeds = [each.random_state for each in model.estimators_]
    assert len(set(seeds)) == 2
    more = {"max_depth": [2, 4, 6], "max_features": [1]}
    longer = LREnsembleClassifier(DecisionTreeClassifier(), more, method="all").fit(X, y)
    assert [each.random_state for each in longer.estimators_][:2] == seeds
    given = LREnsembleClassifier(DecisionTreeClassifier(random_state=7), grid, method="all").fit(X, y)
    assert {each.random_state for each in given.estimators_} == {7}
    other = LREnsembleClassifier(DecisionTreeClassifier(), grid, method="all", random_state=1).fit(X, y)
    assert [each.random_state for each in other.estimators_] != seeds
    assert model.estimator.random_state is None


def test_frames_reach_a_pipeline_as_they_are(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    pandas = pytest.importorskip("pandas")
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    X, y = classes
    frame = pandas.DataFrame(X[:, :2], columns=["size", "age"]).assign(colour=np.where(X[:, 2] > 0, "red", "blue"))
    columns = make_column_transformer((OneHotEncoder(), ["colour"]), (StandardScaler(), ["size", "age"]))
    pipeline = make_pipeline(columns, LogisticRegression())
    model = LREnsembleClassifier(pipeline, {"logisticregression__C": [0.01, 1.0]}, method=SMALL)
    model.fit(frame, pandas.Series(y), sample_weight=np.arange(ROWS) % 3)
    assert model.feature_names_in_.tolist() == ["size", "age", "colour"]
    assert model.predict(frame).shape == (ROWS,)


def test_texts_are_rows_too() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    texts = ["good fine", "fine day", "good day", "bad rain", "rain cold", "bad cold"] * 3
    model = LREnsembleClassifier(
        make_pipeline(CountVectorizer(), MultinomialNB()), {"multinomialnb__alpha": [0.1, 1.0]}, cv=3
    )
    assert model.fit(texts, ["+", "+", "+", "-", "-", "-"] * 3).predict(["fine good", "cold"]).tolist() == ["+", "-"]


def test_it_is_cloned_pickled_and_cross_validated(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    model = LREnsembleClassifier(GaussianNB(), {"var_smoothing": [0.01, 1.0]}, method=SMALL, n_jobs=1)
    assert cross_val_score(model, X, y, cv=3).mean() > 0.4
    loaded = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert (loaded.predict_proba(X) == model.predict_proba(X)).all()
    search = GridSearchCV(model, {"estimator__priors": [None], "method": ["all", "best"]}, cv=2).fit(X, y)
    assert search.best_params_["method"] in ("all", "best")
