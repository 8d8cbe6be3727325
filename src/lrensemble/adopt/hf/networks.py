"""Networks of transformers that were trained elsewhere, ready to become members."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.adopt.callbacks import normalised
from lrensemble.adopt.found import Asked, Found
from lrensemble.adopt.hf.folders import CONFIG, PREPROCESSOR, Run, json_in, weights_in
from lrensemble.adopt.hf.processor import preprocessed
from lrensemble.adopt.hf.trainer_state import Training, training_of
from lrensemble.config import Inputs, Network
from lrensemble.errors import AdoptError
from lrensemble.models import hugging_face
from lrensemble.models.transformers_library import quiet
from lrensemble.registry import reason_of
from lrensemble.spec import Spec

PREFIX = "network."
"""Prefix of weights in the module that is built around a network of transformers."""


def found_in_folder(run: Run, asked: Asked, mask: bool | None) -> Found:
    """The model in a folder.

    Raises:
        AdoptError: no classifier of these inputs, or weights that are not whole.
        MissingExtraError: transformers is not installed.
    """
    training = training_of(run.state, run.step, weights=run.taken, folder=run.folder.name)
    weights = weights_in(run.folder)
    if asked.builder is not None:
        return built(weights, asked, run.name, training)
    if not (run.folder / CONFIG).is_file():
        raise AdoptError(
            f"{run.folder} holds weights of a network that is none of transformers: give builder='package.module:"
            "function' of (shape, outputs), which builds it"
        )
    loaded = _loaded(run.folder, asked, weights)
    inputs = preprocessed(run.folder / PREPROCESSOR, asked)
    return found_of(loaded, asked, name=run.name, mask=mask, inputs=inputs, training=training)


def found_of(
    given: Any,
    asked: Asked,
    *,
    name: str,
    mask: bool | None = None,
    inputs: Inputs | None = None,
    training: Training | None = None,
) -> Found:
    """A network of transformers in memory.

    Args:
        given: the network.
        asked: what is known of it; its inputs say whether it takes images or token ids.
        name: what it is called.
        mask: whether it does not look at padding; it does not unless given.
        inputs: what it does with raw inputs, where that is known.
        training: what is known of its training.

    Raises:
        AdoptError: no classifier of these inputs.
    """
    config = given.config
    expected = hugging_face.class_of(config, _kind_of(config.model_type, asked))
    if type(given).__name__ != expected.__name__:
        raise AdoptError(
            f"{name} is {type(given).__name__}, and of these rows {expected.__name__} can be built; for a network of "
            "one's own give builder='package.module:function'"
        )
    sees_padding = mask is False
    arguments = {"config": json.dumps(hugging_face.own_settings(config), sort_keys=True)}
    network = Network(
        model=Spec(f"hf/{config.model_type}", {**arguments, "mask": False} if sees_padding else arguments),
        gives=asked.gives or asked.target.network_gives,
    )
    state: Mapping[str, Tensor] = given.state_dict()
    known = training or Training()
    return Found(
        name,
        network,
        weights={f"{PREFIX}{key}": _as_float(each) for key, each in state.items()},
        facts={**known.facts, "transformers": config.transformers_version},
        history=known.history,
        logged=known.logged,
        inputs=inputs,
        classes=_classes(config, asked),
        own=_own(given, inputs or asked.inputs, sees_padding),
    )


def built(weights: Mapping[str, Tensor], asked: Asked, name: str, training: Training) -> Found:
    """A network of one's own, which its builder makes."""
    assert asked.builder is not None
    network = Network(model=asked.builder, gives=asked.gives or asked.target.network_gives)
    return Found(name, network, weights=weights, facts=training.facts, history=training.history, logged=training.logged)


def _loaded(folder: Path, asked: Asked, weights: Mapping[str, Tensor]) -> Any:
    """The classifier in a folder, as transformers loads it, without asking a hub and with its own code alone."""
    settings = json_in(folder / CONFIG)
    model_type = str(settings.get("model_type"))
    kind = _kind_of(model_type, asked)
    library = hugging_face.transformers()
    hugging_face.require_own(str(folder / CONFIG), settings)
    labels = settings.get("id2label")
    outputs = len(labels) if isinstance(labels, dict) else int(settings.get("num_labels", 2))
    wanted = asked.target.head(None).outputs
    if outputs != wanted:
        raise AdoptError(f"{folder} gives {outputs} outputs, and the pool's task needs {wanted}")
    try:
        with quiet(library), hugging_face.offline():
            config = hugging_face.config_of(model_type, settings, outputs)
            network, report = hugging_face.class_of(config, kind).from_pretrained(
                None, config=config, state_dict=dict(weights), output_loading_info=True, dtype=torch.float32
            )
    except Exception as error:  # of many kinds: settings, shapes, names
        raise AdoptError(f"{folder} cannot be loaded by transformers: {reason_of(error)}") from error
    if wrong := sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]])):
        raise AdoptError(
            f"{folder} is no whole {type(network).__name__}: weights such as {wrong[0]} are missing or of another "
            "shape; give the model that was trained for this task"
        )
    return network.eval()


def _kind_of(model_type: str, asked: Asked) -> hugging_face.Kind:
    """Kind of inputs of the pool's rows.

    Raises:
        AdoptError: transformers has no classifier of that type for them.
    """
    kind: hugging_face.Kind = "images" if len(asked.inputs.shape) == 3 else "sequences"
    if kind not in (known := hugging_face.kinds_of(model_type)):
        raise AdoptError(
            f"a network of type {model_type} classifies {' or '.join(known)}, and the pool's rows are of shape "
            f"{asked.inputs.shape}; give images [sample, channel, height, width], or token ids [sample, place]"
        )
    return kind


def _as_float(given: Tensor) -> Tensor:
    copied = given.detach().cpu().clone()
    return copied.float() if copied.is_floating_point() else copied


def _classes(config: Any, asked: Asked) -> list[str] | None:
    """Names of its columns, where they are those of the pool; else it counts the classes from 0, as the pool does."""
    names = [str(config.id2label[place]) for place in sorted(config.id2label)]
    return names if sorted(names) == sorted(asked.target.names) else None


def _own(network: Any, inputs: Inputs, sees_padding: bool) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """What the network gives for raw inputs, called as in its own tool."""
    device = next(network.parameters()).device
    pad = None if sees_padding else network.config.pad_token_id if len(inputs.shape) == 1 else None

    def called(raw: NDArray[Any]) -> Tensor:
        if len(inputs.shape) == 1:
            ids = torch.from_numpy(raw.astype(np.int64)).to(device)
            mask = torch.ones_like(ids) if pad is None else (ids != pad).long()
            return cast(Tensor, network(input_ids=ids, attention_mask=mask).logits)
        channels = getattr(network.config, "num_channels", None) or raw.shape[1]
        images = normalised(raw, inputs).expand(-1, channels, -1, -1)
        return cast(Tensor, network(images.to(device)).logits)

    @torch.no_grad()
    def own(raw: NDArray[Any]) -> NDArray[Any]:
        was = network.training
        network.eval()
        try:
            blocks = [called(raw[start : start + 256]).float().cpu() for start in range(0, len(raw), 256)]
        finally:
            network.train(was)
        return torch.cat(blocks).numpy()

    return own
