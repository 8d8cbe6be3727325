"""The records that `evaluate` writes: what `result.json` holds, key by key."""

from __future__ import annotations

from pydantic import Field

from lrensemble.config import Record


class Scores(Record):
    """One set of predictions on one split; fractions, not percent. Accuracies are better high, the others low."""

    accuracy: float
    nll: float
    brier: float
    ece: float
    top5_accuracy: float | None = None
    """Where there are more than 5 classes."""


class Gain(Record):
    """What a team has over the best single model, row by row on the same test rows; positive is better."""

    value: float
    """Mean difference: of correctness for accuracy, of the loss for NLL (best single minus team)."""
    low: float
    high: float
    """95 % paired bootstrap interval."""
    p_value: float | None = None
    """McNemar's exact test (accuracy only)."""
    rows: int

    @property
    def reliable(self) -> bool:
        """Whether the interval excludes zero and, where there is a test, p < 0.05."""
        excludes_zero = self.low > 0 or self.high < 0
        return excludes_zero and (self.p_value is None or self.p_value < 0.05)


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
    policy: str | None
    val: Scores | None
    test: Scores | None
    cost: Cost


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
    """By `accuracy` and `nll`."""
    cost: Cost
    tried: int
    """Teams that were looked at."""


class Verdict(Record):
    """The sentence that the whole work is for."""

    method: str
    """Key in `teams` of the team with the best cross-fitted score."""
    reliable: bool
    text: str


class Result(Record):
    """The whole evaluation of a pool."""

    format: int = 1
    task: str
    rows: dict[str, int]
    members: tuple[MemberResult, ...]
    best_single: MemberResult
    """Best accuracy on `val`, ties to the better NLL."""
    teams: dict[str, TeamResult]
    verdict: Verdict
    seconds: dict[str, float] = Field(description="by stage")
    environment: dict[str, object]
