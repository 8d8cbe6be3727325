"""Batches of one row, which networks with batch norm refuse in training: found before any training."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import nn

from lrensemble import models
from lrensemble.config import TrainSettings
from lrensemble.data import Dataset
from lrensemble.errors import ConfigError
from lrensemble.models import MODELS
from lrensemble.registry import reason_of
from lrensemble.spec import Spec


def check_no_lone_row(dataset: Dataset, model: Spec, settings: TrainSettings) -> None:
    """Refuse batches, or parts of one, of a single row where the model takes none: it fails at the end of an epoch.

    Raises:
        ConfigError: with what to change.
        SpecError: the model does not suit the data.
    """
    rows = len(dataset.rows["train"])
    given, instead = _lone_row(rows, settings) if settings.function is None else ("", "")
    written = MODELS.find(model.name).written
    reason = given and _refusal(model, dataset.shape, dataset.head(settings.form).outputs, written)
    if reason:
        raise ConfigError(
            f"{given} is refused: with {rows:,} training rows and train.batch_size = {settings.batch_size} a batch has "
            f"one row, of which {model} cannot learn ({reason}); {instead}"
        )


def _lone_row(rows: int, settings: TrainSettings) -> tuple[str, str]:
    """Key and value that leave a row alone, and what to do; empty where every part of every batch has more rows."""
    size, parts = settings.batch_size, settings.accumulate
    left = 0 if settings.drop_last else rows % size
    if size == 1 or rows == 1:
        return f"train.batch_size = {size}", "give at least 2, and as many rows"
    if left == 1:
        return "train.drop_last = false", "leave it out, or change train.batch_size"
    for batch in filter(None, (min(size, rows), left)):
        if batch % math.ceil(batch / parts) == 1 or parts >= batch:
            return f"train.accumulate = {parts}", "give fewer parts, or change train.batch_size"
    return "", ""


@lru_cache(maxsize=64)
@torch.no_grad()
def _refusal(
    model: Spec,
    shape: tuple[int, ...],
    outputs: int,
    written: Callable[..., nn.Module],  # noqa: ARG001 – asked anew where it was edited and loaded again
) -> str | None:
    """Why a network cannot be trained on one row, while it can on two; None where it can, or on neither."""
    network = models.build(model, shape, outputs, 0).train()

    def failure(rows: int) -> str | None:
        try:
            network(torch.zeros(rows, *shape))
        except Exception as error:  # whatever its layers raise
            return reason_of(error)
        return None

    with torch.random.fork_rng(devices=[]):  # dropout draws
        reason = failure(1)
        return reason and (None if failure(2) else reason)
