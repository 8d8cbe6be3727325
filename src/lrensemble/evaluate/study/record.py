"""Records of a study: the content of `study.json`, key by key.

Scores are in the units of their metrics; a difference is signed so that positive is better. A score of a pool is the
mean over its replicates, the pools of the same name from other base seeds.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lrensemble.config import Record
from lrensemble.evaluate.result import Scores
from lrensemble.evaluate.study.difference import Difference, Pair

FORMAT = 1
"""Format of `study.json`."""

TEMPERED = "nll after temperature"
"""Measure of predictions after temperature scaling fitted on `val`: the calibrated negative log-likelihood."""

Drawing = Literal["drawn", "balanced", "in order"]
"""How a smaller pool is taken of a larger one: at random; at random with as many members of each policy as can be; or
the members that were trained first."""


class StudyCost(Record):
    """Cost of training a pool; members that diverged, were pruned or learned nothing count. None where unknown."""

    epochs: float | None
    """Passes over the training rows, summed over members."""
    samples: float | None
    """Number of training rows seen, repeats counted."""
    seconds: float | None
    """Wall-clock seconds of training."""


class Chosen(Record):
    """A model or team that was chosen on `val`, and its scores."""

    method: str
    consensus: str
    """Consensus fitted on `val`."""
    members: tuple[str, ...]
    """Ids."""
    weights: tuple[float, ...]
    val: Scores
    test: Scores
    temperature: float | None
    """Temperature fitted on `val`; None where predictions are not probabilities of classes."""
    tempered: Scores | None
    """Scores on test after temperature scaling."""

    def by(self, measure: str) -> float | None:
        """Test score by a measure: a metric, or `TEMPERED`."""
        if measure == TEMPERED:
            return None if self.tempered is None else self.tempered.nll
        return self.test.by(measure)


class Replicate(Record):
    """One pool: a name of the study and a base seed."""

    folder: str
    members: int
    """Number of members that can be chosen."""
    lost: dict[str, int]
    """Number of other runs by what became of them: `diverged`, `pruned`, `failed`, …; of those above, also how many
    `learned nothing`."""
    policies: int
    """Number of different policies among the members."""
    cost: StudyCost
    single: Chosen | None
    """Best single model on `val`; None where no member can be chosen."""
    team: Chosen | None
    """Team of the default method."""
    reason: str = ""
    """Reason why there is no team."""


class TeamSize(Record):
    """Mean test scores of teams of one size, over replicates and draws."""

    pool: str
    way: Literal["greedy", "top_k", "drawn"]
    """`greedy`: that many members at most; `top_k`: the best by their own `val` scores, with equal weights; `drawn`:
    members at random, with equal weights, the mean over draws."""
    size: int
    draws: int
    """Number of teams behind the mean, in one replicate at least."""
    scores: dict[str, float]
    """By measure."""


class Range(Record):
    """A mean over draws, and between what ends 95 % of the draws lie.

    Draws of one pool share members: the range shows how much a pool of that size depends on who is in it, and is no
    confidence interval.
    """

    mean: float
    low: float
    high: float


class PoolSize(Record):
    """Scores of the default team and of the best single model of smaller pools, chosen anew in each."""

    pool: str
    drawing: Drawing
    size: int
    draws: int
    """Number of smaller pools of one replicate."""
    cost: StudyCost
    """Mean cost of a pool of that size; members that were lost count in proportion."""
    team: dict[str, Range]
    """By measure; over draws of all replicates."""
    single: dict[str, Range]
    replicates: dict[str, tuple[float, ...]]
    """Mean score of the team over draws, in each replicate, by measure."""


class CostToScore(Record):
    """What a pool needs until the mean score of its default team reaches a score, by linear interpolation over sizes of
    smaller pools.
    """

    pool: str
    drawing: Drawing
    measure: str
    target: Literal["best single", "default team"]
    """Whose score is to be reached, of the reference."""
    score: float
    reached: bool
    """Whether it is reached by the whole pool; where not, size and cost are those of the whole pool."""
    members: float
    cost: StudyCost


class Equivalent(Record):
    """Deep-ensemble equivalent (Ashukha et al. 2020, eq. 9): the number of members of a deep ensemble that reach the
    calibrated log-likelihood of a team, in one replicate; whole numbers are interpolated linearly.
    """

    pool: str
    replicate: int
    size: int
    """Number of members of the team."""
    value: float | None
    """None where it is below one member, or above all that the deep ensemble has."""
    beyond: Literal["", "<", ">"]
    """Whether the value lies below 1, or above `most`."""
    low: float | None
    """Equivalent by the curve raised by one standard deviation over draws, as in the paper; None where beyond."""
    high: float | None
    most: int
    """Number of members of the deep ensemble."""


class DeepEnsemble(Record):
    """The deep ensemble that equivalents are measured by: members that differ by seed alone, of one replicate."""

    pool: str
    replicate: int
    sizes: tuple[int, ...]
    means: tuple[float, ...]
    """Mean calibrated NLL on test of so many members, over draws."""
    deviations: tuple[float, ...]
    """Standard deviation over draws."""


class Diversity(Record):
    """Diversity of all members and of the default team on test, mean over replicates."""

    pool: str
    of_pool: dict[str, float]
    """By measure of diversity, and `member error`, the mean error of a member; of values its RMSE."""
    of_team: dict[str, float]
    rows: int
    """Number of rows that it was measured on: a sample where members are many."""


class SelectorResult(Record):
    """What one selector makes of the pools of one name."""

    scores: dict[str, float]
    """Test scores by measure, mean over replicates."""
    size: float
    """Number of members, mean over replicates."""
    gain: dict[str, Difference]
    """Gain over the best single model of the same pool, by measure, adjusted for all selectors and pools."""
    reason: str = ""
    """Reason why it has no team in some replicate."""


class Averaged(Record):
    """Average of weights of a pool's default team as one network, beside the team, in one replicate."""

    pool: str
    replicate: int
    ingredients: int
    """Number of members whose weights were averaged; 0 where there is no soup."""
    scores: dict[str, float]
    """Test scores by measure."""
    reason: str = ""
    """Reason why there is no soup."""


