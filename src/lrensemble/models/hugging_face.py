"""The classifiers of `transformers` by the type in their config.json: `hf/bert`, of token ids or of images."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lrensemble.errors import MissingExtraError, SpecError, UnknownNameError
from lrensemble.models.base import MODELS, require_outputs
from lrensemble.models.room import require_room
from lrensemble.models.transformers_library import quiet
from lrensemble.models.vit import VisionTransformer
from lrensemble.registry import reason_of
from lrensemble.text import from_json

Kind = Literal["sequences", "images"]

MAPPINGS: dict[Kind, str] = {
    "sequences": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING",
    "images": "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING",
}
"""Names of the tables of transformers from a configuration to the class of its classifier."""

FROM_ELSEWHERE = ("backbone", "quantization_config", "attn_implementation", "experts_implementation", "kernel_config")
"""Parts of keys of a config.json that would have weights or code fetched from a hub, or run by another library."""


class SequenceClassifier(nn.Module):
    """A classifier of `transformers` that takes token ids and gives what its last layer gives."""

    def __init__(self, network: nn.Module, vocabulary: int, pad: int | None) -> None:
        super().__init__()
        self.network = network
        self.vocabulary = vocabulary
        """Number of tokens that it knows: inputs are whole numbers below."""
        self.pad = pad
        """Id of the tokens that it does not look at; None where it looks at all."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [batch, place], of any type of numbers, to outputs [batch, output]."""
        ids = tokens.long()
        mask = torch.ones_like(ids) if self.pad is None else (ids != self.pad).long()
        outputs: Tensor = self.network(input_ids=ids, attention_mask=mask).logits
        return outputs


@MODELS.family(
    r"hf/([\w\-]+)",
    "hf/TYPE",
    "The classifiers of transformers, by the model_type of their config.json, with new weights.",
)
def hugging_face_model(model_type: str) -> Callable[..., nn.Module]:
    """The function that builds `hf/TYPE`.

    Raises:
        MissingExtraError: transformers is not installed.
        UnknownNameError: it has no classifier of that type.
    """
    kinds = kinds_of(model_type)

    def build(shape: tuple[int, ...], outputs: int, *, config: str = "{}", mask: bool = True) -> nn.Module:
        """A classifier of transformers with new weights: of images [channel, height, width], or of token ids [place].

        Nothing is asked of a hub, and no code but that of the installed transformers is run.

        Args:
            shape: of one input.
            outputs: how many.
            config: its settings, the text of a config.json; those of the type unless given.
            mask: whether tokens equal to `pad_token_id` of the settings are left out of sight.

        Raises:
            SpecError: settings that cannot be used, or that do not suit the inputs.
        """
        named = f"hf/{model_type}"
        kind: Kind = "images" if len(shape) == 3 else "sequences"
        if kind not in kinds or len(shape) not in (1, 3):
            wanted = " or ".join("images (channel, height, width)" if k == "images" else "token ids" for k in kinds)
            raise SpecError(f"model {named!r} takes {wanted}; an input here has shape {shape}")
        settings = settings_in(named, config)
        require_room(named, lambda: network_of(model_type, settings, kind, outputs))
        network = network_of(model_type, settings, kind, outputs)
        if kind == "images":
            channels = getattr(network.config, "num_channels", shape[0])
            return require_outputs(named, VisionTransformer(network, channels), shape, outputs)
        return SequenceClassifier(network, network.config.vocab_size, network.config.pad_token_id if mask else None)

    return build


def settings_in(named: str, text: str) -> dict[str, Any]:
    """Settings in a text of JSON.

    Raises:
        SpecError: it is none, or has keys that would have something fetched.
    """
    try:
        settings = from_json(text, nan=True)
        if not isinstance(settings, dict):
            raise ValueError("it is no table")
    except ValueError as error:
        raise SpecError(f"model {named!r}: config = is no text of a config.json: {error}") from None
    require_own(named, settings)
    return settings


