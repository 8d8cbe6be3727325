"""What the sections on language models share: the questions that members answered, and how they were judged there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.benchmarks import Benchmarks, OnBenchmark, read_judgement
from lrensemble.evaluate.predictors import Floats, Predictor
from lrensemble.evaluate.result import Scores, TeamResult, TeamScores
from lrensemble.evaluate.streaming import SplitReader
from lrensemble.evaluate.teams import predictor_of
from lrensemble.language.questions import QuestionText, read_questions
from lrensemble.metrics.significance import holm
from lrensemble.pool import Member, Pool
from lrensemble.report.report_data import ReportData
from lrensemble.targets import Choices

JUDGEMENT, ANSWERS, OF_BASE = "benchmarks.json", "benchmarks", "benchmarks-base"
"""What `lrensemble benchmark` writes beside a pool: a judgement, what members say, and what the base says."""


def is_of_tokens(report: ReportData) -> bool:
    """Whether members are language models that say how likely answer tokens are."""
    return report.pool.task.base is not None


@dataclass(frozen=True)
class Asked:
    """Multiple-choice questions, two of those who answered, and how they were judged there."""

    pool: Pool
    """Answers of all members to the questions."""
    best: Member
    """The best single member."""
    team: Predictor | None
    """The judged team; None where none beats the best single member."""
    consensus: str
    judged: Mapping[str, OnBenchmark]
    """Scores and gains by split."""
    questions: Mapping[str, tuple[QuestionText, ...]]
    """Texts by split; none where they were not kept."""
    chosen_here: bool
    """Whether both were chosen on validation rows of these questions, and not on tokens."""
    base: Pool | None = None
    """Answers of the base alone; None where it was not asked."""

    def said(self, split: str, predictor: Predictor) -> Floats:
        """Probabilities [question, choice] of one who answers."""
        return SplitReader(self.pool, split).whole(predictor)

    def said_by_base(self, split: str) -> Floats | None:
        """Probabilities [question, choice] of the base alone; None where it was not asked."""
        members = () if self.base is None else self.base.members()
        if self.base is None or not members:
            return None
        return SplitReader(self.base, split).whole(Predictor((members[0].id,)))

    @property
    def single(self) -> Predictor:
        """The best single member as one who answers."""
        return Predictor((self.best.id,))

    def answers(self, split: str) -> NDArray[np.int64]:
        """Likeliest choice [member, question] by each member."""
        return np.stack([member.predictions(split).labels() for member in self.pool.members()])


def asked(report: ReportData) -> Asked | str | None:
    """The questions that members answered: in this pool, or in that beside it; a sentence where it cannot be shown.

    None where members were asked none.
    """
    if report.judged is None:
        return None
    if isinstance(report.pool.task.target, Choices):
        return _own(report) if report.all_serve("probabilities") else None
    folder = report.pool.folder.resolve().parent
    if not is_of_tokens(report) or not (folder / JUDGEMENT).is_file():
        return None
    try:
        return _beside(report, folder)
    except LREnsembleError as error:
        return f"The benchmarks beside this pool cannot be shown: {error}"


def _own(report: ReportData) -> Asked:
    team = report.chosen
    return Asked(
        pool=report.pool,
        best=report.best,
        team=None if team is None else predictor_of(team),
        consensus="" if team is None else team.consensus,
        judged=_of_result(report),
        questions=read_questions(report.pool),
        chosen_here=True,
    )


def _beside(report: ReportData, folder: Path) -> Asked | str:
    """Answers of the same members in another pool, and how they were judged."""
    found, trust = read_judgement(folder / JUDGEMENT), report.pool.trust_code
    if (wrong := _of_others(report, found)) is not None:
        return f"{folder / JUDGEMENT} {wrong}; lrensemble benchmark {report.pool.folder} NAME… judges this team."
    pool, choice = Pool.open(folder / ANSWERS, trust_code=trust), found.choice
    of_base = folder / OF_BASE
    return Asked(
        pool=pool,
        best=pool[choice.single],
        team=Predictor(choice.team, choice.weights, choice.consensus) if choice.team else None,
        consensus=choice.consensus,
        judged={split: found.benchmarks[name] for name, split in _splits(pool).items() if name in found.benchmarks},
        questions=read_questions(pool),
        chosen_here=False,
        base=Pool.open(of_base, trust_code=trust) if (of_base / "pool.json").is_file() else None,
    )


def _of_others(report: ReportData, found: Benchmarks) -> str | None:
    """What is wrong with a judgement that is not of this pool's best single member and team."""
    choice, team = found.choice, report.chosen
    if choice.task != report.pool.task.name or choice.single not in {member.id for member in report.members}:
        return f"is of another pool ({choice.task})"
    if choice.single != report.best.id:
        return "judges another best single member than the one that is best now"
    if choice.team != (() if team is None else team.team) or choice.weights != (() if team is None else team.weights):
        return "judges another team than the one that is judged now"
    return None


def _splits(pool: Pool) -> dict[str, str]:
    """Test sets by the names of their benchmarks."""
    return {split.removeprefix("test:"): split for split in pool.task.test_sets}


def _of_result(report: ReportData) -> dict[str, OnBenchmark]:
    """Every test set of a pool of answers as its evaluation has it."""
    result, metric = report.result, report.result.verdict.metric
    key, reference = result.verdict.method, result.references[result.verdict.metric]
    team = None if key is None else result.teams[key]
    found = {report.test: _on(report, report.test, reference.test, team, result.looks)}
    for split, further in result.further.items():
        own = None if key is None else further.teams[key]
        found[split] = _on(report, split, further.references[metric].test, own, further.looks)
    for name in ("accuracy", "nll"):
        gained = {split: each for split, each in found.items() if name in each.gain}
        adjusted = holm([each.gain[name].p_value for each in gained.values()])
        for split, value in zip(gained, adjusted, strict=True):
            found[split].adjusted_p[name] = value
    return found


def _on(
    report: ReportData, split: str, single: Scores, team: TeamResult | TeamScores | None, looks: int
) -> OnBenchmark:
    counts, size = report.pool.choices(split), report.pool.task.splits[split].size
    return OnBenchmark(
        questions=size,
        chance=1 / report.pool.task.target.width if counts is None else float((1 / counts).mean()),
        base=None,
        single=single,
        team=None if team is None else team.test,
        members={},
        gain={} if team is None else team.gain,
        adjusted_p={},
        looks=looks,
        text="",
    )
