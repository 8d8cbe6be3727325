"""Models in a folder of MLflow's: the file of the one flavour that is read without running code."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from lrensemble.adopt.found import Asked, Found
from lrensemble.adopt.inside import models_in
from lrensemble.adopt.paths import content_of
from lrensemble.errors import AdoptError

DESCRIPTION = "MLmodel"
"""File that makes a folder one of a model."""

NATIVE = {"onnx": "data", "lightgbm": "data", "xgboost": "data", "keras": "data", "sklearn": "pickled_model"}
"""Flavours whose file may be read without running code, and the key that names it."""

PICKLED = (".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill")
"""Suffixes of pickles, whatever the flavour."""

INSTEAD = {
    "pytorch": "log the weights with log_artifact (torch.save of model.state_dict()) or the model with mlflow.onnx",
    "sklearn": "log it with serialization_format='skops', or with mlflow.onnx",
}
"""What to do instead, by flavour."""


def is_model_folder(path: Path) -> bool:
    """Whether a folder is one of a model that MLflow logged."""
    return (path / DESCRIPTION).is_file()


def models_of(folder: Path, asked: Asked) -> list[Found]:
    """The model of such a folder.

    Args:
        folder: path of it.
        asked: what is known of the model.

    Raises:
        AdoptError: every flavour is a pickle or unknown here, or its file lies elsewhere.
    """
    flavours = _flavours(folder)
    for flavour, key in NATIVE.items():
        name = flavours.get(flavour, {}).get(key)
        if name is None:
            continue
        path = _inside(folder, str(name))
        if path.suffix.lower() not in PICKLED:
            return models_in(path, asked, None if path.suffix.lower() in (".onnx", ".skops") else flavour)
    known = ", ".join(name for name in flavours if name != "python_function") or "python_function"
    instead = next((each for name, each in INSTEAD.items() if name in flavours), INSTEAD["pytorch"])
    raise AdoptError(f"{folder} holds a pickled model (flavour {known}), and reading it would run its code; {instead}")


def _inside(folder: Path, name: str) -> Path:
    """File or folder that a description names; of a folder of Keras, the file in it.

    Raises:
        AdoptError: it lies elsewhere.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise AdoptError(f"{folder / DESCRIPTION} names {name}, which lies elsewhere")
    return next(iter(sorted(path.glob("*.keras"))), path) if path.is_dir() else path


def _flavours(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """Flavours by name.

    Raises:
        AdoptError: the description cannot be read.
    """
    path = folder / DESCRIPTION
    try:
        found = import_module("yaml").safe_load(content_of(path))["flavors"]
        return {str(name): dict(each) for name, each in found.items()}
    except AdoptError:
        raise
    except Exception:  # of YAML, or another shape
        raise AdoptError(f"{path} is no description of a model of MLflow") from None
