"""Scores, predictions and costs of members, teams and references, as records of the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import combine, fit
from lrensemble.consensus.temperature import at_limit
from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.comparison import gains_in_table
from lrensemble.evaluate.result import STANDARD, Cost, Gain, MemberResult, Reference, Scores, TeamResult, Tempered
from lrensemble.evaluate.teams import Team, predict
from lrensemble.evaluate.verdict import in_print
from lrensemble.metrics import METRICS
from lrensemble.pool import Member, Pool
from lrensemble.select import Validation, learned_nothing
from lrensemble.spec import Spec, to_spec

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int64]

LEARNED_NOTHING = "learned nothing"


class Measurements:
    """Measurements on one pool, for teams that aim at some metrics."""

    def __init__(self, pool: Pool, validation: Validation, metrics: Sequence[str]) -> None:
        self.pool, self.validation = pool, validation
        self.metrics = tuple(metrics)
        self.chosen_from = pool.members()
        self.rows = {split: len(pool.truth(split)) for split in pool.task.splits}
        self._by_id = {member.id: member for member in self.chosen_from}
        self._tempered: dict[str, Spec] = {}

    def members(self) -> tuple[MemberResult, ...]:
        """All members with their scores; those that diverged or were pruned have none."""
        return tuple(self._member(member) for member in self.pool.members(include_diverged=True))

    def predict(self, team: Team, split: str) -> Probabilities:
        """Probabilities [sample, class] of a team."""
        return predict(self.pool, self.chosen_from, team, split)

    def have_probabilities(self, ids: Iterable[str]) -> bool:
        """Whether all members give probabilities, and none labels alone."""
        return all(self._by_id[name].form != "labels" for name in ids)

    def team(self, team: Team, test: Probabilities) -> TeamResult:
        """Record of a team with its scores, still without gains."""
        positions = {member.id: i for i, member in enumerate(self.pool.members(include_diverged=True))}
        probabilities = self.have_probabilities(team.team)
        return TeamResult(
            method=team.method,
            metric=team.metric,
            consensus=team.consensus,
            team=tuple(positions[name] for name in team.team),
            members=team.team,
            weights=team.weights,
            val=self._scores(self.predict(team, "val"), "val", probabilities),
            cross_fitted=team.cross_fitted,
            test=self._scores(test, "test", probabilities),
            gain={},
            gain_over_tempered={},
            cost=cost_of([self._by_id[name] for name in team.team]),
            tried=team.tried,
            caution=team.caution,
        )

    def reference(self, single: Team) -> Reference:
        """Record of the best single model by a metric, given as a team of one."""
        member = self._by_id[single.team[0]]
        probabilities = member.form != "labels"
        val, test = (
            self._scores(probs_of(self.pool, member, split), split, probabilities) for split in ("val", "test")
        )
        return Reference(
            metric=single.metric,
            member=member.id,
            name=member.name,
            val=val,
            test=test,
            cross_fitted=single.cross_fitted,
            tempered=self._with_temperature(member) if probabilities else None,
        )

    def reference_probs(self, reference: Reference, *, tempered: bool) -> Probabilities:
        """Probabilities [sample, class] of a reference on test, plain or tempered."""
        probs = probs_of(self.pool, self._by_id[reference.member], "test")
        return np.asarray(combine(self._temperature(reference.member), probs[None])) if tempered else probs

    def gains(
        self, metric: str, teams: Mapping[str, Probabilities], reference: Reference, *, tempered: bool = False
    ) -> dict[str, Gain]:
        """Gain of each team [sample, class] over a reference on test, plain or tempered, by key."""
        alone = self.reference_probs(reference, tempered=False)
        others = {key: probs for key, probs in teams.items() if not (tempered and np.array_equal(probs, alone))}
        against = self.reference_probs(reference, tempered=True) if tempered else alone
        labels, weights, groups = self.pool.truth("test"), self.pool.weights("test"), self.pool.groups("test")
        return gains_in_table(metric, others, against, labels, weights=weights, groups=groups)

    def notes(self, references: Iterable[Reference]) -> list[str]:
        """Warnings: members that learned nothing, and temperatures that ended at the border of the search."""
        names = [member.name for member in self.chosen_from if member.id in self._no_better_than_chance]
        found = [f"{', '.join(names)} learned nothing: no better than chance on val."] if names else []
        limits = [each for each in references if each.tempered is not None and each.tempered.at_limit]
        return found + [
            f"The temperature of {each.name}, the best by {in_print(each.metric)}, ended at the border of what is "
            "tried: doubt its calibration."
            for each in limits
        ]

    @cached_property
    def _no_better_than_chance(self) -> frozenset[str]:
        useless = learned_nothing(self.validation)
        return frozenset(member.id for member, is_useless in zip(self.chosen_from, useless, strict=True) if is_useless)

    def _member(self, member: Member) -> MemberResult:
        finished, probabilities = member.status == "finished", member.form != "labels"
        val, test = (
            self._scores(probs_of(self.pool, member, split), split, probabilities) if finished else None
            for split in ("val", "test")
        )
        return MemberResult(
            id=member.id,
            name=member.name,
            status=LEARNED_NOTHING if member.id in self._no_better_than_chance else member.status,
            policy=_policy(member),
            val=val,
            test=test,
            cost=cost_of([member]),
        )

    def _scores(self, probs: Probabilities, split: str, probabilities: bool) -> Scores:
        labels, weights = self.pool.truth(split), self.pool.weights(split)
        return scores(probs, labels, weights, probabilities=probabilities, metrics=self.metrics)

    def _with_temperature(self, member: Member) -> Tempered:
        learned = self._temperature(member.id)
        val, test = (
            self._scores(np.asarray(combine(learned, probs_of(self.pool, member, split)[None])), split, True)
            for split in ("val", "test")
        )
        temperature = learned.arguments["temperature"]
        assert isinstance(temperature, float | int)
        return Tempered(temperature=float(temperature), at_limit=at_limit(learned), val=val, test=test)

    def _temperature(self, name: str) -> Spec:
        """Tempered consensus of one member alone, its temperature fitted on val; fitted once."""
        if name not in self._tempered:
            probs = probs_of(self.pool, self._by_id[name], "val")
            labels, weights = self.pool.truth("val"), self.pool.weights("val")
            self._tempered[name] = fit("tempered", probs[None], labels, counts=weights)
        return self._tempered[name]


def scores(
    probs: Probabilities,
    labels: Labels,
    weights: Probabilities | None = None,
    *,
    probabilities: bool = True,
    metrics: Sequence[str] = (),
) -> Scores:
    """Scores of probabilities on one split.

    Args:
        probs: probabilities [sample, class].
        labels: class indices [sample].
        weights: weight of each row [sample].
        probabilities: whether `probs` are probabilities; False for labels alone, without metrics of probabilities.
        metrics: metrics beside the standard ones.
    """
    wanted = [name for name in STANDARD if name != "top5_accuracy" or probs.shape[1] > 5]
    wanted += [metric for metric in metrics if metric not in STANDARD]
    found = {
        metric: _value(metric, probs, labels, weights)
        for metric in wanted
        if probabilities or METRICS.facts(metric).needs == "labels"
    }
    others = {metric: value for metric, value in found.items() if metric not in STANDARD}
    usual = {metric: value for metric, value in found.items() if metric in STANDARD}
    return Scores.model_validate({**usual, "others": others})


def _value(metric: str, probs: Probabilities, labels: Labels, weights: Probabilities | None) -> float | None:
    """Value of a metric; None where it is not defined on these rows."""
    try:
        value = METRICS.call(metric, probs, labels, *(() if weights is None else (weights,)))
    except LREnsembleError:  # of a class without rows, say, or in a metric of the user's own
        return None
    return value if np.isfinite(value) else None


def probs_of(pool: Pool, member: Member, split: str) -> Probabilities:
    """Probabilities [sample, class] of a member on a split."""
    return pool.task.target.seen(member.predictions(split))


def cost_of(members: Sequence[Member]) -> Cost:
    """Cost summed over members; None where it is unknown of one."""

    def total(values: list[float | None]) -> float | None:
        return sum(v for v in values if v is not None) if None not in values else None

    parameters = total([m.parameters for m in members])
    samples = total([m.samples for m in members])
    return Cost(
        members=len(members),
        parameters=None if parameters is None else int(parameters),
        seconds=total([m.seconds for m in members]),
        samples=None if samples is None else int(samples),
    )


def _policy(member: Member) -> str | None:
    policy = (member.recipe or {}).get("policy")
    return str(to_spec(policy)) if isinstance(policy, dict) else None
