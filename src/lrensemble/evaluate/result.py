"""Records that `evaluate` writes: the content of `result.json`, key by key."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lrensemble.config import Record
from lrensemble.evaluate.gain import LEVEL as LEVEL
from lrensemble.evaluate.gain import Gain as Gain
from lrensemble.evaluate.uncertainty.record import Uncertainty
from lrensemble.notebook import Shown

FORMAT, UNSEALED = 4, 2
"""Format of `result.json`, and the last format without a checksum."""

READ = (3, FORMAT)
"""Sealed formats that are read; the third knows classes and one test set alone."""


class Scores(Record):
    """Scores of one set of predictions on one split; those of classes by their own keys, fractions as such.

    A metric is None where the members do not say what it needs, and where it is not one of the target.
    """

    accuracy: float | None = None
    nll: float | None = None
    brier: float | None = None
    ece: float | None = None
    top5_accuracy: float | None = None
    """Top-5 accuracy, with more than 5 classes."""
    others: dict[str, float | None] = Field(default={})
    """Values of other metrics, by metric: of those of values, and of others that teams aim at."""

    def by(self, metric: str) -> float | None:
        """Value of one metric; None where it was not computed."""
        found = self.others.get(metric)
        return getattr(self, metric, None) if metric in STANDARD else found

    def by_metric(self) -> dict[str, float]:
        """Values that were computed, by metric."""
        found = {name: getattr(self, name) for name in STANDARD} | self.others
        return {name: value for name, value in found.items() if value is not None}


STANDARD = tuple(name for name in Scores.model_fields if name != "others")


class Cost(Record):
    """Cost of training and of running a team: sums over its distinct members, None where it is unknown of one."""

    members: int
    parameters: int | None
    seconds: float | None
    """Wall-clock seconds of training."""
    samples: int | None
    """Number of training rows seen, repeats counted."""


class MemberResult(Record):
    """One member of the pool; scores are missing where it diverged."""

    id: str
    name: str
    status: str
    """Status of the member, or `learned nothing` where its predictions on `val` are no better than chance."""
    policy: str | None
    val: Scores | None
    test: Scores | None
    cost: Cost


class Tempered(Record):
    """A single model after temperature scaling (Guo et al. 2017): how much of a gain in NLL is calibration alone."""

    temperature: float
    """Temperature fitted on `val`."""
    at_limit: bool
    """Whether the fit ended at the border of the search."""
    val: Scores
    test: Scores


class Reference(Record):
    """Best single model by one metric, the reference of the teams that aim at it."""

    metric: str
    member: str
    """Id of the member."""
    name: str
    val: Scores
    test: Scores
    cross_fitted: float | None
    """Score on `val` by the metric, higher is better, each row scored by a model chosen without it."""
    tempered: Tempered | None
    """The model after temperature scaling; None where it knows only labels."""


class TeamResult(Record):
    """One team, chosen on `val`, measured on `test`."""

    method: str
    metric: str
    consensus: str
    """Fitted consensus: its arguments hold what it learned from `val`."""
    team: tuple[int, ...]
    """Positions in `members` of the result."""
    members: tuple[str, ...]
    weights: tuple[float, ...]
    val: Scores
    cross_fitted: float | None
    """Score (higher is better) by `metric`, each row scored by a team chosen without it; `None` for baselines."""
    test: Scores
    gain: dict[str, Gain]
    """Gain over the best single model by its metric: by the metric that it aims at, and by those that are always given
    (`accuracy` and `nll` of classes, `rmse` of values)."""
    gain_over_tempered: dict[str, Gain]
    """Gain over that model after temperature scaling, by `nll` and `brier`."""
    cost: Cost
    tried: int
    """Number of teams that were scored."""
    caution: str = ""


class Verdict(Record):
    """Verdict on the judged team among those that aim at one metric."""

    metric: str
    kind: Literal["better", "worse", "no reliable difference", "no team"]
    """Outcome by the metric; a gain in NLL or Brier score by calibration alone does not count."""
    method: str | None
    """Key in `teams` of the judged team, fixed on `val`; None where no team beats the best single model."""
    reliable: bool
    text: str


class ReferenceScores(Record):
    """Scores of a best single model on a further test set, plain and after the same temperature scaling."""

    test: Scores
    tempered: Scores | None


class TeamScores(Record):
    """Scores and gains of a team on a further test set."""

    test: Scores
    gain: dict[str, Gain]
    gain_over_tempered: dict[str, Gain]


class FurtherTest(Record):
    """The same members, teams and references on a test set beside the one that the verdict is on."""

    looks: int
    """Number of looks at its rows, this one included."""
    members: dict[str, Scores]
    """By id of the member."""
    references: dict[str, ReferenceScores]
    """By metric."""
    teams: dict[str, TeamScores]
    """By key of the team."""
    verdicts: tuple[Verdict, ...]
    """Whether the gain holds here, in one line for each metric with a judged team."""


class Result(Shown, Record):
    """The whole evaluation of a pool."""

    format: int = FORMAT
    task: str
    headline: str = "accuracy"
    """Metric that people know best for this target: it is given beside the one that a team aims at."""
    rows: dict[str, int]
    fingerprints: dict[str, dict[str, str]] = Field(default={})
    """SHA-256 of rows and labels, and of groups and weights where there are any, by split."""
    members: tuple[MemberResult, ...]
    best_single: MemberResult
    """Best single model on `val`, by the metric of the verdict."""
    references: dict[str, Reference]
    """Best single model by metric."""
    teams: dict[str, TeamResult]
    not_run: dict[str, str] = Field(default={})
    """Reason why a method has no team, by method."""
    verdict: Verdict
    """Verdict by the first metric."""
    verdicts: tuple[Verdict, ...]
    """Verdicts, one for each metric that teams aim at."""
    looks: int
    """Number of looks at test, this one included."""
    further: dict[str, FurtherTest] = Field(default={})
    """Further test sets, by name; not those that are foreign."""
    uncertainty: Uncertainty | None = None
    """Uncertainty of the judged team and of the best single model; None where they give no probabilities of classes."""
    notes: tuple[str, ...] = ()
    """Warnings: default choices, members that learned nothing, doubtful fits."""
    seconds: dict[str, float] = Field(description="Wall-clock seconds by stage")
    environment: dict[str, object]

    def _headline(self) -> str:
        return self.verdict.text

    def _table(self) -> list[dict[str, Any]]:
        """One row for the best single model, and one for each team: scores on `val` and `test`, the gain and its
        interval.
        """
        single = self.best_single
        first = {"team": f"best single: {single.name}", "members": 1, **_scores("val", single.val)}
        rows = [first | _scores("test", single.test)]
        for key, team in self.teams.items():
            row = {"team": key, "members": len(team.members), **_scores("val", team.val), **_scores("test", team.test)}
            gain = team.gain.get(team.metric) or team.gain.get(self.headline)
            if gain is not None:
                row |= {"gain": gain.value, "low": gain.low, "high": gain.high, "p_value": gain.p_value}
            rows.append(row)
        return rows


def _scores(split: str, scores: Scores | None) -> dict[str, Any]:
    """Scores of a split that there are, by column."""
    if scores is None:
        return {}
    return {f"{split}_{name}": value for name, value in scores.by_metric().items()}
