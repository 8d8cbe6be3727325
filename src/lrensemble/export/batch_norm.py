"""Statistics of batch norm for a network whose weights were not trained, such as an average of weights."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from lrensemble.data import Dataset

ROWS = 8192
"""Maximum number of training rows that statistics are estimated on."""

BATCH_ROWS = 512
"""Rows of one forward pass of the estimation."""


def has_batch_norm(network: nn.Module) -> bool:
    """Whether the network keeps running statistics."""
    return bool(_layers(network))


@torch.no_grad()
def reestimate(network: nn.Module, dataset: Dataset) -> None:
    """Estimate the running statistics anew, in place: plain means over batches of training rows, dropout off."""
    layers = _layers(network)
    momenta = [layer.momentum for layer in layers]
    network.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch's way to say: a plain mean
        layer.train()
    rows = dataset.rows["train"]
    spaced = rows[torch.linspace(0, len(rows) - 1, min(ROWS, len(rows)), device=rows.device).long()]
    for block in torch.split(spaced, BATCH_ROWS):
        network(dataset.batch(block)[0])
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()


def _layers(network: nn.Module) -> list[_BatchNorm]:
    found = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    return [layer for layer in found if layer.track_running_stats]
