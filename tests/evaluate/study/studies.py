"""Pools of studies, made by hand: members with recipes, costs and anything to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.config.study import StudySettings
from lrensemble.pool import MemberRecord, Pool
from lrensemble.pool.task import Task
from lrensemble.targets import Classes, Labels, LogProbs, Predictions, Target

Floats = NDArray[np.float64]

VAL, TEST, CLASSES = 150, 230, 3
SAMPLES, EPOCHS = 600, 6


def truth_of(rows: int, classes: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, rows]).integers(classes, size=rows)


def log_probs(truth: NDArray[np.int64], classes: int, skill: float, seed: Sequence[int]) -> Floats:
    """[sample, class] log-probabilities that fit the truth the better, the higher the skill."""
    logits = np.random.default_rng(list(seed)).normal(size=(len(truth), classes))
    logits[np.arange(len(truth)), truth] += skill
    found: Floats = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return found


def recipe_of(policy: str, seed: int, model: str = "mlp") -> dict[str, Any]:
    return {"model": model, "policy": {"name": policy}, "train": {"seed": seed, "batch_size": 10, "epochs": EPOCHS}}


def history_of() -> list[dict[str, Any]]:
    return [{"step": SAMPLES // 10, "epoch": EPOCHS}]


def skilled_pool(
    folder: Path,
    skills: Sequence[float],
    *,
    policies: Sequence[str] = ("constant",),
    replicate: int = 0,
    classes: int = CLASSES,
    dead: int = 0,
    only_labels: bool = False,
    tests: bool = True,
    status: Literal["diverged", "pruned"] = "diverged",
) -> Pool:
    """A pool of members of some skills; policies are given in turn, and so many more runs have died.

    Replicates are over the same rows, and say other things of them.
    """
    rows = {"val": VAL, "test": TEST} if tests else {"val": VAL}
    truth = {split: truth_of(count, classes, 7) for split, count in rows.items()}
    places = {split: np.arange(count) + 1000 * place for place, (split, count) in enumerate(rows.items())}
    target = Classes(names=tuple("abcdefgh"[:classes]))
    pool = Pool.create(folder, Task.of("hand", target, rows=places, labels=truth), truth)
    for place, skill in enumerate(skills):
        said: dict[str, Predictions] = {}
        for split, own in truth.items():
            found = log_probs(own, classes, skill, (replicate, place, len(own), round(100 * skill)))
            said[split] = Labels(found.argmax(axis=1)) if only_labels else LogProbs(found.astype(np.float32))
        policy = policies[place % len(policies)]
        add(pool, place, said, recipe_of(policy, 100 * replicate + place))
    for place in range(dead):
        pool.add(record_of(len(skills) + place, "log_probs", None, status))
    return pool


def add(pool: Pool, place: int, said: Mapping[str, Predictions], recipe: dict[str, Any] | None) -> None:
    """Add a member that has cost `SAMPLES` and two seconds."""
    pool.add(record_of(place, said["val"].form, recipe), said, history=history_of() if recipe else None)


def record_of(place: int, form: Any, recipe: dict[str, Any] | None, status: Any = "finished") -> MemberRecord:
    return MemberRecord(
        id=f"m{place}",
        order=place,
        name=f"m{place}",
        form=form,
        recipe=recipe,
        status=status,
        samples=SAMPLES,
        seconds=2.0,
    )


def pool_saying(folder: Path, target: Target, truth: Mapping[str, NDArray[Any]], members: Sequence[Any]) -> Pool:
    """A pool of members that say anything, of any target."""
    places = {split: np.arange(len(own)) + 1000 * place for place, (split, own) in enumerate(truth.items())}
    pool = Pool.create(folder, Task.of("hand", target, rows=places, labels=truth), truth)
    for place, said in enumerate(members):
        add(pool, place, said, None)
    return pool


def settings_of(pools: Sequence[str], **more: Any) -> StudySettings:
    """Settings of a study; few draws, which are most of what a comparison computes."""
    content = {"experiment": "digits", "pools": {name: {} for name in pools}, "select": {"methods": ["best", "all"]}}
    return StudySettings.model_validate({**content, "scaling": {"draws": 3}, **more})
