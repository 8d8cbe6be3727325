"""Adopter of models of Keras 3: a model, or the `.keras` file that its `save` wrote."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.logged import metric_of, of_validation
from lrensemble.adopt.parameters import plain_values
from lrensemble.adopt.paths import content_of, has_suffix
from lrensemble.config import Gives, Network
from lrensemble.errors import AdoptError
from lrensemble.files import scratch_folder
from lrensemble.limits import Count
from lrensemble.networks import keras as networks
from lrensemble.spec import Spec

_is_file = has_suffix(".keras", ".h5", ".hdf5")

ACTIVATIONS: Mapping[str, Gives] = {
    "softmax": "probs",
    "sigmoid": "probs",
    "log_softmax": "log_probs",
    "linear": "logits",
}
"""What a model gives by the function that it ends with."""

NAMES = {"loss": "train_loss", "learning_rate": "rate"}
"""Our names of what Keras logs at the end of an epoch."""


def _takes(given: Any) -> bool:
    return _is_file(given) or any(
        each.__module__.startswith("keras.") and each.__name__ == "Model" for each in type(given).__mro__
    )


@ADOPTERS.register(takes=_takes, where="FILE.keras", module="keras")
def keras(given: Any, asked: Asked, *, epoch: Count | None = None) -> list[Found]:
    """A model of Keras 3 on torch, or its `.keras` file.

    Args:
        given: the model, or path of the file, which is read in Keras's safe mode.
        asked: what is known of it; it gives what its last activation says, unless said.
        epoch: epoch of `model.history`, from 1, that the weights are of; the last unless given. An early stopping that
            puts back the best weights does not note which.

    Raises:
        AdoptError: a model that cannot be saved, has several inputs or outputs, or does not show what it gives.
        DataError: a file that is none of Keras 3, or that holds code.
        MissingExtraError: keras is not installed.
    """
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        content = _file_of(path)
        model = networks.read_model(content, str(path))

        def of_file(raw: NDArray[Any]) -> NDArray[Any]:
            with networks.on_cpu():
                return np.asarray(model.predict(networks.as_taken(raw, model), verbose=0))

        return [_found(content, asked.name or path.stem, model, asked, of_file, {"file": path.name})]
    networks.keras_on_torch()
    name = asked.name or str(given.name)

    def of_model(raw: NDArray[Any]) -> NDArray[Any]:
        with networks.quiet():
            return np.asarray(given.predict(networks.as_taken(raw, given), verbose=0))

    history = _history(given)
    return [_found(_saved(given, name), name, given, asked, of_model, {}, history, _line_of(history, epoch, name))]


def _file_of(path: Path) -> bytes:
    """Content of a `.keras` file.

    Raises:
        AdoptError: there is none, or it is of another format of Keras.
    """
    if path.suffix.lower() != ".keras":
        raise AdoptError(
            f"{path} is of an older format of Keras, or holds weights alone; save the whole model with "
            "model.save('NAME.keras')"
        )
    return content_of(path)


def _saved(model: Any, name: str) -> bytes:
    """Content of the file that a model saves.

    Raises:
        AdoptError: it cannot be saved.
    """
    if not model.built:
        raise AdoptError(f"{name} has no weights yet; train it, or call it on some rows, before it is adopted")
    with scratch_folder() as folder, networks.quiet():
        path = folder / "model.keras"
        try:
            model.save(str(path))
        except Exception as error:  # of classes of the user's
            raise AdoptError(f"{name} cannot be saved as .keras: {' '.join(str(error).split())[:200]}") from error
        return path.read_bytes()


def _found(
    content: bytes,
    name: str,
    model: Any,
    asked: Asked,
    own: Callable[[NDArray[Any]], NDArray[Any]],
    facts: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]] = (),
    last: Mapping[str, Any] | None = None,
) -> Found:
    for part in ("inputs", "outputs"):
        if len(getattr(model, part, None) or [None]) > 1:
            raise AdoptError(
                f"{name} has {len(getattr(model, part))} {part}, and one of each is needed; give a model of one, "
                "such as keras.Model(model.inputs, model.outputs[0])"
            )
    config, metadata = networks.config_of(content, name)
    gives = asked.gives or (asked.target.network_gives if asked.of_values else _gives(model, config, name))
    logged = of_validation(last or {})
    if gives == "logits" and _width(model) == 1:  # Keras counts a lone logit above 0.5, and not above 0, as class 1
        logged = {key: each for key, each in logged.items() if metric_of(key) != "accuracy"}
    epochs = {"epochs": len(history)} if history else {}
    return Found(
        name,
        Network(model=Spec("keras"), file="network.keras", gives=gives),
        content=content,
        facts={"keras": metadata.get("keras_version"), **_training(config), **epochs, **facts},
        logged=logged,
        history=history,
        own=own,
    )


def _gives(model: Any, config: Mapping[str, Any], name: str) -> Gives:
    """What a model of classes gives, by its last function; or else by the loss that it was trained with.

    Raises:
        AdoptError: neither says it.
    """
    function = _last_function(model)
    if function in ACTIVATIONS and not (function == "sigmoid" and _width(model) != 1):
        return ACTIVATIONS[function]
    loss = (config.get("compile_config") or {}).get("loss")
    told = loss.get("config", {}).get("from_logits") if isinstance(loss, Mapping) else None
    if function == "" and told is not None:
        return "logits" if told else "probs"
    raise AdoptError(
        f"{name} ends with {function or 'code of its own'}, which does not show what it gives for each row; say "
        "gives='logits', 'probs' or 'log_probs'"
    )


def _width(model: Any) -> int | None:
    """Number of columns that a model gives, where it says so."""
    return (getattr(model, "output_shape", None) or (None,))[-1]


def _last_function(model: Any) -> str:
    """Name of the function that a model ends with; empty where a class of its own hides it."""
    last = model
    while getattr(last, "layers", None) and getattr(last, "outputs", None):
        last = last.outputs[0]._keras_history.operation
    if last is model:
        return ""
    return str(getattr(getattr(last, "activation", None), "__name__", None) or type(last).__name__.lower())


def _training(config: Mapping[str, Any]) -> dict[str, Any]:
    """Optimizer with its numbers, and the loss, that a model was compiled with."""
    compiled = config.get("compile_config") or {}
    optimizer, loss = compiled.get("optimizer"), compiled.get("loss")
    if not isinstance(optimizer, Mapping):
        return {}
    numbers = optimizer.get("config") or {}
    rate = numbers.get("learning_rate")
    found = {"optimizer": optimizer.get("class_name"), **_as_written({**numbers, "name": None})}
    if isinstance(rate, Mapping):  # a schedule
        schedule = {**rate.get("config", {}), "name": rate.get("class_name")}
        found["learning_rate"] = _as_written(schedule)
    named = loss.get("class_name") if isinstance(loss, Mapping) else loss
    return {**found, "loss": named} if isinstance(named, str) else found


def _as_written(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers as somebody wrote them: Keras keeps 0.1 in float32, which is 0.10000000149."""
    plain = plain_values(values).items()
    return {name: float(f"{each:.7g}") if isinstance(each, float) else each for name, each in plain}


def _history(model: Any) -> list[dict[str, Any]]:
    """One record for each epoch that a model was trained for in this process."""
    history = getattr(model, "history", None)
    logs = getattr(history, "history", None) or {}
    return [
        {"epoch": place + 1} | {NAMES.get(key, key): float(values[place]) for key, values in logs.items()}
        for place in range(min(map(len, logs.values()), default=0))
    ]


def _line_of(history: Sequence[Mapping[str, Any]], epoch: int | None, name: str) -> Mapping[str, Any]:
    """The record of the epoch that the weights are of.

    Raises:
        AdoptError: there is no such epoch.
    """
    if epoch is None:
        return history[-1] if history else {}
    if not 1 <= epoch <= len(history):
        raise AdoptError(f"{name} was trained for {len(history)} epochs here, and epoch={epoch} is none of them")
    return history[epoch - 1]
