"""Pools of members that say anything, of any target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool import MemberRecord, Pool
from lrensemble.pool.task import Task
from lrensemble.targets import Gaussian, Predictions, RealValues, Target, Values

Floats = NDArray[np.float64]
Said = Mapping[str, Predictions]
"""What a member says, by split."""

MEMBERS, VAL, TEST, OUTPUTS = 4, 130, 170, 2
NOISE = 3.0


def pool_of_forms(
    folder: Path,
    target: Target,
    truth: Mapping[str, NDArray[Any]],
    members: Sequence[Said],
    weights: Mapping[str, Floats] | None = None,
) -> Pool:
    """A pool of members `m0`, `m1`, … in their own forms."""
    first, rows = 0, {}
    for split, own in truth.items():
        rows[split] = np.arange(first, first := first + len(own))
    given = weights or {}
    task = Task.of("pool", target, rows=rows, labels=truth, weights=given)
    pool = Pool.create(folder / "pool", task, truth, weights=given)
    for place, said in enumerate(members):
        record = MemberRecord(id=f"m{place}", order=place, name=f"m{place}", form=said["val"].form)
        pool.add(record, said)
    return pool


def values_and_means(rows: int, seed: int, members: int = MEMBERS) -> tuple[Floats, Floats]:
    """Truth [sample, output], and what members say of it [member, sample, output]: each has errors of its own."""
    generator = np.random.default_rng(seed)
    known = generator.normal(50, 20, size=(rows, OUTPUTS))
    truth = known + generator.normal(0, NOISE, size=known.shape)
    spread = np.array([6.0, 5.0, 7.0, 4.0, 8.0])[:members, None, None]
    return truth, known + spread * generator.normal(size=(members, rows, OUTPUTS))


def value_pool(folder: Path, forms: Sequence[str] = ("values",) * MEMBERS, *, weighted: bool = False) -> Pool:
    """A pool of values; of normal distributions the variances fit the errors."""
    truth, members = dict[str, Floats](), [dict[str, Predictions]() for _ in forms]
    weights = dict[str, Floats]()
    for seed, (split, rows) in enumerate((("val", VAL), ("test", TEST))):
        truth[split], means = values_and_means(rows, seed, len(forms))
        weights[split] = np.random.default_rng(seed).choice([0.5, 1.0, 2.0], rows)
        for form, said, mean in zip(forms, members, means, strict=True):
            variance = np.full_like(mean, np.square(mean - truth[split]).mean())
            said[split] = RealValues(mean) if form == "values" else Gaussian(mean, np.log(variance))
    target = Values(names=tuple(f"y{output}" for output in range(OUTPUTS)))
    return pool_of_forms(folder, target, truth, members, weights if weighted else None)
