"""The base model that adapters share: one reference, and the model and tokenizer that it leads to.

Nothing in a base's folder is run: no code of its own, no pickle, no attention kernel that its settings name, and
nothing beside the folder is loaded on its word.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import torch

from lrensemble.config import Base
from lrensemble.errors import SpecError, StorageError
from lrensemble.files import read_json, warn_once
from lrensemble.language.fewer_bits import Quantize, quantization
from lrensemble.language.hub import is_hub_name, snapshot
from lrensemble.language.weights import weights_sha256
from lrensemble.models.transformers_library import first_line, quiet, transformers_with

CAUSAL = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
"""Ends of the names of architectures that predict the next token."""

CAUSAL_ROUNDING = 32
"""Steps of the last digit by which a logit may differ where another token follows."""

UNLIMITED = 10**9
"""A tokenizer that knows no largest length says a number above this."""

_LOCAL: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}


class LoadedBase(NamedTuple):
    """A base in memory, ready to predict."""

    model: Any
    """Causal model of `transformers`, in evaluation mode."""
    tokenizer: Any
    """Its tokenizer, which pads on the right."""

    @property
    def context(self) -> int | None:
        """Tokens that it can look at, at most; None where neither model nor tokenizer says."""
        return context_length(self.model, self.tokenizer)


def base_of(path: str | Path, revision: str | None = None) -> Base:
    """The reference to a base; one of the hub is downloaded for it.

    Args:
        path: a folder that `save_pretrained` wrote, or a name on the Hugging Face hub.
        revision: branch, tag or commit of a model of the hub; the main branch unless given.

    Raises:
        SpecError: there is no such folder or name, or it holds no causal language model in safetensors.
        UntrustedError: a folder from elsewhere names one of the hub, and nobody has asked for it.
        StorageError: a file cannot be read.
    """
    folder = _folder(str(path), revision)
    _check_settings(folder)
    is_folder = os.path.isdir(path)
    return Base(
        path=os.path.abspath(path) if is_folder else str(path),
        revision=None if is_folder else folder.name,
        weights_sha256=weights_sha256(folder),
    )


def load_base(
    base: Base,
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    quantize: Quantize | None = None,
) -> LoadedBase:
    """Load what a reference leads to, if it is still the same.

    Args:
        base: the reference.
        dtype: type of the weights in memory.
        device: where they are put.
        quantize: to how many bits linear layers are rounded, by `bitsandbytes`; these stay where it puts them.

    Raises:
        SpecError: as `base_of`; or the weights are others than those referred to, or do not fit the settings, or the
            tokenizer does not fit the model or has nothing to pad with.
        UntrustedError, StorageError: as `base_of`.
        MissingExtraError: `transformers`, or `bitsandbytes` for fewer bits, is not installed.
    """
    folder = _checked_folder(base)
    transformers = transformers_with("AutoModelForCausalLM", "a language model", "llm")
    rounded = {} if quantize is None else quantization(transformers, quantize, dtype)
    with quiet(transformers):
        model = _model(transformers, folder, dtype, rounded)
        tokenizer = _tokenizer(transformers, folder)
    _fit(model, tokenizer, base.path)
    model = model.eval() if rounded else model.to(device).eval()
    _check_causal(model, base.path)
    return LoadedBase(model, tokenizer)


def outline_of(base: Base, *, dtype: torch.dtype = torch.float32) -> LoadedBase:
    """What a reference leads to, its weights with shapes and no content: to read texts in its tokens, or to count.

    Args:
        base: the reference.
        dtype: type that the weights would have.

    Raises:
        SpecError, UntrustedError, StorageError, MissingExtraError: as `load_base`, but that not all weights may be
            there.
    """
    folder = _checked_folder(base)
    transformers = transformers_with("AutoModelForCausalLM", "a language model", "llm")
    with quiet(transformers):
        model = empty_model(_config(transformers, folder), folder, dtype)
        tokenizer = _tokenizer(transformers, folder)
    _fit(model, tokenizer, base.path)
    return LoadedBase(model.eval(), tokenizer)


def empty_model(config: Any, folder: Path | str, dtype: torch.dtype) -> Any:
    """A model of settings, its weights with shapes and no content.

    Raises:
        SpecError: there is no such architecture; the message names the folder.
    """
    transformers = transformers_with("AutoModelForCausalLM", "a language model", "llm")
    try:
        with torch.device("meta"):
            return transformers.AutoModelForCausalLM.from_config(config, dtype=dtype, trust_remote_code=False)
    except Exception as error:  # of many kinds, as where it is loaded
        raise _unusable(Path(folder), error) from None


def context_length(model: Any, tokenizer: Any) -> int | None:
    """Tokens that a model can look at, at most: the smaller of what its settings and its tokenizer say."""
    settings = model.config.get_text_config()
    said = (getattr(settings, "max_position_embeddings", None), getattr(tokenizer, "model_max_length", None))
    return min((int(each) for each in said if each is not None and 0 < each < UNLIMITED), default=None)


def _checked_folder(base: Base) -> Path:
    """The folder that a reference leads to, if it holds the same weights."""
    folder = _folder(base.path, base.revision)
    _check_settings(folder)
    if (found := weights_sha256(folder)) != base.weights_sha256:
        raise SpecError(
            f"{base.path} holds other weights (SHA-256 {found[:12]}…) than the base that was referred to "
            f"({base.weights_sha256[:12]}…); give the very base that the members were trained on"
        )
    return folder


def _folder(path: str, revision: str | None) -> Path:
    if os.path.isdir(path):
        if revision is not None:
            raise SpecError(
                f"base {path!r} is a folder, and a folder has no revision; leave revision = {revision!r} out"
            )
        return Path(path)
    if os.path.lexists(path) or os.path.isabs(path) or not is_hub_name(path):
        raise SpecError(
            f"there is no folder {path!r}; give one with config.json, model.safetensors and the tokenizer, or the name "
            "of a causal language model on the Hugging Face hub"
        )
    return snapshot(path, revision)


def _check_settings(folder: Path) -> None:
    """Refuse what is no causal language model, and an adapter, which would lead elsewhere."""
    if (folder / "adapter_config.json").exists():
        raise SpecError(f"{folder} holds an adapter (adapter_config.json); give the folder of its base model")
    if not (folder / "config.json").is_file():
        raise SpecError(f"{folder} holds no config.json; give a folder that save_pretrained of transformers wrote")
    try:
        settings = read_json(folder / "config.json")
    except StorageError as error:
        raise SpecError(str(error)) from None
    if not isinstance(settings, dict):
        raise SpecError(f"{folder / 'config.json'} is damaged: it must hold an object")
    saved_as = settings.get("architectures") or []
    if saved_as and not any(str(name).endswith(CAUSAL) for name in saved_as):
        raise SpecError(
            f"{folder} holds a {', '.join(map(str, saved_as))}; give a causal language model, such as LlamaForCausalLM"
        )
    if settings.get("is_encoder_decoder"):
        raise _two_parts(folder, ", ".join(map(str, saved_as)) or str(settings.get("model_type")))


def _two_parts(folder: Path, name: str) -> SpecError:
    return SpecError(
        f"{folder} holds a {name}, an encoder with a decoder, as BART and T5 are; give a causal language model, such "
        "as LlamaForCausalLM"
    )


def _config(transformers: Any, folder: Path) -> Any:
    try:
        config = transformers.AutoConfig.from_pretrained(folder, **_LOCAL)
    except Exception as error:
        raise _unusable(folder, error) from None
    if getattr(config, "is_encoder_decoder", False):
        raise _two_parts(folder, str(config.model_type))
    # Settings may name kernels of a hub, which would be downloaded and run; the library's own are good.
    config._attn_implementation = config._experts_implementation = None
    return config


def _model(transformers: Any, folder: Path, dtype: torch.dtype, rounded: dict[str, Any]) -> Any:
    config = _config(transformers, folder)
    try:
        model, report = transformers.AutoModelForCausalLM.from_pretrained(
            folder, config=config, dtype=dtype, use_safetensors=True, output_loading_info=True, **rounded, **_LOCAL
        )
    except Exception as error:  # of many kinds: settings of another program, an unknown architecture
        raise _unusable(folder, error) from None
    wrong = [*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]
    if wrong:
        raise SpecError(f"{folder} is not a whole model: weights such as {min(wrong)} are missing or do not fit")
    return model


def _tokenizer(transformers: Any, folder: Path) -> Any:
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **_LOCAL)
    except Exception as error:
        raise _unusable(folder, error) from None
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise SpecError(f"the tokenizer in {folder} has no token for padding, and none for the end to pad with")
        tokenizer.pad_token = tokenizer.eos_token
        warn_once(f"{folder}: its tokenizer has no token for padding; {tokenizer.eos_token!r}, its end, serves for it")
    return tokenizer


def _fit(model: Any, tokenizer: Any, path: str) -> None:
    embedded = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > embedded:
        raise SpecError(
            f"{path}: its tokenizer has {len(tokenizer)} tokens, and its model knows {embedded}; they do not belong "
            "together"
        )


@torch.no_grad()
def _check_causal(model: Any, path: str) -> None:
    """Refuse a model that says something else of a token when another one follows: it sees what it is to predict."""
    device = model.get_input_embeddings().weight.device
    logits = model(torch.tensor([[0, 1], [0, 2]], device=device), use_cache=False).logits[:, 0]
    rounding = CAUSAL_ROUNDING * torch.finfo(logits.dtype).eps * float(logits.abs().max())
    if float((logits[0] - logits[1]).abs().max()) > rounding:
        raise SpecError(
            f"{path}: its {type(model).__name__} sees the tokens that it is to predict, as an encoder does; give a "
            "causal language model, such as LlamaForCausalLM"
        )


def _unusable(folder: Path, error: Exception) -> SpecError:
    return SpecError(
        f"the language model in {folder} cannot be loaded: {type(error).__name__}: {first_line(error)}; give a folder "
        "that save_pretrained of transformers wrote, with a model and its tokenizer that need no code of their own"
    )
