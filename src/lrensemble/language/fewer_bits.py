"""Weights of a base in 8 or 4 bits, by `bitsandbytes`, under adapters of more (QLoRA, Dettmers et al. 2023).

Not run by those who wrote it: they had neither the library nor a GPU for it.
"""

from __future__ import annotations

from typing import Any, Literal

import torch

from lrensemble.models.transformers_library import whole_library

Quantize = Literal["8bit", "4bit"]

BITS: dict[Quantize, float] = {"8bit": 8.0, "4bit": 4.5}
"""Bits of a weight, with its part of the scale that 64 weights of 4 bits share."""


def quantization(transformers: Any, quantize: Quantize, dtype: torch.dtype) -> dict[str, Any]:
    """Arguments of `from_pretrained` that round the linear layers while they are loaded.

    Args:
        transformers: the library.
        quantize: to how many bits; 4 are those of `nf4`.
        dtype: type that is computed in.

    Raises:
        MissingExtraError: `bitsandbytes` is not installed.
    """
    require_library(quantize)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    settings = (
        transformers.BitsAndBytesConfig(load_in_8bit=True)
        if quantize == "8bit"
        else transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
    )
    return {"quantization_config": settings, "device_map": {"": device}}


def require_library(quantize: Quantize) -> None:
    """Refuse fewer bits where there is nothing to round by.

    Raises:
        MissingExtraError: `bitsandbytes` is not installed, or not for this machine.
    """
    missing = f"model.quantize = {quantize!r} needs bitsandbytes; pip install bitsandbytes, or leave it out"
    whole_library("bitsandbytes", missing)
