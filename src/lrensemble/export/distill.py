"""A student: one network trained to say what the team says (Hinton et al. 2015), by the engine that trains members.

The team's probabilities on the training rows take the place of the labels, so that the loss is the cross-entropy with
them, at a temperature of 1. They are those of the rows as they are, also where the recipe augments; labels are not
smoothed, for the team's are soft already.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn.functional import one_hot

from lrensemble import models
from lrensemble.config import Recipe
from lrensemble.config.records import to_record
from lrensemble.data import Dataset, steps_per_epoch
from lrensemble.errors import ExportError
from lrensemble.export.description import Part
from lrensemble.export.ensemble import PREDICTED_AT_ONCE, Ensemble
from lrensemble.export.soup import single
from lrensemble.metrics import METRICS
from lrensemble.policies import build
from lrensemble.spec import SpecLike
from lrensemble.train import SingleTrainee, fit, predict

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Student:
    """One network in the place of a team."""

    ensemble: Ensemble
    """Of the one network."""
    accuracy: float
    """On `val`."""
    team_accuracy: float
    """Of the team it learned from, on `val`."""


def distill(
    ensemble: Ensemble,
    dataset: Dataset,
    recipe: Recipe | Mapping[str, Any],
    *,
    model: SpecLike | None = None,
    labels: float = 0.0,
) -> Student:
    """Train one network on a team's probabilities of the training rows.

    Args:
        ensemble: the team.
        dataset: that the team was trained on; the student is trained on its device.
        recipe: of the student: policy, optimizer, epochs, seed, and its network unless `model` names another.
        model: the student's network.
        labels: share of the true labels in what it learns, from 0 to 1.

    Raises:
        ExportError: a share outside 0 to 1, or a data set of other classes.
        DataError: a data set of inputs of another shape.
        SpecError: a model that is unknown or does not suit the data.
        TrainingError: an optimizer that refuses, or a run that diverges.
    """
    if not 0 <= labels <= 1:
        raise ExportError(f"labels = {labels} is refused; give a share from 0 to 1")
    if dataset.classes != ensemble.description.classes:
        raise ExportError(
            f"the data have {len(dataset.classes)} classes that are not the {len(ensemble.description.classes)} of the "
            "team; give the data set that its members were trained on"
        )
    plan = recipe if isinstance(recipe, Recipe) else to_record(Recipe, dict(recipe), "recipe")
    spec = models.check(model or plan.model)
    device = dataset.device
    ensemble = ensemble.to(device)
    network = models.build(spec, dataset.shape, len(dataset.classes), plan.train.seed).to(device)
    settings = plan.train.model_copy(update={"label_smoothing": 0.0})
    epoch = steps_per_epoch(len(dataset.rows["train"]), plan.train.batch_size)
    policy = build(plan.policy, plan.train.epochs * epoch)
    lesson = replace(dataset, labels=_targets(ensemble, dataset, labels))
    student = SingleTrainee(network, lesson, settings)
    for step in fit(student, policy):
        if (step.step + 1) % epoch == 0:
            logger.info("epoch %d of %d: loss %.4f", (step.step + 1) // epoch, plan.train.epochs, step.loss)
    description = single(ensemble.description, f"student of {len(ensemble.members)} members")
    part = Part(id="student", name=description.parts[0].name, model=spec)
    truth = dataset.labels[dataset.rows["val"]].cpu().numpy()
    learned = predict(student.evaluated, dataset, "val").double().exp().numpy()
    taught = ensemble.predict_proba(dataset.raw(dataset.rows["val"]))
    return Student(
        ensemble=Ensemble([student.evaluated], description.model_copy(update={"parts": (part,)})),
        accuracy=METRICS.call("accuracy", learned, truth),
        team_accuracy=METRICS.call("accuracy", taught, truth),
    )


@torch.no_grad()
def _targets(ensemble: Ensemble, dataset: Dataset, labels: float) -> torch.Tensor:
    """[sample, class] float32: what the student learns of each training row; zero for rows that it must not see."""
    targets = torch.zeros(len(dataset.labels), len(dataset.classes), device=dataset.device)
    for rows in torch.split(dataset.rows["train"], PREDICTED_AT_ONCE):
        truth = one_hot(dataset.labels[rows], len(dataset.classes))
        targets[rows] = ((1 - labels) * ensemble(dataset.raw(rows)) + labels * truth).float()
    return targets
