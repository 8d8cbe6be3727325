"""Language models that are trained: adapters of a base, which many share and none changes, or all of a small one.

LoRA adds to the weights W of a layer the product of two thin matrices, W + s BA, of which B begins at zero (Hu et al.
2022, section 4.1); s = alpha / rank, or alpha / sqrt(rank) (rsLoRA, Kalajdzievski 2023). DoRA learns the length of the
columns apart from their direction (Liu et al. 2024).
"""

from __future__ import annotations

import copy
import warnings
from typing import Annotated, Any, cast

import torch
from pydantic import Field
from torch import nn

from lrensemble.errors import SpecError
from lrensemble.language.base import base_of
from lrensemble.language.fewer_bits import Quantize
from lrensemble.language.shared import Type, is_transposed, linear_layers, shared_base
from lrensemble.models.base import MODELS
from lrensemble.models.transformers_library import whole_library
from lrensemble.registry import nearest

Rank = Annotated[int, Field(ge=1, le=4096)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]

ALL = "all-linear"
"""Stands for every linear layer but the one that gives the next token."""


@MODELS.register(sequences=True, outside=("revision",), base="a-folder")
def lora(
    shape: tuple[int, ...],
    outputs: int,
    *,
    base: str,
    revision: str | None = None,
    rank: Rank = 8,
    alpha: Positive | None = None,
    dropout: Share = 0.0,
    targets: tuple[str, ...] | str = ALL,
    rslora: bool = False,
    dora: bool = False,
    checkpointing: bool = False,
    dtype: Type = "float32",
    quantize: Quantize | None = None,
) -> nn.Module:
    """LoRA adapter of a causal language model, whose own weights are loaded once and stay as they are.

    Needs `pip install 'lrensemble[llm]'`.

    Args:
        shape: (length,) of one sequence of tokens.
        outputs: how many; a language model brings its own.
        base: folder of a causal language model, or its name on the Hugging Face hub.
        revision: branch, tag or commit of a model of the hub.
        rank: rank of the change of a layer.
        alpha: its scale, times the rank or its root; twice the rank unless given.
        dropout: share of a layer's inputs that a training step leaves out.
        targets: names of the linear layers that are changed, `["q_proj", "v_proj"]`; all of them unless given.
        rslora: whether the scale is alpha / sqrt(rank), and not alpha / rank.
        dora: whether lengths and directions of weights are learned apart.
        checkpointing: whether activations are computed again in the backward pass, to save memory.
        dtype: type of the base's weights in memory; those of the adapter are float32.
        quantize: `8bit` or `4bit`, to which the base's linear layers are rounded where `bitsandbytes` is installed
            (never run by those who wrote it); members are judged on the rounded base.

    Raises:
        SpecError: no such base, or layers that it does not have.
        MissingExtraError: `peft`, `transformers` or `bitsandbytes` is not installed.
    """
    del shape, outputs
    reference = base_of(base, revision)
    peft = peft_library()
    model = _sharing(shared_base(reference, dtype, quantize))
    chosen = _layers(model, targets)
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=2 * rank if alpha is None else alpha,
        lora_dropout=dropout,
        target_modules=chosen,
        use_rslora=rslora,
        use_dora=dora,
        fan_in_fan_out=_are_transposed(model, chosen),
        base_model_name_or_path=reference.path,
        revision=reference.revision,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it asks transformers by a name that is to change
        network = cast(nn.Module, peft.get_peft_model(model, config))
    return _checkpointed(network, model) if checkpointing else network


@MODELS.register("causal-lm", sequences=True, outside=("revision",), base="a-folder")
def causal_lm(
    shape: tuple[int, ...],
    outputs: int,
    *,
    base: str,
    revision: str | None = None,
    checkpointing: bool = False,
) -> nn.Module:
    """All weights of a causal language model, fine-tuned; for small ones, since every member holds all of them.

    Needs `pip install 'lrensemble[llm]'`.

    Args:
        shape: (length,) of one sequence of tokens.
        outputs: how many; a language model brings its own.
        base: folder of a causal language model, or its name on the Hugging Face hub.
        revision: branch, tag or commit of a model of the hub.
        checkpointing: whether activations are computed again in the backward pass, to save memory.

    Raises:
        SpecError: no such base.
        MissingExtraError: `transformers` is not installed.
    """
    del shape, outputs
    model = copy.deepcopy(shared_base(base_of(base, revision), "float32"))
    model.requires_grad_(True)
    return _checkpointed(model, model) if checkpointing else cast(nn.Module, model)


def is_adapter(network: nn.Module) -> bool:
    """Whether a network is an adapter on a base, and not all of a model."""
    return hasattr(network, "peft_config")


def adapter_config(network: Any) -> dict[str, Any]:
    """What `peft` writes as `adapter_config.json`, ready for JSON."""
    config = network.active_peft_config.to_dict()
    config |= {"inference_mode": True, "target_modules": sorted(config["target_modules"])}
    return {key: getattr(value, "value", value) for key, value in config.items()}


def adapter_weights(network: Any) -> dict[str, torch.Tensor]:
    """Weights of an adapter by the names that `peft` saves them under; in the memory that it computes with."""
    found: dict[str, torch.Tensor] = peft_library().get_peft_model_state_dict(network, save_embedding_layers=False)
    return found


def _sharing(model: Any) -> Any:
    """A model of modules of its own, whose weights are those of another one: to put adapters into."""
    return copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})


def _layers(model: Any, targets: tuple[str, ...] | str) -> list[str]:
    """Names of the linear layers to change, of which a base has one in each of its blocks, say.

    Raises:
        SpecError: names that no layer of the base has.
    """
    known = sorted({name.rpartition(".")[2] for name in linear_layers(model)})
    if not known:
        raise SpecError(
            f"model 'lora': a {type(model).__name__} has no linear layers to change; give another "
            "base, such as a Llama, or train all of it, model = 'causal-lm'"
        )
    if targets == ALL:
        return known
    asked = (targets,) if isinstance(targets, str) else targets
    for name in asked:
        if name not in known:
            raise SpecError(f"model 'lora': targets: the base has no linear layer {name!r}{nearest(name, known)}")
    if not asked:
        raise SpecError(f"model 'lora': targets is empty; give some of {', '.join(known)}")
    return sorted(set(asked))


def _are_transposed(model: Any, names: list[str]) -> bool:
    """Whether the weights of the layers to change lie as [input, output], of which an adapter is told.

    Raises:
        SpecError: those of some do, and those of others do not.
    """
    layers = {name: part for name, part in linear_layers(model).items() if name.rpartition(".")[2] in names}
    kinds = {is_transposed(part): name for name, part in layers.items()}
    if len(kinds) > 1:
        raise SpecError(
            f"model 'lora': the weights of {kinds[True]} lie as [input, output], those of {kinds[False]} do not; give "
            "targets of one kind"
        )
    return next(iter(kinds))


def _checkpointed(network: nn.Module, model: Any) -> nn.Module:
    """The network, whose activations are computed again in the backward pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it will be called otherwise, and is not yet everywhere
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return network


def computes_again(network: nn.Module) -> bool:
    """Whether activations of a language model are computed again in the backward pass."""
    return any(getattr(part, "gradient_checkpointing", False) for part in network.modules())


def peft_library() -> Any:
    """The library `peft`.

    Raises:
        MissingExtraError: it is not installed, or not as a whole.
    """
    return whole_library("peft", "adapters need peft; pip install 'lrensemble[llm]'")
