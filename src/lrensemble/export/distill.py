"""A student: one network distilled from a team (Hinton et al. 2015), trained by the engine that trains members.

The loss is `soft_targets`, −Σ_c q_c log p_c with the team's probabilities q at temperature 1 in place of the labels.
They are computed on rows without augmentation, also where the recipe augments. Labels are not smoothed: q is soft.
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
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.raw_inputs import PREDICT_BATCH_ROWS
from lrensemble.export.soup import describe_single
from lrensemble.metrics import METRICS
from lrensemble.policies import build
from lrensemble.spec import Spec, SpecLike
from lrensemble.text.counted import counted
from lrensemble.train import SingleTrainee, fit, predict
from lrensemble.train.run.one_row import check_no_lone_row

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Student:
    """One network in place of a team, and its accuracy."""

    ensemble: Ensemble
    """Ensemble of the one network."""
    accuracy: float
    """Accuracy of the student on `val`."""
    team_accuracy: float
    """Accuracy of the team on `val`."""


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
        ensemble: ensemble of the team.
        dataset: data set that the team was trained on; the student is trained on its device.
        recipe: recipe of the student: policy, optimizer, epochs, seed, and its network unless `model` names another.
        model: the student's network.
        labels: weight of the true labels in the targets, from 0 to 1.

    Raises:
        ExportError: a share outside 0 to 1, or a data set of other classes.
        DataError: a data set of inputs of another shape.
        SpecError: a model that is unknown or does not suit the data.
        ConfigError: batches of one row, of which the network cannot learn.
        TrainingError: an optimizer that refuses, or a run that diverges.
    """
    if not 0 <= labels <= 1:
        raise ExportError(f"labels = {labels} is refused; give a share from 0 to 1")
    if dataset.target.names != ensemble.description.classes:
        raise ExportError(
            f"the data have {dataset.target.width} classes that are not the {len(ensemble.description.classes)} of the "
            "team; give the data set that its members were trained on"
        )
    student_recipe = recipe if isinstance(recipe, Recipe) else to_record(Recipe, dict(recipe), "recipe")
    spec = models.check(model or student_recipe.model)
    check_no_lone_row(dataset, spec, student_recipe.train)
    device = dataset.device
    ensemble = ensemble.to(device)
    network = models.build(spec, dataset.shape, dataset.target.width, student_recipe.train.seed_of_weights).to(device)
    settings = student_recipe.train.model_copy(update={"label_smoothing": 0.0, "loss": Spec("soft_targets")})
    epoch = steps_per_epoch(len(dataset.rows["train"]), settings.batch_size, drop_last=settings.drop_last)
    policy = build(student_recipe.policy, student_recipe.train.epochs * epoch, epoch)
    lesson = replace(dataset, soft=_targets(ensemble, dataset, labels))
    student = SingleTrainee(network, lesson, settings)
    for step in fit(student, policy):
        if (step.step + 1) % epoch == 0:
            logger.info("epoch %d of %d: loss %.4f", (step.step + 1) // epoch, student_recipe.train.epochs, step.loss)
    description = describe_single(ensemble.description, f"student of {counted(len(ensemble.members), 'member')}")
    part = Part(id="student", name=description.parts[0].name, model=spec)
    truth = dataset.truth_of("val")
    learned = predict(student.evaluated, student.head, dataset, "val").double().exp().numpy()
    taught = ensemble.predict_proba(dataset.raw(dataset.rows["val"]))
    changes = {"parts": (part,), "inputs": dataset.inputs_of_members}  # a team of several tools takes them raw
    return Student(
        ensemble=Ensemble([student.evaluated], description.model_copy(update=changes)),
        accuracy=METRICS.call("accuracy", learned, truth),
        team_accuracy=METRICS.call("accuracy", taught, truth),
    )


@torch.no_grad()
def _targets(ensemble: Ensemble, dataset: Dataset, labels: float) -> torch.Tensor:
    """Targets [sample, class] float32: (1 − labels) · team + labels · one-hot on training rows, 0 on all others."""
    targets = torch.zeros(len(dataset.truth), dataset.target.width, device=dataset.device)
    for rows in torch.split(dataset.rows["train"], PREDICT_BATCH_ROWS):
        truth = one_hot(dataset.truth[rows], dataset.target.width)
        targets[rows] = ((1 - labels) * ensemble(dataset.raw(rows)) + labels * truth).float()
    return targets
