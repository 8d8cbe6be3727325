"""Adopter of scikit-learn: fitted estimators become ONNX or skops files; the models of a cross-validation as well."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from lrensemble.adopt.estimators import checked, classes_of, facts_of, method_of, name_of, own_of, tool_of
from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.paths import content_of, has_suffix
from lrensemble.config import Network
from lrensemble.errors import AdoptError, DataError
from lrensemble.networks import library
from lrensemble.networks.skops import as_fitted, estimator_of
from lrensemble.spec import Spec

PICKLES = (".joblib", ".pkl", ".pickle")

_is_file = has_suffix(".skops", *PICKLES)


def _is_validation(given: Any) -> bool:
    """Whether it is what `cross_validate` returns."""
    return isinstance(given, Mapping) and {"fit_time", "score_time"} <= set(given)


def _takes(given: Any) -> bool:
    return tool_of(given) == "sklearn" or _is_validation(given) or _is_file(given)


@ADOPTERS.register(takes=_takes, where="FILE.skops", module="sklearn")
def sklearn(given: Any, asked: Asked, *, format: Literal["onnx", "skops"] = "onnx") -> list[Found]:  # noqa: A002
    """A fitted classifier or regressor of scikit-learn, or what cross_validate(…, return_estimator=True) returns.

    Args:
        given: the estimator, a pipeline too; the table of a cross-validation; or the path of a `.skops` file.
        asked: what is known of it.
        format: `onnx`, which computes in float32 – a threshold of a tree can round the other way – or `skops`, which
            gives what the estimator gives bit by bit, and needs scikit-learn wherever it is run.

    Raises:
        AdoptError: not fitted, no predict_proba, of another kind of truth than the pool, or nothing that ONNX has.
        MissingExtraError: skl2onnx or skops is not installed.
    """
    if format not in ("onnx", "skops"):
        raise AdoptError(f"format {format!r} is refused; give 'onnx' or 'skops'")
    if _is_validation(given):
        return _of_validation(given, asked, format)
    if isinstance(given, str | os.PathLike):
        return [_of_file(Path(given), asked)]
    if any(each.__name__ == "BaseSearchCV" for each in type(given).__mro__):
        raise AdoptError(
            f"{type(given).__name__} keeps no model but the best, and a team needs several; adopt what "
            "cross_validate(…, return_estimator=True) returns, fit lrensemble.LREnsembleClassifier, or adopt its "
            "best_estimator_ alone"
        )
    return [_of_estimator(given, asked, format)]


def _of_validation(given: Mapping[str, Any], asked: Asked, form: str) -> list[Found]:
    """The model of each fold; its score is of other rows than the pool's."""
    if "estimator" not in given:
        raise AdoptError("this cross-validation kept no models; call cross_validate(…, return_estimator=True)")
    found = []
    for fold, model in enumerate(given["estimator"]):
        one = _of_estimator(model, asked, form)
        scores = {key: float(each[fold]) for key, each in given.items() if key.startswith("test_")}
        facts = {**one.facts, "fold": fold, **scores}
        found.append(replace(one, name=f"{one.name} fold {fold}", facts=facts, seconds=float(given["fit_time"][fold])))
    return found


def _of_file(path: Path, asked: Asked) -> Found:
    """The estimator of a skops file."""
    if path.suffix.lower() in PICKLES:
        raise AdoptError(
            f"{path} is a pickle, and reading it would run code of the file; if it is yours, load it yourself and "
            "adopt the fitted model, or save it with skops.io.dump(model, 'model.skops')"
        )
    content = content_of(path)
    try:
        model = estimator_of(content)
    except DataError as error:
        raise AdoptError(f"{path}: {error}") from None
    found = _of_estimator(model, asked, "skops", content)
    return replace(found, name=asked.name or path.stem, facts={**found.facts, "file": path.name})


def _of_estimator(model: Any, asked: Asked, form: str, content: bytes | None = None) -> Found:
    checked(model, asked)
    arguments = {"values": True} if form == "skops" and asked.of_values else {}
    predict = method_of(model, asked)
    if content is None:
        content = _as_skops(model) if form == "skops" else _as_onnx(model, asked)
    return Found(
        asked.name or name_of(model),
        Network(model=Spec(form, arguments), file=f"network.{form}", gives=asked.target.estimator_gives),
        content=content,
        facts=facts_of(model, "scikit-learn"),
        own=own_of(lambda rows: predict(as_fitted(model, rows)), asked.inputs),
        classes=classes_of(model),
    )


def _as_onnx(model: Any, asked: Asked) -> bytes:
    """Its graph of ONNX, with float32 inputs and probabilities as one tensor.

    Raises:
        AdoptError: skl2onnx cannot convert it.
        MissingExtraError: skl2onnx is not installed.
    """
    converter = library("skl2onnx", "sklearn", "a model of scikit-learn as ONNX (or format='skops')")
    features = getattr(model, "n_features_in_", asked.inputs.shape[0])
    inputs = [("X", converter.common.data_types.FloatTensorType([None, features]))]
    options = None if asked.of_values else {id(model): {"zipmap": False}}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = converter.to_onnx(model, initial_types=inputs, options=options)
    except Exception as error:  # of skl2onnx, of onnx, of what the model holds
        reason = " ".join(str(error).split())[:120]
        raise AdoptError(
            f"{type(model).__name__} cannot be converted to ONNX ({reason}); adopt it with format='skops', or collect "
            "its predictions"
        ) from None
    return bytes(graph.SerializeToString())


def _as_skops(model: Any) -> bytes:
    """Its skops file.

    Raises:
        AdoptError: skops cannot write it.
        MissingExtraError: skops is not installed.
    """
    tool = library("skops.io", "skops", "a model of scikit-learn with format='skops'")
    try:
        return bytes(tool.dumps(model))
    except Exception as error:  # of skops, of what the model holds
        reason = " ".join(str(error).split())[:120]
        raise AdoptError(
            f"{type(model).__name__} cannot be saved by skops ({reason}); collect its predictions"
        ) from None
