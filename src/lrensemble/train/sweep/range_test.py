"""Learning-rate range test: a proposal of peaks (Smith 2017, sec. 3.3)."""

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
from lrensemble.config.space import DISTRIBUTIONS, RangeTestPeaks
from lrensemble.config.sweep import representative_values
from lrensemble.data import Learnable
from lrensemble.errors import TrainingError
from lrensemble.files import seal, write_whole
from lrensemble.files.claims import claimed
from lrensemble.policies import build
from lrensemble.pool.sealed import unseal
from lrensemble.spec import Spec, SpecLike
from lrensemble.train.run.arithmetic.numerics import threads, threads_for
from lrensemble.train.run.fit import DivergedError, fit
from lrensemble.train.run.trainees import alone
from lrensemble.train.sweep.checks import checked_parts
from lrensemble.train.sweep.points import point_of
from lrensemble.train.sweep.run_factory import RunFactory

DIVERGENCE_FACTOR = 4.0
"""Ratio of a loss to the first one above which the test ends: such rates are too high to learn anything."""
FALL_FRACTION = 0.05
"""Fraction of the whole fall of the loss after which it counts as falling."""
WINDOW_FRACTION = 0.05
"""Fraction of the steps that a centred moving average of the losses takes in."""
SIGNIFICANT_DIGITS = 2
"""Significant digits of a peak."""


class RangeTest(Record):
    """Result of a range test: its curve, and the peaks that follow from it."""

    rates: tuple[float, ...] = Field(strict=False)
    """Rates [step], rising, until the end or until the loss diverged."""
    losses: tuple[float, ...] = Field(strict=False)
    """Losses [step], mean over the batch, before the update."""
    floor: float
    """Rate at which the loss begins to fall: the lower bound of a cyclic policy."""
    peak: float
    """Rate at which it stops falling: the upper bound."""
    peaks: tuple[float, ...] = Field(strict=False)
    """Peaks that are proposed, rising: peak / 2^(count - 1), …, peak / 2, peak."""


def range_test(
    model: SpecLike,
    dataset: Learnable,
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
        model: the spec of the network; the weights are a function of the seed of `settings`.
        dataset: the data, on the device to train on.
        settings: batch size, optimizer and all else that matters; its epochs do not.
        count: number of peaks to propose.
        low: rate of the first step.
        high: rate of the last step.
        steps: number of steps.

    Raises:
        ConfigError: `low` and `high` are not rising rates, or the steps are too few.
        TrainingError: the loss never fell.
    """
    DISTRIBUTIONS.call({"name": "range_test", "count": count, "low": low, "high": high, "steps": steps})
    network = models.build(model, dataset.shape, dataset.head(settings.form).outputs, settings.seed_of_weights).to(
        dataset.device
    )
    trainee = alone(network, dataset, settings)
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
                if step.loss > DIVERGENCE_FACTOR * abs(losses[0]):
                    break
        except DivergedError:
            pass  # the rates so far are the curve
    return read_curve(rates, losses, count)


def read_curve(rates: list[float], losses: list[float], count: int) -> RangeTest:
    """Bounds and peaks of a curve.

    Args:
        rates: rates [step], rising.
        losses: losses [step] at those rates.
        count: number of peaks to propose.

    Raises:
        TrainingError: the loss never fell.
    """
    half = max(1, round(WINDOW_FRACTION * len(losses) / 2))
    smooth = [float(np.mean(losses[max(0, i - half) : i + half + 1])) for i in range(len(losses))]
    lowest = int(np.argmin(smooth))
    fall = smooth[0] - smooth[lowest]
    if not math.isfinite(fall) or fall < FALL_FRACTION * abs(smooth[0]):
        raise TrainingError(
            f"the range test saw no loss that falls between the rates {rates[0]:g} and {rates[-1]:g}; "
            "give it more steps or other rates, or give the peaks yourself"
        )
    start = next(i for i, value in enumerate(smooth) if value < smooth[0] - FALL_FRACTION * fall)
    peak = _rounded(rates[lowest])
    peaks = tuple(_rounded(peak / 2**halvings) for halvings in reversed(range(count)))
    return RangeTest(rates=tuple(rates), losses=tuple(losses), floor=_rounded(rates[start]), peak=peak, peaks=peaks)


def _rounded(rate: float) -> float:
    return float(f"{rate:.{SIGNIFICANT_DIGITS}g}")


def with_range_test_peaks(factory: RunFactory, dataset: Learnable, folder: Path) -> RunFactory:
    """Factory of runs whose peaks are those of range tests, in place of the ranges that ask for such tests.

    Each test is made once: its record stays in the pool, and a sweep that goes on reads it there.

    Args:
        factory: a factory of runs, perhaps with `range_test` among the ranges of its experiment.
        dataset: the data, on the device to train on.
        folder: the folder of the pool.

    Raises:
        TrainingError: a loss never fell.
        StorageError: the record cannot be written.
    """
    experiment = factory.experiment
    sweep = experiment.sweep

    def resolved(space: Mapping[str, Spec], policy: Spec) -> dict[str, Spec]:
        return {path: _resolved(spec, experiment, policy, dataset, folder) for path, spec in space.items()}

    named = {policy.name: policy for policy in experiment.policy}
    space = resolved(sweep.space, experiment.policy[0])
    when = {name: resolved(fields, named[name]) for name, fields in sweep.when.items()}
    return replace(
        factory,
        experiment=experiment.model_copy(update={"sweep": sweep.model_copy(update={"space": space, "when": when})}),
    )


def _resolved(spec: Spec, experiment: Experiment, policy: Spec, dataset: Learnable, folder: Path) -> Spec:
    """Range of values as it is, or the peaks that a range test proposes where the range asks for one."""
    distribution = DISTRIBUTIONS.call(spec)
    if not isinstance(distribution, RangeTestPeaks):
        return spec
    ranges = experiment.sweep.ranges(policy.name)
    first = point_of(policy, {path: representative_values(each)[0] for path, each in ranges.items()})
    model, settings = checked_parts(experiment, first)
    content = {
        "data": dataset.fingerprint,
        "model": model.to_json(),
        "train": settings.model_dump(mode="json", exclude={"epochs"}),
        "test": vars(distribution),
    }
    name = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    path = folder / "range-tests" / f"{name}.json"
    with claimed(folder / "unfinished", f"range-test-{name}"):  # another process may be at it
        if not path.exists():
            result = range_test(model, dataset, settings, **vars(distribution))
            write_whole(path, seal({**content, "seen": result.model_dump(mode="json")}))
    return Spec("choice", {"values": unseal(_StoredRangeTest, path).seen.peaks})


class _StoredRangeTest(Record):
    """File of a range test: what it was made with, and its result."""

    data: str
    model: dict[str, object]
    train: dict[str, object]
    test: dict[str, object]
    seen: RangeTest
