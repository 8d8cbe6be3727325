"""What the sections on language models share: whether a pool is of such, and the benchmarks that lie beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.predictors import Floats, Predictor
from lrensemble.evaluate.streaming import SplitReader
from lrensemble.evaluate.teams import predictor_of
from lrensemble.language.questions import QuestionText, read_questions
from lrensemble.pool import Member, Pool
from lrensemble.report.report_data import ReportData

BENCHMARKS = "benchmarks"
"""Folder, beside that of a pool of adapters, of the pool of what they say of multiple-choice questions."""

ANSWER_PROBABILITIES = "mean"
"""Consensus by which a team that was chosen on tokens answers questions: the mean of answer probabilities."""


def is_of_tokens(report: ReportData) -> bool:
    """Whether members are language models that say how likely answer tokens are."""
    return report.pool.task.base is not None


@dataclass(frozen=True)
class Asked:
    """Members that were asked multiple-choice questions, and two of those who answer: a single one and a team."""

    pool: Pool
    best: Member
    """The best single model, as it was chosen on the pool that the page is of."""
    team: Predictor | None
    """The judged team; None where none beats the best single model."""
    consensus: str
    questions: Mapping[str, tuple[QuestionText, ...]]
    """Texts by split; none where they were not kept."""
    chosen_here: bool
    """Whether both were chosen on validation rows of these questions, and not on tokens."""

    def said(self, split: str, predictor: Predictor) -> Floats:
        """Probabilities [question, choice] of one who answers."""
        return SplitReader(self.pool, split).whole(predictor)

    def single(self) -> Predictor:
        """The best single model as one who answers."""
        return Predictor((self.best.id,))

    def answers(self, split: str) -> NDArray[np.int64]:
        """Likeliest choice [member, question] by each member."""
        return np.stack([member.predictions(split).labels() for member in self.pool.members()])


def asked(report: ReportData) -> Asked | str | None:
    """The questions that members were asked: in this pool, or in that beside it; a sentence where it cannot be used.

    None where members were asked none.
    """
    task = report.pool.task
    if report.judged is None:
        return None
    if task.target.kind == "choices" and report.all_serve("probabilities"):
        team = report.chosen
        return Asked(
            pool=report.pool,
            best=report.best,
            team=None if team is None else predictor_of(team),
            consensus="" if team is None else team.consensus,
            questions=read_questions(report.pool),
            chosen_here=True,
        )
    folder = report.pool.folder.resolve().parent / BENCHMARKS
    if task.base is None or not (folder / "pool.json").is_file():
        return None
    try:
        return _beside(report, Pool.open(folder, trust_code=report.pool.trust_code))
    except LREnsembleError as error:
        return f"The benchmarks in {folder} cannot be shown: {error}"


def _beside(report: ReportData, pool: Pool) -> Asked | str:
    """The same members in a pool of benchmarks, found by their names."""
    by_name = {member.name: member for member in pool.members()}
    team = report.chosen
    wanted = {member.id: member.name for member in report.members}
    shares = {} if team is None else dict(zip(team.team, team.weights, strict=True))
    missing = [wanted[id_] for id_ in (report.best.id, *shares) if wanted[id_] not in by_name]
    if missing:
        return (
            f"The benchmarks in {pool.folder} have not been put to {missing[0]}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}; ask them, or remove that folder if it is "
            "of another pool."
        )
    ids = tuple(by_name[wanted[id_]].id for id_ in shares)
    return Asked(
        pool=pool,
        best=by_name[report.best.name],
        team=Predictor(ids, tuple(shares.values()), ANSWER_PROBABILITIES) if ids else None,
        consensus=ANSWER_PROBABILITIES,
        questions=read_questions(pool),
        chosen_here=False,
    )
