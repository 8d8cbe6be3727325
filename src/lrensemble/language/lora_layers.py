"""Layers of a model that `peft` has put LoRA adapters around, and what several adapters add to the rows of each.

A layer multiplies the rows of all members by its frozen weights at once, and adds s B_m A_m x to the rows of each (Hu
et al. 2022, section 4.1) by two batches of products of thin matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

EMPTY_IN_PLAIN = ("lora_variant", "lora_embedding_A", "lora_magnitude_vector")
"""Parts of a layer of `peft` that are empty where it adds a product of two matrices and nothing else."""


def adapted_layers(model: Any) -> Iterator[tuple[str, Any]]:
    """The layers of a model that `peft` has put an adapter around, by name."""
    return ((name, part) for name, part in model.named_modules() if hasattr(part, "lora_A"))


def add_products(said: Tensor, given: Tensor, down: Tensor, up: Tensor, scale: float | Tensor) -> Tensor:
    """Outputs [member · row, …, output] of a layer with what the adapter of each member adds, in the type of its own.

    Args:
        said: [member · row, …, output] outputs of the frozen layer.
        given: [member · row, …, input] what A is multiplied with; rows of the first member first, as many of each.
        down: A, [member, rank, input].
        up: B, [member, output, rank].
        scale: s, one number or [member].
    """
    thin = torch.bmm(given.reshape(len(down), -1, given.shape[-1]), down.mT)
    if isinstance(scale, Tensor):
        thin, scale = thin * scale.to(thin.dtype)[:, None, None], 1.0
    if thin.dtype == said.dtype:
        own = said.view(len(up), -1, said.shape[-1])
        return torch.baddbmm(own, thin, up.mT, alpha=scale).view(said.shape)
    added = torch.bmm(thin, up.mT) * scale
    return (said + added.view(said.shape)).to(said.dtype)
