"""Data that the sections of the page share, read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import ReportError
from lrensemble.evaluate import Result, Team, load, predict
from lrensemble.pool import Member, Pool
from lrensemble.report.parameters import Floats, Products, products_of
from lrensemble.targets import Need, served_by_all

Labels = NDArray[np.int64]

SEED = 0
"""Seed of all random samples."""


@dataclass(frozen=True)
class ReportData:
    """A pool, its evaluation, and what is derived from both; derived once, when first used."""

    pool: Pool
    judged: Result | None
    """Evaluation of the pool; None for what shows the members alone."""
    data_folder: Path | None = None
    """Folder of the data set's files, for pictures of its rows."""
    page: Path | None = None
    """File of the page, beside which samples of generated text are stored; None for what shows no page."""

    @property
    def result(self) -> Result:
        """Evaluation of the pool.

        Raises:
            ReportError: there is none.
        """
        if self.judged is None:
            raise ReportError(f"{self.pool.folder} is not evaluated yet; evaluate it first: lrensemble.evaluate(pool)")
        return self.judged

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """Finished members."""
        return self.pool.members()

    @cached_property
    def best(self) -> Member:
        """Best single member, by the metric of the verdict."""
        return next(member for member in self.members if member.id == self.result.best_single.id)

    @cached_property
    def chosen(self) -> Team | None:
        """Stored team that the verdict judges; None where there is none, or it is not stored."""
        key = self.result.verdict.method
        if key is None:
            return None
        wanted = self.result.teams[key]
        stored = [team for team in load(self.pool) if team.method == wanted.method and team.metric == wanted.metric]
        return stored[0] if stored else None

    @cached_property
    def in_team(self) -> frozenset[str]:
        """Ids of the members of the judged team, or of the best single model where no team beats it; none where
        nothing was judged.
        """
        if self.judged is None:
            return frozenset()
        key = self.result.verdict.method
        return frozenset([self.result.best_single.id] if key is None else self.result.teams[key].members)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the members, each once."""
        return tuple(member.name for member in self.members)

    @cached_property
    def test(self) -> str:
        """Name of the test set that the verdict is on."""
        return self.pool.task.test_sets[0]

    def truth(self, split: str) -> NDArray[Any]:
        """Truth of the rows of a split: [sample] classes, or [sample, output] values."""
        return self.pool.truth(split)

    @cached_property
    def labels(self) -> Labels:
        """True classes [sample] of `val`."""
        return np.asarray(self.pool.truth("val"))

    @cached_property
    def predicted(self) -> Labels:
        """Likeliest class [member, sample] by each member on `val`."""
        return np.stack([member.predictions("val").labels() for member in self.members])

    @cached_property
    def products(self) -> Products | None:
        """Scalar products of the members' parameters; None where they cannot be compared."""
        return products_of(self.members)

    def sampled_rows(self, most: int) -> tuple[NDArray[np.int64], str]:
        """Positions of val rows, all or a random sample of `most`, and a phrase that says which."""
        rows = len(self.labels)
        if rows <= max(1, most):
            return np.arange(rows), f"all {rows:,} val rows"
        chosen = np.sort(np.random.default_rng(SEED).choice(rows, size=max(1, most), replace=False))
        return chosen, f"a sample of {len(chosen):,} of {rows:,} val rows"

    def seen(self, member: Member, split: str) -> Floats:
        """What metrics see of a member on a split, [sample, column]: probabilities, or values and then variances."""
        return self.pool.task.target.seen(member.predictions(split))

    def values_of(self, member: Member, split: str) -> Floats:
        """Values [sample, output] of a member on a split, without variances."""
        return self.seen(member, split)[:, : self.pool.task.target.width]

    def all_serve(self, need: Need) -> bool:
        """Whether all finished members say what is needed."""
        return need in served_by_all(member.predictions("val") for member in self.members)

    def team_said(self, split: str) -> Floats | None:
        """What metrics see of the judged team, [sample, column]; None where it is not stored."""
        return None if self.chosen is None else predict(self.pool, self.members, self.chosen, split)


def ordered(values: Sequence[float]) -> NDArray[np.int64]:
    """Positions by falling value; ties stay in order."""
    return np.argsort(-np.asarray(values, dtype=np.float64), kind="stable")
