"""What a recipe learns from a data set: by which loss, from which rows, and whether the data serve them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lrensemble.config import TrainSettings
from lrensemble.data.augment import Augmenter
from lrensemble.data.dataset import Dataset
from lrensemble.data.samplers import SAMPLERS, Sampler, TrainingRows
from lrensemble.errors import ConfigError
from lrensemble.targets.losses import LOSSES, Lesson, Loss


def loss_of(dataset: Dataset, settings: TrainSettings) -> Loss:
    """Loss that a recipe names, or that of its form.

    Raises:
        UnknownNameError, SpecError: no such loss, or an argument that it refuses.
        ConfigError: a loss that the classes or the training rows do not serve.
    """
    head = dataset.head(settings.form)
    if settings.loss is None:
        return head
    rows = _training_rows(dataset)
    counts = () if rows.labels is None else np.bincount(rows.labels, minlength=len(rows.classes)).tolist()
    return LOSSES.call(settings.loss, Lesson(head, rows.classes, tuple(counts), dataset.device))


def sampler_of(dataset: Dataset, settings: TrainSettings) -> Sampler:
    """Sampler that a recipe names, of the training rows.

    Raises:
        UnknownNameError, SpecError: no such sampler, or an argument that it refuses.
        ConfigError: a sampler that the data do not serve.
    """
    return SAMPLERS.call(settings.sampler, _training_rows(dataset))


def lesson_of(dataset: Dataset, settings: TrainSettings) -> Dataset:
    """Data set whose truth is what a recipe learns: class probabilities where its loss asks for them.

    Raises:
        ConfigError: it asks, and there are none.
    """
    if settings.loss is None or not LOSSES.facts(settings.loss).soft:
        return dataset
    if dataset.soft is None:
        raise ConfigError(
            f"train.loss = '{settings.loss}' is refused: the data set has no class probabilities; name an array or "
            "columns of them, [data] soft = …, with npz or table"
        )
    return replace(dataset, truth=dataset.soft)


def check_training(dataset: Dataset, settings: TrainSettings) -> None:
    """Refuse settings that a data set does not serve.

    Raises:
        UnknownNameError, SpecError: an unknown name, or an argument that is refused.
        ConfigError: with the key.
    """
    dataset.target.check_training(settings)
    loss_of(dataset, settings)
    sampler_of(dataset, settings)
    lesson_of(dataset, settings)
    mixing = Augmenter(settings.augment, dataset.shape, 1).mixes
    if settings.loss is not None and mixing and not LOSSES.facts(settings.loss).mixes:
        raise ConfigError(
            f"train.loss = '{settings.loss}' is refused with {mixing}: of two truths that are mixed it would learn the "
            "likelier, not the mean; leave one of the two out"
        )


def _training_rows(dataset: Dataset) -> TrainingRows:
    rows = dataset.rows["train"].cpu().numpy()
    weights = None if dataset.weights is None else dataset.weights[rows]
    if len(dataset.truth_mean):
        return TrainingRows(len(rows), weights=weights)
    return TrainingRows(len(rows), dataset.truth_of("train"), dataset.target.names, weights)
