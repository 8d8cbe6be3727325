"""Work of networks: floating-point operations of a forward pass, by which threads are chosen (`threads`).

`torch.utils.flop_counter` counts more exactly, but like all that looks at each operator it loads what torch knows of
all of them: 70 MiB that a server then holds. Linear layers, convolutions and the projections of attention are nearly
all of the work, and do here. `nn.MultiheadAttention` takes the weights of its `out_proj` without calling it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

BY_OUTPUT = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers whose every output takes all weights of its channel."""
BY_INPUT = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
"""Layers whose every input does."""


@torch.no_grad()
def operations_of(network: nn.Module, prepared: Tensor) -> int:
    """Floating-point operations of a network for a row: of linear layers, convolutions and the projections of
    attention, as often as they are used, and of other matrices as if each were used once.

    Args:
        network: in evaluation mode; one that another library runs counts nothing.
        prepared: normalised inputs [sample, …], one row or more.
    """
    found, used = 0, set[int]()

    def count(layer: nn.Module, given: tuple[Any, ...], gives: Tensor) -> None:
        nonlocal found
        weight: Any = layer.weight
        places = given[0] if isinstance(layer, BY_INPUT) else gives
        found += 2 * weight.numel() * (places.numel() // weight.shape[0])
        used.update(map(id, layer.parameters()))

    def attend(layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any], gives: tuple[Tensor, Any]) -> None:
        nonlocal found
        query, key, value = (*given, *(named[name] for name in ("query", "key", "value")[len(given) :]))[:3]
        width: Any = layer.embed_dim  # of what the three are projected to, and of what the output is projected from
        found += 2 * width * (query.numel() + key.numel() + value.numel() + gives[0].numel())
        used.update(map(id, layer.parameters()))

    layers = [layer for layer in network.modules() if isinstance(layer, (*BY_OUTPUT, *BY_INPUT))]
    attentions = [layer for layer in network.modules() if isinstance(layer, nn.MultiheadAttention)]
    handles = [layer.register_forward_hook(count) for layer in layers]
    handles += [layer.register_forward_hook(attend, with_kwargs=True) for layer in attentions]
    try:
        network(prepared)
    finally:
        for handle in handles:
            handle.remove()
    looked_up = [layer for layer in network.modules() if isinstance(layer, nn.Embedding | nn.EmbeddingBag)]
    used.update(id(own) for layer in looked_up for own in layer.parameters())
    others = (own for own in network.parameters() if own.ndim > 1 and id(own) not in used)
    return found // len(prepared) + 2 * sum(own.numel() for own in others)
