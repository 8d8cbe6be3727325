"""Adapters in folders as `peft` writes them, put side by side on one base.

Of such a folder only the settings that say how the two thin matrices are put to use are taken over, and tensors from
safetensors: nothing in it is run, and nothing beside it is loaded on its word.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from lrensemble.config import Base
from lrensemble.errors import ExportError, PoolError, SpecError
from lrensemble.files import read_json
from lrensemble.language.adapters import peft_library
from lrensemble.language.weights import weights_sha256
from lrensemble.models.transformers_library import first_line
from lrensemble.pool.sealed import load_tensors

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

TAKEN = frozenset(
    {
        "r",
        "lora_alpha",
        "target_modules",
        "exclude_modules",
        "use_rslora",
        "use_dora",
        "rank_pattern",
        "alpha_pattern",
        "fan_in_fan_out",
        "layers_to_transform",
        "layers_pattern",
    }
)
"""Settings by which an adapter's weights are put to use."""

PASSED_OVER = frozenset(
    {
        "peft_type",
        "peft_version",
        "task_type",
        "base_model_name_or_path",
        "revision",
        "inference_mode",
        "auto_mapping",
        "lora_dropout",
        "init_lora_weights",
        "bias",
        "loftq_config",
        "eva_config",
        "corda_config",
        "lora_ga_config",
        "velora_config",
        "megatron_core",
        "runtime_config",
        "qalora_group_size",
        "ensure_weight_tying",
    }
)
"""Settings of training, and names."""

MOVES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Beginnings of ways to begin an adapter that change the weights of the base as well."""


@dataclass(frozen=True, eq=False)
class Adapter:
    """One adapter, read."""

    folder: Path
    settings: Mapping[str, Any]
    """What of its settings is put to use."""
    base: str | None
    """The base that its settings name."""
    weights: Mapping[str, Tensor]
    """Tensors by the names that `peft` saves them under."""


def read_adapter(folder: Path | str) -> Adapter:
    """The adapter in a folder.

    Raises:
        ExportError: there is none, it is damaged, or it is no LoRA adapter that can be served.
        StorageError: a file cannot be read.
    """
    folder = Path(folder)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise ExportError(f"{folder} holds no {name}; give a folder that save_pretrained of peft wrote")
    settings = read_json(folder / CONFIG)
    if not isinstance(settings, dict):
        raise ExportError(f"{folder / CONFIG} is damaged: it must hold an object")
    return adapter_of(folder, settings, _tensors(folder / WEIGHTS))


def adapter_of(folder: Path, settings: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Adapter:
    """The adapter of settings and weights that were read.

    Args:
        folder: where they lie, for messages.
        settings: as `peft` writes them.
        weights: by the names that `peft` saves them under.

    Raises:
        ExportError: it is no LoRA adapter that can be served.
    """
    _check_settings(folder, settings)
    base = settings.get("base_model_name_or_path")
    return Adapter(
        folder=folder,
        settings={key: value for key, value in settings.items() if key in TAKEN and value is not None},
        base=base if isinstance(base, str) else None,
        weights=weights,
    )


def require_there(base: Base) -> None:
    """Refuse a base whose folder has gone.

    Raises:
        SpecError: with what to say where it lies elsewhere now.
    """
    if os.path.isabs(base.path) and not os.path.isdir(base.path):
        raise SpecError(
            f"the base of this team lay at {base.path}, and is not there now; say where it lies, --base FOLDER (base= "
            "in Python): its weights are checked"
        )


def check_base(adapter: Adapter, base: Base) -> None:
    """Refuse an adapter of another base, where the base that it names is here to be compared.

    Raises:
        ExportError: it has other weights.
    """
    if adapter.base is None or adapter.base == base.path or not os.path.isdir(adapter.base):
        return
    try:
        found = weights_sha256(Path(adapter.base))
    except SpecError:  # what lies there now is no model
        return
    if found != base.weights_sha256:
        raise ExportError(
            f"{adapter.folder} is an adapter of {adapter.base}, whose weights are not those of {base.path}; "
            "give the base that it was trained on"
        )


def with_adapters(model: Any, keys: Sequence[str], adapters: Sequence[Adapter]) -> Any:
    """A base with adapters on it, by these keys, ready to predict; the base's modules are changed in place.

    Args:
        model: causal model of `transformers`.
        keys: names of the adapters in the model, letters and digits.
        adapters: what is put on it.

    Raises:
        ExportError: one does not fit the base.
        MissingExtraError: `peft` is not installed.
    """
    peft = peft_library()
    found = None
    for key, adapter in zip(keys, adapters, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # it asks transformers by a name that is to change
            try:
                config = peft.LoraConfig(task_type="CAUSAL_LM", inference_mode=True, **adapter.settings)
                if found is None:
                    found = peft.get_peft_model(model, config, adapter_name=key)
                else:
                    found.add_adapter(key, config)
            except Exception as error:  # of many kinds: layers that there are not, settings of a wrong type
                raise ExportError(
                    f"the adapter in {adapter.folder} cannot be put on its base: {first_line(error)}"
                ) from None
        _fill(peft, found, key, adapter)
    assert found is not None, "one adapter at least"
    return found.requires_grad_(False).eval()


def _fill(peft: Any, model: Any, key: str, adapter: Adapter) -> None:
    """Give an adapter in a model its weights, all of them and no others."""
    places = peft.get_peft_model_state_dict(model, adapter_name=key, save_embedding_layers=False)
    wanted = {name: tuple(tensor.shape) for name, tensor in places.items()}
    given = {name: tuple(tensor.shape) for name, tensor in adapter.weights.items()}
    if wanted != given:
        name = min(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
        raise ExportError(
            f"the adapter in {adapter.folder} does not fit its base: {name} has shape {given.get(name, 'none')}, and "
            f"{wanted.get(name, 'none')} is wanted; give the base that it was trained on"
        )
    peft.set_peft_model_state_dict(model, dict(adapter.weights), adapter_name=key)


def _check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    kind, begun = settings.get("peft_type"), settings.get("init_lora_weights", True)
    if kind != "LORA":
        raise ExportError(f"{folder} holds an adapter of type {kind!r}; only LORA can be served")
    if isinstance(begun, str) and begun.lower().startswith(MOVES_BASE):
        raise ExportError(
            f"{folder} holds an adapter whose base was changed too (init_lora_weights = {begun!r}); convert it to "
            "plain LoRA, as peft's save_pretrained does with path_initial_model_for_weight_conversion"
        )
    strange = sorted(key for key, value in settings.items() if value and key not in TAKEN | PASSED_OVER)
    if settings.get("bias", "none") != "none":
        strange.insert(0, "bias")
    if strange:
        raise ExportError(
            f"{folder} holds an adapter with {strange[0]} = {settings[strange[0]]!r}, which is not served; train "
            "it with the two matrices of LoRA alone"
        )


def _tensors(path: Path) -> Mapping[str, Tensor]:
    try:
        return load_tensors(path)
    except PoolError as error:
        raise ExportError(str(error)) from None
