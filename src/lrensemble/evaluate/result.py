"""The records that `evaluate` writes: what `result.json` holds, key by key."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lrensemble.config import Record

FORMAT, UNSEALED = 3, 2
"""Version of `result.json`, and the last one that had no checksum."""

SURE = 0.05
"""A p-value below this, with an interval that excludes zero, is called reliable."""


class Scores(Record):
    """One set of predictions on one split; fractions, not percent.

    What members that know only labels cannot have is `None`.
    """

    accuracy: float
    nll: float | None = None
    brier: float | None = None
    ece: float | None = None
    top5_accuracy: float | None = None
    """Where there are more than 5 classes."""
    others: dict[str, float | None] = Field(default={})
    """By each other metric that a team aims at."""

    def by(self, metric: str) -> float | None:
        """The value by one metric, `None` where it is not there."""
        found = self.others.get(metric)
        return getattr(self, metric, None) if metric in STANDARD else found


STANDARD = tuple(name for name in Scores.model_fields if name != "others")


class Gain(Record):
    """What a team has over a single model, row by row on the same test rows; positive is better."""

    value: float
    """Team minus single model, turned so that higher is better."""
    low: float
    high: float
    """95 % interval of this comparison alone."""
    p_value: float
    """Two-sided, of this comparison alone: McNemar's test for accuracy, else that of the interval's pivot."""
    adjusted_low: float | None = None
    adjusted_high: float | None = None
    """95 % intervals that hold for all teams of the table at once."""
    adjusted_p: float | None = None
    """Adjusted for the number of teams in the table."""
    rows: int

    @property
    def reliable(self) -> bool:
        """Whether the interval excludes zero and p < 0.05: of a team that was fixed before test was looked at."""
        return (self.low > 0 or self.high < 0) and self.p_value < SURE

    @property
    def reliable_in_table(self) -> bool:
        """The same, adjusted: of a team that is one of many."""
        if self.adjusted_p is None or self.adjusted_low is None or self.adjusted_high is None:
            return False
        return (self.adjusted_low > 0 or self.adjusted_high < 0) and self.adjusted_p < SURE


class Cost(Record):
    """What it takes to make and to run a team: sums over its distinct members, `None` where a member does not say."""

    members: int
    parameters: int | None
    seconds: float | None
    """Of training."""
    samples: int | None
    """Seen in training."""


class MemberResult(Record):
    """One member of the pool; scores are missing where it diverged."""

    id: str
    name: str
    status: str
    """That of the member, or `learned nothing` where its predictions on `val` say nothing about the labels."""
    policy: str | None
    val: Scores | None
    test: Scores | None
    cost: Cost


class Tempered(Record):
    """A single model after temperature scaling (Guo et al. 2017): what of a gain in NLL is calibration alone."""

    temperature: float
    """Fitted on `val`."""
    at_limit: bool
    """Whether the fit ended at the border of what was searched."""
    val: Scores
    test: Scores


class Reference(Record):
    """The best single model by one metric, which the teams that aim at it are compared with."""

    metric: str
    member: str
    """Id."""
    name: str
    val: Scores
    test: Scores
    cross_fitted: float | None
    """Score on `val` by the metric, higher is better, each row scored by a model chosen without it."""
    tempered: Tempered | None
    """None where it knows only labels."""


class TeamResult(Record):
    """One team, chosen on `val`, measured on `test`."""

    method: str
    metric: str
    consensus: str
    """Fitted: what it learned from `val` stands in its arguments."""
    team: tuple[int, ...]
    """Positions in `members`."""
    members: tuple[str, ...]
    weights: tuple[float, ...]
    val: Scores
    cross_fitted: float | None
    """Score (higher is better) by `metric`, each row scored by a team chosen without it; `None` for baselines."""
    test: Scores
    gain: dict[str, Gain]
    """By the metric that it aims at, by `accuracy` and by `nll`, over the best single model by its metric."""
    gain_over_tempered: dict[str, Gain]
    """By `nll` and `brier`, over that model with a temperature."""
    cost: Cost
    tried: int
    """Teams that were looked at."""
    caution: str = ""


class Verdict(Record):
    """The sentence that the whole work is for, of the teams that aim at one metric."""

    metric: str
    kind: Literal["better", "worse", "no reliable difference", "no team"]
    """By the metric; of NLL and Brier score, a gain of calibration alone is none."""
    method: str | None
    """Key in `teams` of the team that is judged: fixed on `val`. None where no team beats the best single model."""
    reliable: bool
    text: str


class Result(Record):
    """The whole evaluation of a pool."""

    format: int = FORMAT
    task: str
    rows: dict[str, int]
    fingerprints: dict[str, dict[str, str]] = Field(default={})
    """By split, SHA-256 of its rows, labels, and where there are any of their groups and weights."""
    members: tuple[MemberResult, ...]
    best_single: MemberResult
    """On `val`, by the metric of the verdict."""
    references: dict[str, Reference]
    """By metric."""
    teams: dict[str, TeamResult]
    not_run: dict[str, str] = Field(default={})
    """By method: why there is no team."""
    verdict: Verdict
    """That of the first metric."""
    verdicts: tuple[Verdict, ...]
    """One for each metric that teams aim at."""
    looks: int
    """How often test was looked at, this time included."""
    notes: tuple[str, ...] = ()
    """What a reader must know: what was chosen by default, members that learned nothing, doubtful fits."""
    seconds: dict[str, float] = Field(description="by stage")
    environment: dict[str, object]
