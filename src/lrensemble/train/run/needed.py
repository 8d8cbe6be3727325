"""Memory that the training of a language model needs, counted before anything of it is loaded."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields
from typing import Any

import torch
from torch import nn

from lrensemble import models
from lrensemble.config import TrainSettings
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.fewer_bits import BITS
from lrensemble.language.likelihood import ROWS
from lrensemble.language.shared import linear_layers, outlined
from lrensemble.language.step_memory import BatchSize, activation_bytes
from lrensemble.spec import Spec
from lrensemble.train.run.arithmetic.optimizers import build_optimizer

GB = 1e9
LEAST_PARAMETERS = 100_000_000
"""Parameters of a model whose memory is counted; smaller ones find room everywhere."""

PROBE = 64
"""Rows and columns of the matrix by which it is found out what an optimizer keeps of a parameter."""


@dataclass(frozen=True)
class NeededMemory:
    """Bytes that one run holds at once."""

    base: int
    """Weights that stay as they are."""
    trained: int
    """Weights that are trained."""
    gradients: int
    optimizer: int
    """What the optimizer keeps of each weight, and the moving average where there is one."""
    activations: int
    """What a step, or a prediction, holds beside all this; at most."""

    @property
    def total(self) -> int:
        """All of it."""
        return sum(astuple(self))

    @property
    def lasting(self) -> int:
        """What is there from the first step to the last, however small the parts of a batch are."""
        return self.total - self.activations

    def __str__(self) -> str:
        parts = ", ".join(f"{field.name} {getattr(self, field.name) / GB:.2f}" for field in fields(self))
        return f"{self.total / GB:.1f} GB ({parts})"


def needed_memory(
    model: Spec, settings: TrainSettings, dataset: SequenceDataset, *, shards: int = 1
) -> NeededMemory | None:
    """Memory of a run; None of a model that is small, whichever the machine.

    The sequences of a batch are taken to be as long as the longest of all, with as many answer tokens as any has. What
    the device's libraries hold for themselves is not counted, some hundred megabytes.

    Args:
        model: a language model that is registered, with its arguments.
        settings: batch size, accumulation, optimizer, precision.
        dataset: what is learned.
        shards: devices that share the base and each batch; it is counted for one of them.
    """

    def build(blocks: int) -> nn.Module:
        with outlined(blocks):
            return models.build(model, dataset.shape, 1, 0)

    whole = build(0)
    if sum(weights.numel() for weights in whole.parameters()) < LEAST_PARAMETERS:
        return None
    trained = [weights for weights in whole.parameters() if weights.requires_grad]
    frozen = [weights for weights in whole.parameters() if not weights.requires_grad]
    size, train = sum(weights.numel() for weights in trained), dataset.sequences["train"]
    rows = math.ceil(settings.batch_size / settings.accumulate / shards)
    batch = BatchSize(rows, max(2, train.ids.shape[1]), rows * int(train.answer.sum(axis=1).max()))
    autocast = None if settings.precision in ("float32", "tf32") else getattr(torch, settings.precision)
    blocks = int(whole.config.get_text_config().num_hidden_layers)  # type: ignore[operator, union-attr]
    step = activation_bytes(build, blocks, batch, autocast)
    return NeededMemory(
        base=(bytes_of(frozen) - _saved_bytes(whole, model.arguments.get("quantize"))) // shards,
        trained=bytes_of(trained),
        gradients=bytes_of(trained),
        optimizer=math.ceil(size * optimizer_bytes(settings)) + (bytes_of(trained) if settings.ema else 0),
        activations=max(step, _prediction_bytes(dataset, frozen[0].dtype if frozen else torch.float32)),
    )


def bytes_of(weights: list[nn.Parameter]) -> int:
    """Bytes of parameters."""
    return sum(each.numel() * each.element_size() for each in weights)


def _saved_bytes(network: Any, quantize: Any) -> int:
    """Bytes that frozen linear layers take less in fewer bits."""
    if quantize is None:
        return 0
    weights = [part.weight for part in linear_layers(network.get_base_model()).values()]
    saved = (8 * each.element_size() - BITS[quantize] for each in weights)
    pairs = zip(weights, saved, strict=True)
    return int(sum(each.numel() * bits / 8 for each, bits in pairs if not each.requires_grad))


def optimizer_bytes(settings: TrainSettings) -> float:
    """Bytes that the optimizer of a recipe keeps of each weight, found out on a matrix."""
    probe = nn.Parameter(torch.ones(PROBE, PROBE))
    optimizer = build_optimizer(settings, [probe])
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    probe.grad = torch.ones_like(probe)
    optimizer.step()
    kept = [each for each in optimizer.state[probe].values() if isinstance(each, torch.Tensor) and each.numel() > 1]
    return sum(each.numel() * each.element_size() for each in kept) / probe.numel()


def _prediction_bytes(dataset: SequenceDataset, dtype: torch.dtype) -> int:
    """Bytes of the logits of the sequences that are predicted at once: as they come, in float32, and normalised."""
    longest = max(dataset.sequences[split].ids.shape[1] for split in dataset.tokens)
    each = int(dtype.itemsize) + (0 if dtype.itemsize == 4 else 4) + 4
    return ROWS * int(longest) * len(dataset.target.names) * each
