"""The learning-rate range test: which peaks are worth training with (Smith 2017, sec. 3.3)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import Field

from lrensemble import models
from lrensemble.config import Experiment, Record, TrainSettings
from lrensemble.config.space import DISTRIBUTIONS, Measured
from lrensemble.config.sweep import samples_of
from lrensemble.data import Dataset
from lrensemble.errors import TrainingError
from lrensemble.files import seal, write_whole
from lrensemble.files.claims import claimed
from lrensemble.policies import build
from lrensemble.pool.sealed import unseal
from lrensemble.spec import Spec, SpecLike
from lrensemble.train.run.loop import DivergedError, fit
from lrensemble.train.run.single import SingleTrainee
from lrensemble.train.run.threads import threads, threads_for
from lrensemble.train.sweep.points import point_of
from lrensemble.train.sweep.recipes import Recipes, checked_parts

EXPLODED = 4.0
"""A loss above so many times the first one has left the range where anything can be learned."""
BEGUN = 0.05
"""Share of the whole fall of the loss at which it has begun to fall."""
WINDOW = 0.05
"""Share of the steps over which losses are averaged, centred, so that the curve is not moved."""
DIGITS = 2
"""Significant digits of a peak."""


class RangeTest(Record):
    """What a range test saw and what follows from it."""

    rates: tuple[float, ...] = Field(strict=False)
    """[step] rising, until the end or until the loss exploded."""
    losses: tuple[float, ...] = Field(strict=False)
    """[step] mean over the batch, before the update."""
    floor: float
    """The rate at which the loss begins to fall: the lower bound of a cyclic policy."""
    peak: float
    """The rate at which it stops falling: the upper bound."""
    peaks: tuple[float, ...] = Field(strict=False)
    """The peaks that are proposed, rising: each half the next, the last being `peak`."""


def range_test(
    model: SpecLike,
    dataset: Dataset,
    settings: TrainSettings,
    *,
    count: int = 4,
    low: float = 1e-5,
    high: float = 10.0,
    steps: int = 200,
) -> RangeTest:
    """Train a fresh network while the rate rises from `low` to `high`, and read the peaks off its losses.

    Smith raises the rate in a line between two bounds that are known to be about right; here it rises by the same
    factor at every step, so that the bounds may lie far apart. The paper reads accuracies, this the training loss.

    Args:
        model: its spec; the weights are a function of `settings.seed`.
        dataset: on the device to train on.
        settings: batch size, optimizer and all else that matters; its epochs do not.
        count: how many peaks to propose.
        low: rate of the first step.
        high: rate of the last one.
        steps: how many.

    Raises:
        ConfigError: `low` and `high` are not rising rates, or the steps are too few.
        TrainingError: the loss never fell.
    """
    DISTRIBUTIONS.call({"name": "range_test", "count": count, "low": low, "high": high, "steps": steps})
    network = models.build(model, dataset.shape, len(dataset.classes), settings.seed).to(dataset.device)
    trainee = SingleTrainee(network, dataset, settings)
    rising = build(Spec("exponential", {"peak": high, "floor": low}), steps - 1)
    policy = replace(rising, total=steps, rate=lambda step: rising(steps - 1 - step))
    inputs, _ = dataset.batch(dataset.rows["train"][: settings.batch_size])
    rates: list[float] = []
    losses: list[float] = []
    with threads(threads_for(network, inputs)):
        try:
            for step in fit(trainee, policy):
                rates.append(step.rate)
                losses.append(step.loss)
                if step.loss > EXPLODED * losses[0]:
                    break
        except DivergedError:
            pass  # the rates so far are what was asked
    return read_curve(rates, losses, count)


def read_curve(rates: list[float], losses: list[float], count: int) -> RangeTest:
    """The bounds and the peaks of a curve.

    Args:
        rates: [step] rising.
        losses: [step] at those rates.
        count: how many peaks to propose.

    Raises:
        TrainingError: the loss never fell.
    """
    half = max(1, round(WINDOW * len(losses) / 2))
    smooth = [float(np.mean(losses[max(0, i - half) : i + half + 1])) for i in range(len(losses))]
    lowest = int(np.argmin(smooth))
    fall = smooth[0] - smooth[lowest]
    if not math.isfinite(fall) or fall < BEGUN * smooth[0]:
        raise TrainingError(
            f"the range test saw no loss that falls between the rates {rates[0]:g} and {rates[-1]:g}; "
            "give it more steps or other rates, or give the peaks yourself"
        )
    begun = next(i for i, value in enumerate(smooth) if value < smooth[0] - BEGUN * fall)
    peak = _neat(rates[lowest])
    peaks = tuple(_neat(peak / 2**halvings) for halvings in reversed(range(count)))
    return RangeTest(rates=tuple(rates), losses=tuple(losses), floor=_neat(rates[begun]), peak=peak, peaks=peaks)


def _neat(rate: float) -> float:
    return float(f"{rate:.{DIGITS}g}")


def with_measured_peaks(recipes: Recipes, dataset: Dataset, folder: Path) -> Recipes:
    """The same recipes with the peaks of range tests in the place of what asked for them.

    Each test is made once: its record stays in the pool, and a sweep that goes on reads it there.

    Args:
        recipes: perhaps with `range_test` among their ranges.
        dataset: on the device to train on.
        folder: of the pool.

    Raises:
        TrainingError: a loss never fell.
        StorageError: the record cannot be written.
    """
    experiment = recipes.experiment
    sweep = experiment.sweep

    def measured(space: Mapping[str, Spec], policy: Spec) -> dict[str, Spec]:
        return {path: _measured(spec, experiment, policy, dataset, folder) for path, spec in space.items()}

    named = {policy.name: policy for policy in experiment.policy}
    space = measured(sweep.space, experiment.policy[0])
    when = {name: measured(fields, named[name]) for name, fields in sweep.when.items()}
    return replace(
        recipes,
        experiment=experiment.model_copy(update={"sweep": sweep.model_copy(update={"space": space, "when": when})}),
    )


def _measured(spec: Spec, experiment: Experiment, policy: Spec, dataset: Dataset, folder: Path) -> Spec:
    asked = DISTRIBUTIONS.call(spec)
    if not isinstance(asked, Measured):
        return spec
    ranges = experiment.sweep.ranges(policy.name)
    first = point_of(policy, {path: samples_of(distribution)[0] for path, distribution in ranges.items()})
    model, settings = checked_parts(experiment, first)
    content = {
        "data": dataset.fingerprint,
        "model": model.to_json(),
        "train": settings.model_dump(mode="json", exclude={"epochs"}),
        "test": vars(asked),
    }
    name = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    path = folder / "range-tests" / f"{name}.json"
    with claimed(folder / "unfinished", f"range-test-{name}"):  # another process may be at it
        if not path.exists():
            seen = range_test(model, dataset, settings, **vars(asked))
            write_whole(path, seal({**content, "seen": seen.model_dump(mode="json")}))
    return Spec("choice", {"values": unseal(_Kept, path).seen.peaks})


class _Kept(Record):
    """The file of a range test: what it was made with, and what it saw."""

    data: str
    model: dict[str, object]
    train: dict[str, object]
    test: dict[str, object]
    seen: RangeTest
