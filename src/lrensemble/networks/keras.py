"""Networks of Keras 3 in a `.keras` file, run on torch."""

from __future__ import annotations

import io
import os
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError
from lrensemble.files import scratch_folder
from lrensemble.networks.base import NETWORKS, Runs
from lrensemble.networks.library import library
from lrensemble.text import from_json

BACKEND = "KERAS_BACKEND"
"""Variable of the environment by which Keras chooses what it computes with, once, when it is first imported."""

CODE = {
    "__lambda__": "a Lambda layer",
    "TorchModuleWrapper": "a module of torch",
}
"""Parts of a file that cannot be read without running code of it, by the names that Keras gives them."""


@NETWORKS.register(suffix=".keras")
def keras(content: bytes) -> Runs:
    """A model of Keras 3, on the CPU and on torch.

    Args:
        content: of the file.

    Raises:
        DataError: no file of Keras 3, or one that holds code.
        MissingExtraError: keras is not installed.
    """
    model = read_model(content, "the network")
    return lambda given: run(model, given)


def keras_on_torch() -> Any:
    """The library, which computes on torch.

    Raises:
        DataError: it was imported, or is to be imported, with another backend.
        MissingExtraError: it is not installed.
    """
    if "keras" not in sys.modules:
        require_torch(os.environ.setdefault(BACKEND, "torch"))
    found = library("keras", "keras", "a network of Keras")
    require_torch(found.config.backend())
    return found


def require_torch(backend: str) -> None:
    """Refuse another backend.

    Raises:
        DataError: with what to do.
    """
    if backend != "torch":
        raise DataError(
            f"Keras computes with {backend} in this process, and networks are run on torch: save the model as .keras, "
            f"which is the same for all backends, and go on in a new process with {BACKEND}=torch"
        )


def read_model(content: bytes, what: str) -> Any:
    """The model in a file, on the CPU, not compiled.

    Args:
        content: of the file.
        what: what messages call it.

    Raises:
        DataError: no file of Keras 3; or one that holds code, or classes that nobody has registered here.
        MissingExtraError: keras is not installed.
    """
    library_ = keras_on_torch()
    _require_known(config_of(content, what)[0], what, library_)
    with scratch_folder() as folder, on_cpu():
        path = folder / "model.keras"
        path.write_bytes(content)
        try:
            return library_.saving.load_model(str(path), compile=False, safe_mode=True)
        except Exception as error:  # Keras raises many kinds
            raise DataError(f"{what} cannot be read by Keras {library_.__version__}: {_reason(error)}") from None


def config_of(content: bytes, what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration of a model, and what Keras notes of the file: its version.

    Raises:
        DataError: no file of Keras 3.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        config, metadata = (from_json(archive.read(name), nan=True) for name in ("config.json", "metadata.json"))
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise DataError(f"{what} is no file of Keras 3; save the model with model.save('NAME.keras')") from None
    return config, metadata


def _require_known(config: Any, what: str, library_: Any) -> None:
    """Refuse what could only be read by running code of the file, or by importing what it names.

    Raises:
        DataError: names the first of it.
    """
    for part in _parts(config):
        name, module = part["class_name"], part.get("module")
        if name in CODE:
            raise DataError(
                f"{what} holds {CODE[name]}, which is code of the file, and a file is never run; use layers of Keras "
                "instead (Rescaling, Normalization, keras.ops in a functional model), or write the model with "
                "model.export('NAME.onnx', format='onnx') and adopt that"
            )
        registered = part.get("registered_name")
        is_own = module == "builtins" or str(module).partition(".")[0] == "keras"
        if registered and not is_own and library_.saving.get_registered_object(registered) is None:
            raise DataError(
                f"{what} needs {registered}, which is not registered here; decorate the class with "
                "@keras.saving.register_keras_serializable() and import its module first (--plugin)"
            )


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    """All objects within a configuration, the outermost first."""
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config
        for each in config.values():
            yield from _parts(each)
    elif isinstance(config, list):
        for each in config:
            yield from _parts(each)


def run(model: Any, given: NDArray[Any]) -> NDArray[Any]:
    """What a model gives for inputs [sample, …], as it predicts and not as it trains: `eval()` alone does not do it."""
    with sys.modules["torch"].no_grad(), on_cpu():
        found = model(as_taken(given, model), training=False)
        said: NDArray[Any] = sys.modules["keras"].ops.convert_to_numpy(found)
    return said.astype(np.float32) if said.dtype.itemsize < 4 else said


def as_taken(given: NDArray[Any], model: Any) -> NDArray[Any]:
    """Inputs [sample, …] as a model takes them: images with their channels last, or laid flat."""
    wanted = getattr(model, "input_shape", None)  # a model of an own class has none
    if not isinstance(wanted, tuple) or _fits(given.shape, wanted):
        return given
    if given.ndim > 2 and _fits(np.moveaxis(given, 1, -1).shape, wanted):
        return np.ascontiguousarray(np.moveaxis(given, 1, -1))
    return given.reshape(len(given), -1) if len(wanted) == 2 else given


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        size is None or size == own for own, size in zip(shape[1:], wanted[1:], strict=True)
    )


@contextmanager
def on_cpu() -> Iterator[None]:
    """Compute on the CPU, as all networks of other libraries do; what Keras warns of itself is not for the user."""
    with sys.modules["keras"].device("cpu"), quiet():
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """Hear nothing of what Keras is warned of by numpy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
        yield


def _reason(error: Exception) -> str:
    """First sentence of what Keras says: it appends the whole configuration."""
    return " ".join(str(error).split())[:200].partition(". ")[0]
