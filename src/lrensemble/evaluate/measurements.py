"""Scores, gains and costs of members, teams and references, as records of the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from lrensemble.evaluate.costs import cost_of
from lrensemble.evaluate.judged import Judged
from lrensemble.evaluate.on_split import Key, OnSplit
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.result import Gain, MemberResult, Reference, Scores, TeamResult, Tempered
from lrensemble.evaluate.scores import metrics_of_target
from lrensemble.evaluate.streaming import SplitReader
from lrensemble.evaluate.teams import Team, predictor_of
from lrensemble.evaluate.temperatures import SOFTENED, Temperatures
from lrensemble.evaluate.verdict import in_print, score_in_print
from lrensemble.metrics import METRICS
from lrensemble.pool import Member, Pool
from lrensemble.select import Validation, learned_nothing
from lrensemble.spec import to_spec
from lrensemble.targets import Need, Target

LEARNED_NOTHING = "learned nothing"


class Measurements:
    """Measurements on one pool: everybody on `val` and on every test set, each read once."""

    def __init__(
        self, pool: Pool, validation: Validation, fixed: Sequence[Judged], teams: Mapping[str, Team], first: str
    ) -> None:
        """Measure.

        Args:
            pool: of members and rows.
            validation: its rows of the selection.
            fixed: the best single models and the judged teams.
            teams: all teams, by key.
            first: name of the test set that the verdict is on.
        """
        self.pool, self.validation, self.teams, self.first = pool, validation, teams, first
        self.chosen_from = pool.members()
        self.singles = {each.metric: each.single.team[0] for each in fixed}
        self._by_id = {member.id: member for member in self.chosen_from}
        self.metrics = metrics_of_target(pool.task.target, self.singles)
        self.headline = headline_of(pool.task.target, validation.served)
        val = self._val = SplitReader(pool, "val")
        self.temperatures = Temperatures(val, self.singles.values())
        self._predictors: dict[Key, Predictor] = {
            **{("team", key): predictor_of(team) for key, team in teams.items()},
            **{("tempered", name): own for name, own in self.temperatures.predictors.items()},
            **{("member", member.id): Predictor((member.id,)) for member in self.chosen_from},
        }
        self._on = {"val": OnSplit(val, self._predictors, self.metrics)}

    def on(self, split: str) -> OnSplit:
        """What was measured on a split, found when it is first asked for."""
        if split not in self._on:
            compared: list[Key] = [("member", name) for name in dict.fromkeys(self.singles.values())]
            compared += [("tempered", name) for name in self.temperatures.predictors]
            self._on[split] = OnSplit(SplitReader(self.pool, split), self._predictors, self.metrics, compared)
        return self._on[split]

    def scores(self, split: str, key: Key) -> Scores:
        """Scores of somebody on a split."""
        return self.on(split).scores(key)

    def members(self) -> tuple[MemberResult, ...]:
        """All members with their scores; those that did not finish have none."""
        return tuple(self._member(member) for member in self.pool.members(include_diverged=True))

    def team(self, name: str) -> TeamResult:
        """Record of a team with its scores and gains, by its key."""
        team = self.teams[name]
        gain, over_tempered = self.gains(self.first, team.metric)
        positions = {member.id: i for i, member in enumerate(self.pool.members(include_diverged=True))}
        return TeamResult(
            method=team.method,
            metric=team.metric,
            consensus=team.consensus,
            team=tuple(positions[member] for member in team.team),
            members=team.team,
            weights=team.weights,
            val=self.scores("val", ("team", name)),
            cross_fitted=team.cross_fitted,
            test=self.scores(self.first, ("team", name)),
            gain=gain[name],
            gain_over_tempered=over_tempered[name],
            cost=cost_of([self._by_id[member] for member in team.team]),
            tried=team.tried,
            caution=team.caution,
        )

    def reference(self, single: Team) -> Reference:
        """Record of the best single model by a metric, given as a team of one."""
        member = self._by_id[single.team[0]]
        val, test = (self.scores(split, ("member", member.id)) for split in ("val", self.first))
        return Reference(
            metric=single.metric,
            member=member.id,
            name=member.name,
            val=val,
            test=test,
            cross_fitted=single.cross_fitted,
            tempered=self._tempered(member.id),
        )

    def gains(self, split: str, aim: str) -> tuple[dict[str, dict[str, Gain]], dict[str, dict[str, Gain]]]:
        """Gains of all teams that aim at a metric over its best single model, plain and tempered, by key and metric.

        They are adjusted over these teams. Where only a temperature makes the difference, a team with the predictions
        of the plain model is no comparison.
        """
        if (split, aim) not in self._gains:
            self._gains[split, aim] = self._find_gains(split, aim)
        return self._gains[split, aim]

    @cached_property
    def _gains(self) -> dict[tuple[str, str], tuple[dict[str, dict[str, Gain]], dict[str, dict[str, Gain]]]]:
        return {}

    def _find_gains(self, split: str, aim: str) -> tuple[dict[str, dict[str, Gain]], dict[str, dict[str, Gain]]]:
        on, single = self.on(split), self.singles[aim]
        teams = [key for key, team in self.teams.items() if team.metric == aim]
        gain, over_tempered = ({key: dict[str, Gain]() for key in teams} for _ in range(2))
        others = [key for key in teams if key not in on.same(teams, ("member", single))]
        for metric in dict.fromkeys((aim, *self.pool.task.target.compared)):
            for key, one in on.gains(metric, teams, ("member", single)).items():
                gain[key][metric] = one
            if single in self.temperatures.predictors and metric in SOFTENED:
                for key, one in on.gains(metric, others, ("tempered", single)).items():
                    over_tempered[key][metric] = one
        return gain, over_tempered

    def notes(self, references: Iterable[Reference]) -> list[str]:
        """Warnings: members that learned nothing, and temperatures that ended at the border of the search."""
        useless, everybody = self._no_better_than_chance, self.pool.members(include_diverged=True)
        names = [each.name for each in everybody if each.status == "learned_nothing" or each.id in useless]
        found = [f"{', '.join(names)} learned nothing: no better than chance on val."] if names else []
        found += [*self._trivial(), *self.temperatures.notes()]
        limits = [each for each in references if each.tempered is not None and each.tempered.at_limit]
        return found + [
            f"The temperature of {each.name}, the best by {in_print(each.metric)}, ended at the border of what is "
            "tried: doubt its calibration."
            for each in limits
        ]

    def _trivial(self) -> list[str]:
        """What the mean of the val truth, said of every row, scores on test: for values, which know no chance."""
        target, truth = self.pool.task.target, self.pool.truth(self.first)
        if target.has_labels:
            return []
        said = np.repeat(target.uninformed(self._val.truth)[:1], len(truth), axis=0)
        weights = self.pool.weights(self.first)
        value = METRICS.call(self.headline, said, truth, *(() if weights is None else (weights,)))
        return [
            f"The mean of the val truth, said of every row, has a test {in_print(self.headline)} of "
            f"{score_in_print(self.headline, float(value))}: what knows more is below it."
        ]

    @cached_property
    def _no_better_than_chance(self) -> frozenset[str]:
        useless = learned_nothing(self.validation)
        return frozenset(member.id for member, is_useless in zip(self.chosen_from, useless, strict=True) if is_useless)

    def _member(self, member: Member) -> MemberResult:
        finished = member.status == "finished"
        val, test = (self.scores(split, ("member", member.id)) if finished else None for split in ("val", self.first))
        return MemberResult(
            id=member.id,
            name=member.name,
            status=LEARNED_NOTHING if member.id in self._no_better_than_chance else member.status.replace("_", " "),
            policy=_policy(member),
            val=val,
            test=test,
            cost=cost_of([member]),
        )

    def _tempered(self, name: str) -> Tempered | None:
        if name not in self.temperatures.predictors:
            return None
        val, test = (self.scores(split, ("tempered", name)) for split in ("val", self.first))
        return Tempered(
            temperature=self.temperatures.value(name), at_limit=self.temperatures.at_limit(name), val=val, test=test
        )


def headline_of(target: Target, served: frozenset[Need]) -> str:
    """The metric of a target that people know best, of those that all members can serve."""
    able = (metric for metric in target.metrics if METRICS.facts(METRICS.check(metric)).needs in served)
    return next(able, target.metrics[0])


def _policy(member: Member) -> str | None:
    policy = (member.recipe or {}).get("policy")
    return str(to_spec(policy)) if isinstance(policy, dict) else None
