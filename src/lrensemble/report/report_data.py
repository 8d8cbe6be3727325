"""Data that the sections of the page share, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import ReportError
from lrensemble.evaluate import MemberResult, Result, Scores, Team, load, predict, validation_of
from lrensemble.evaluate.costs import cost_of
from lrensemble.evaluate.measurements import LEARNED_NOTHING, headline_of
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.streaming import Compute, SplitReader
from lrensemble.evaluate.teams import predictor_of
from lrensemble.pool import Member, Pool
from lrensemble.report.look import Look, looks_of
from lrensemble.report.parameters import Floats, Products, products_of
from lrensemble.rows import sampled
from lrensemble.select import learned_nothing
from lrensemble.targets import Need, served_by_all
from lrensemble.targets.forms import smallest_integers

Labels = NDArray[np.int64]

ELSEWHERE = "elsewhere"
"""What stands for the policy of a member that was trained elsewhere."""

SEED = 0
"""Seed of all random samples."""


@dataclass(frozen=True)
class Running:
    """A run under way, as far as it has told."""

    id: str
    name: str
    policy: str
    """Name of the policy."""
    lines: tuple[dict[str, Any], ...]
    """Lines of its history so far."""

    def history(self) -> list[dict[str, Any]]:
        """As that of a member."""
        return list(self.lines)


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
    so_far: frozenset[str] = frozenset()
    """Ids of the members of the best team so far, for a pool that is not evaluated."""

    @property
    def result(self) -> Result:
        """Evaluation of the pool.

        Raises:
            ReportError: there is none.
        """
        if self.judged is None:
            raise ReportError(
                f"{self.pool.folder} is not evaluated yet; evaluate it first: lrensemble evaluate POOL, in Python "
                "lrensemble.evaluate(pool)"
            )
        return self.judged

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """Finished members."""
        return self.pool.members()

    @cached_property
    def everybody(self) -> tuple[Member, ...]:
        """All members, those without predictions too."""
        return self.pool.members(include_diverged=True)

    @cached_property
    def useless(self) -> frozenset[str]:
        """Ids of finished members whose predictions on `val` are no better than chance."""
        if self.judged is not None:
            return frozenset(each.id for each in self.judged.members if each.status == LEARNED_NOTHING)
        if not self.members:
            return frozenset()
        marks = learned_nothing(validation_of(self.pool))
        return frozenset(member.id for member, mark in zip(self.members, marks, strict=True) if mark)

    @cached_property
    def sound(self) -> NDArray[np.bool_]:
        """[member] whether it learned something: what the others say sets no scale."""
        return np.array([member.id not in self.useless for member in self.members], dtype=bool)

    @cached_property
    def headline(self) -> str:
        """Metric that people know best for this target."""
        if self.judged is not None:
            return self.judged.headline
        return headline_of(self.pool.task.target, served_by_all(each.predictions("val") for each in self.members))

    @cached_property
    def member_results(self) -> tuple[MemberResult, ...]:
        """All members with their scores; where nothing was judged, those on `val` that were written in training."""
        if self.judged is not None:
            return self.judged.members
        return tuple(self._as_trained(member) for member in self.everybody)

    def _as_trained(self, member: Member) -> MemberResult:
        scores = member.scores.get("val", {})
        own = {name: scores.get(name) for name in Scores.model_fields if name != "others"}
        others: dict[str, float | None] = {name: value for name, value in scores.items() if name not in own}
        return MemberResult(
            id=member.id,
            name=member.name,
            status=LEARNED_NOTHING if member.id in self.useless else member.status.replace("_", " "),
            policy=policy_of(member),
            val=Scores(**own, others=others) if member.status == "finished" else None,
            test=None,
            cost=cost_of([member]),
        )

    @cached_property
    def looks(self) -> dict[str, Look]:
        """Look of each policy."""
        return looks_of(map(policy_of, self.everybody))

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
        """Ids of the members of the judged team, or of the best single model where no team beats it; where nothing was
        judged, of the best team so far, if one was chosen.
        """
        if self.judged is None:
            return self.so_far
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

    @property
    def predicted(self) -> NDArray[np.integer]:
        """Likeliest class [member, sample] by each member on `val`."""
        return self._on_val[0]

    @property
    def of_labels(self) -> Floats:
        """Probability [member, sample] that each member gives the true class on `val`."""
        return self._on_val[1]

    @cached_property
    def _on_val(self) -> tuple[NDArray[np.integer], Floats]:
        """Likeliest classes and probabilities of the truth, in one pass over what members say."""
        classes = len(self.pool.task.classes)
        said = [member.predictions("val") for member in self.members]
        both = [(smallest_integers(one.labels(), classes), one.of_truth(self.labels, classes)) for one in said]
        return np.stack([labels for labels, _ in both]), np.stack([probs for _, probs in both])

    @cached_property
    def products(self) -> Products | None:
        """Scalar products of the members' parameters; None where they cannot be compared."""
        return products_of(self.members)

    def sampled_rows(self, most: int) -> tuple[NDArray[np.int64], str]:
        """Positions of val rows that count, all or a random sample of `most`, and a phrase that says which."""
        weights = self.pool.weights("val")
        counted = np.arange(len(self.labels)) if weights is None else np.flatnonzero(weights)
        rows, chosen = len(counted), counted[sampled(len(counted), most)]
        which = f"all {rows:,}" if len(chosen) == rows else f"a sample of {len(chosen):,} of {rows:,}"
        return chosen, f"{which} val rows"

    def seen(self, member: Member, split: str) -> Floats:
        """What metrics see of a member on a split, [sample, column]: probabilities, or values and then variances."""
        return self.pool.task.target.seen(member.predictions(split))

    def values_of(self, member: Member, split: str) -> Floats:
        """Values [sample, output] of a member on a split, without variances."""
        return self.seen(member, split)[:, : self.pool.task.target.width]

    def all_serve(self, need: Need) -> bool:
        """Whether all finished members say what is needed."""
        return need in served_by_all(member.predictions("val") for member in self.members)

    def by_row(self, whose: Member | Team, split: str, compute: Compute) -> NDArray[Any]:
        """What is computed of the predictions of a member or a team [sample, …]; they are forgotten block by block.

        Args:
            whose: predictions.
            split: whose rows.
            compute: function of what metrics see of some rows [sample, column], and of their places.
        """
        predictor = Predictor((whose.id,)) if isinstance(whose, Member) else predictor_of(whose)
        if split not in self._readers:
            self._readers[split] = SplitReader(self.pool, split)
        return self._readers[split].by_row(predictor, compute)

    @cached_property
    def _readers(self) -> dict[str, SplitReader]:
        return {}

    def team_said(self, split: str) -> Floats | None:
        """What metrics see of the judged team, [sample, column]; None where it is not stored."""
        return None if self.chosen is None else predict(self.pool, self.chosen, split)


def policy_of(member: Member | Running) -> str:
    """Name of the policy that a member was trained with; its tool, or `elsewhere`, where it was trained elsewhere."""
    if isinstance(member, Running):
        return member.policy
    policy = (member.recipe or {}).get("policy")
    if isinstance(policy, dict) and "name" in policy:
        return str(policy["name"])
    return str(member.facts.get("tool", ELSEWHERE))