class Comparison(Record):
    """Several pools, compared: the content of `study.json`."""

    format: int = FORMAT
    task: str
    test: str
    """Name of the test set."""
    rows: dict[str, int]
    """Number of rows by split."""
    measures: tuple[str, ...]
    """Measures of the tables, the one that people know best first."""
    metric: str
    """Metric that teams aim at."""
    consensus: str
    method: str
    """Method of the default teams."""
    reference: str
    """Pool that the others are compared with."""
    pools: dict[str, tuple[Replicate, ...]]
    over_reference: dict[str, dict[str, Difference]]
    """Difference between the default team of each pool and that of the reference, by measure and pool, adjusted for all
    pools."""
    over_single: dict[str, dict[str, Difference]]
    """Gain of each pool's default team over its own best single model, by measure and pool, adjusted for all pools."""
    pairs: dict[str, tuple[Pair, ...]]
    """Differences of all pairs of pools, by measure, adjusted for all pairs."""
    team_sizes: tuple[TeamSize, ...]
    pool_sizes: tuple[PoolSize, ...]
    costs: tuple[CostToScore, ...]
    deep_ensembles: tuple[DeepEnsemble, ...]
    equivalents: tuple[Equivalent, ...]
    diversity: tuple[Diversity, ...]
    selectors: dict[str, dict[str, SelectorResult]]
    """By method and pool."""
    soups: tuple[Averaged, ...]
    claim: str
    """The claim in a sentence, with its limits."""
    notes: tuple[str, ...]
    looks: dict[str, int] = Field(default={})
    """Number of looks at the test rows, this one included, by pool: the most of its replicates."""
    seconds: float
    """Wall-clock seconds of the comparison."""
    environment: dict[str, object]