def require_own(named: str, settings: Mapping[str, Any]) -> None:
    """Refuse settings, also nested, that would have code or weights fetched from elsewhere.

    Raises:
        SpecError: the first of them.
    """
    for key, value in settings.items():
        if value and any(part in key for part in FROM_ELSEWHERE):
            raise SpecError(
                f"model {named!r}: config sets {key}, which needs code or weights from elsewhere, and those are not "
                "fetched; give a network that transformers builds alone"
            )
        if isinstance(value, Mapping):
            require_own(named, value)


def network_of(model_type: str, settings: Mapping[str, Any], kind: Kind, outputs: int) -> Any:
    """A classifier with new weights.

    Raises:
        SpecError: settings that transformers refuses.
    """
    library = transformers()
    try:
        with quiet(library), offline():
            config = config_of(model_type, settings, outputs)
            return class_of(config, kind)._from_config(config, dtype=torch.float32)
    except Exception as error:  # whatever its many networks refuse settings with
        raise SpecError(f"model 'hf/{model_type}' cannot be built with these settings: {reason_of(error)}") from error


def config_of(model_type: str, settings: Mapping[str, Any], outputs: int) -> Any:
    """Configuration of a classifier, of transformers' own class of that type, by settings that this class has."""
    found = _table("configuration_auto", "CONFIG_MAPPING")[model_type]
    known = {*_own_keys(found), *found.attribute_map}
    return found.from_dict({**{key: each for key, each in settings.items() if key in known}, "num_labels": outputs})


def class_of(config: Any, kind: Kind) -> Any:
    """Class of the classifier of a configuration."""
    found = _table("modeling_auto", MAPPINGS[kind])[type(config)]
    return found[0] if isinstance(found, tuple) else found


def own_settings(config: Any) -> dict[str, Any]:
    """Settings of the class of a configuration that differ from its defaults: all that its classifier is built by.

    What any configuration may hold – names of classes, versions, who wrote it and how it is run – is left out.
    """
    default, given = type(config)().to_dict(), config.to_dict()
    return {key: given[key] for key in _own_keys(type(config)) if key in given and given[key] != default[key]}


def _own_keys(kind: Any) -> list[str]:
    """Settings of a class of configurations that not every configuration has."""
    general = import_module("transformers").PreTrainedConfig().to_dict()
    return [key for key in kind().to_dict() if key not in general]


def kinds_of(model_type: str) -> list[Kind]:
    """Kinds of inputs that a type has a classifier for.

    Raises:
        MissingExtraError: transformers is not installed.
        UnknownNameError: there is no classifier of that type.
    """
    transformers()
    names = {kind: _table("modeling_auto", f"{mapping}_NAMES") for kind, mapping in MAPPINGS.items()}
    # A network of timm's takes its architecture by a name that may be one of a hub.
    known = sorted({name for table in names.values() for name in table if not name.startswith("timm")})
    if model_type not in known:
        close = difflib.get_close_matches(model_type, known, n=1)
        hint = f"; did you mean 'hf/{close[0]}'?" if close else "; it has 'hf/bert' and 'hf/vit', among others"
        raise UnknownNameError(f"transformers has no classifier of type {model_type!r}{hint}")
    return [kind for kind, table in names.items() if model_type in table]


@contextmanager
def offline() -> Iterator[None]:
    """Let the library of the Hugging Face hub ask nothing of it."""
    constants: Any = import_module("huggingface_hub.constants")
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _table(module: str, name: str) -> Any:
    return getattr(import_module(f"transformers.models.auto.{module}"), name)


def transformers() -> Any:
    """The library.

    Raises:
        MissingExtraError: it cannot be imported; the message says why.
    """
    try:
        library = import_module("transformers")
        getattr(library, "PreTrainedConfig")  # as it is called since version 5
        return library
    except Exception as error:  # whatever an installation that does not fit raises
        raise MissingExtraError(
            f"models hf/TYPE need transformers 5, which cannot be used here ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:120]}); pip install 'lrensemble[transformers]'"
        ) from None
