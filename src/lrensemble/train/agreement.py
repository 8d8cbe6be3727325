"""Agreement of two members of one recipe: to the bits, in their labels, in their scores, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.config import Record
from lrensemble.metrics.significance import paired_scores
from lrensemble.pool import Member, Pool
from lrensemble.targets import Predictions, Target

Agreement = Literal["bits", "labels", "scores", "status", "nothing"]
"""What agrees, from most to least; each holds what stands after it.

`bits`: every prediction and weight to the last bit; of a run without predictions, its history. `labels`: the likeliest
class of every row. `scores`: every watched score on `val`, with no reliable difference. `status`: a run without
predictions has ended as the other did, diverged or pruned.
"""

ORDER: tuple[str, ...] = get_args(Agreement)

CONFIDENCE = 0.99
"""Confidence of the paired intervals of scores: one reproduction in a hundred differs by chance."""


class RowsOfSplit(Record):
    """How many predictions of a split differ."""

    rows: int
    labels_differ: int | None
    """Rows whose likeliest class is another; None of values, which have no classes."""
    largest_difference: float
    """Largest absolute difference of a probability, or of a value in its unit."""


class ScoreOfTwo(Record):
    """A score on `val` of the member and of the one that was trained again."""

    member: float
    again: float
    low: float
    """Lower end of the 99 % interval of the gain of the second, paired row by row; positive is better."""
    high: float

    @property
    def agrees(self) -> bool:
        """Whether the interval holds zero: no reliable difference."""
        return self.low <= 0 <= self.high


def rows_of(pool: Pool, member: Member, again: Member) -> dict[str, RowsOfSplit]:
    """How predictions differ, by split; splits that were added to the pool later are left out."""
    splits = [split for split in pool.task.splits if split in ("val", "test")] if _both_say(member, again) else []
    return {split: _rows_of(pool.task.target, member.predictions(split), again.predictions(split)) for split in splits}


def _rows_of(target: Target, first: Predictions, second: Predictions) -> RowsOfSplit:
    differ = None
    if target.has_labels:
        differ = int(np.count_nonzero(first.labels() != second.labels()))
    largest = float(np.abs(target.seen(first) - target.seen(second)).max())
    return RowsOfSplit(rows=len(first), labels_differ=differ, largest_difference=largest)


def scores_of(pool: Pool, member: Member, again: Member) -> dict[str, ScoreOfTwo]:
    """The scores on `val` that both recorded, by metric; `test` is for `evaluate` alone."""
    own, other = (each.scores.get("val", {}) for each in (member, again))
    if not _both_say(member, again):
        return {}
    second, first = (pool.task.target.seen(each.predictions("val")) for each in (again, member))
    truth, weights, groups = pool.truth("val"), pool.weights("val"), pool.groups("val")
    found = {}
    for metric in [name for name in own if name in other]:
        gain = paired_scores(metric, second, first, truth, weights, groups, confidence=CONFIDENCE)
        found[metric] = ScoreOfTwo(member=own[metric], again=other[metric], low=gain.low, high=gain.high)
    return found


def agreement_of(
    member: Member, again: Member, rows: Mapping[str, RowsOfSplit], scores: Mapping[str, ScoreOfTwo]
) -> Agreement:
    """What agrees of two members."""
    if member.status != again.status:
        return "nothing"
    if _same_bits(member, again):
        return "bits"
    if not rows:
        return "status"
    if all(each.labels_differ == 0 for each in rows.values()):
        return "labels"
    return "scores" if all(score.agrees for score in scores.values()) else "nothing"


def _both_say(member: Member, again: Member) -> bool:
    return member.status == again.status == "finished"


def _same_bits(member: Member, again: Member) -> bool:
    if not _both_say(member, again):
        return _comparable(member.history(), again.history())
    splits = ("val", "test")
    said = ([each.predictions(split) for split in splits] for each in (member, again))
    if not all(_same_parts(first.parts, second.parts) for first, second in zip(*said, strict=True)):
        return False
    if not member.has_weights:  # of a member whose weights were not kept there is nothing else to compare
        return True
    first, second = member.weights(), again.weights()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def _same_parts(first: Mapping[str, NDArray[np.generic]], second: Mapping[str, NDArray[np.generic]]) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[part], second[part]) for part in first)


def _comparable(first: list[dict[str, object]], second: list[dict[str, object]]) -> bool:
    """Whether histories say the same, as far as both versions wrote it down."""
    if len(first) != len(second):
        return False
    lines = zip(first, second, strict=True)
    return all(one[key] == other[key] for one, other in lines for key in one.keys() & other.keys())
