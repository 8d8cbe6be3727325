"""The judgement at the end of a run: of the processes that have trained a pool together, one chooses teams and looks at
test rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from lrensemble.config import Experiment, SelectSettings
from lrensemble.errors import LREnsembleError, MissingExtraError
from lrensemble.evaluate import Result, Team, load, methods_of, stored_result
from lrensemble.evaluate.benchmarks import Benchmarks
from lrensemble.evaluate.stored import RESULT
from lrensemble.files.beating import beating
from lrensemble.files.claims import Held, claimed
from lrensemble.front.benchmarks import benchmark_into, questions_of_experiment
from lrensemble.front.foreign import foreign_of, predict_foreign
from lrensemble.front.teams import Around, check_names, choose_all, evaluate_into
from lrensemble.pool import Pool
from lrensemble.report import write_report
from lrensemble.report.study_file import keep_beside
from lrensemble.spec import SpecLike, to_spec

logger = logging.getLogger(__name__)

CLAIM = "verdict"
"""Name of the claim of whoever chooses and judges."""

Tell = Callable[[str], object]

Signature = tuple[int, int] | None
"""What changes when a file is written anew; None where there is none."""


@dataclass(frozen=True)
class Judged:
    """What a run came to."""

    result: Result
    benchmarks: Benchmarks | None
    """Scores on the benchmarks of the experiment; None where it has none."""
    page: Path | None
    """The report, where this process has written one."""
    study: Path | None = None
    """The pool as a study of Optuna's, beside the report; None where there is no report, or Optuna is not installed."""


class Judge:
    """The judgement of an experiment, prepared before it is trained."""

    def __init__(self, folder: Path, experiment: Experiment) -> None:
        """Check the names of methods, read what else is measured, and take note of the result that is there.

        Args:
            folder: of `pool/`, `result.json`, the page, and perhaps `benchmarks.json`.
            experiment: says how teams are chosen, and what is asked of them.

        Raises:
            LREnsembleError: what could not be used after hours of training either.
        """
        self._asked = experiment.select
        check_names(self._asked.methods, self._asked.metric, self._asked.consensus)
        self._questions, self._foreign = questions_of_experiment(experiment), foreign_of(experiment)
        self._folder, self._data = folder, experiment.data.folder
        self._before = self._signature()

    def judge(self, pool: Pool, *, device: str, tell: Tell, around: Around = nullcontext) -> Judged:
        """Choose teams of a pool, judge them and write the page; or wait for the process that does so, and take its
        result where it is the same.

        Args:
            pool: of the experiment, trained.
            device: where benchmarks are asked.
            tell: told who is waited for, in a line.
            around: called with the name of a piece of work; a block around it.

        Raises:
            SelectionError: every method failed; the first one says why.
        """
        asked = self._asked
        methods = methods_of(asked, pool)
        with self._alone(pool, tell):
            if known := self._found(pool, methods):
                return Judged(known, self._benchmarks(pool, device, around), None)
            teams = choose_all(
                pool, methods, metric=asked.metric, consensus=asked.consensus, seed=asked.seed, around=around
            )
            predict_foreign(pool, teams, self._foreign)
            result = evaluate_into(pool, self._folder / RESULT, teams.not_run, again=False, around=around)
            benchmarks = self._benchmarks(pool, device, around)
            with around("writing the report"):
                page = self._page(pool, result)
                return Judged(result, benchmarks, page, None if page is None else keep_beside(pool, page))

    def _benchmarks(self, pool: Pool, device: str, around: Around) -> Benchmarks | None:
        """Scores on the benchmarks, asked anew or read where they were asked before; None where there are none."""
        if self._questions is None:
            return None
        with around("benchmarks"):
            return benchmark_into(pool, self._questions, self._folder, device=device)

    def _page(self, pool: Pool, result: Result) -> Path | None:
        """Path of the report; None where plotly is missing or it cannot be written: a run succeeds without it."""
        path = self._folder / "report.html"
        try:
            write_report(pool, result, path, self._data)
        except MissingExtraError as error:
            logger.warning("%s", error)
            return None
        except Exception as error:  # of a by-product, whatever it is: the verdict is there, and is to be told
            reason = " ".join(str(error).split()) or type(error).__name__
            logger.warning("no report: %s; lrensemble report %s writes it", reason, pool.folder)
            logger.debug("the report failed", exc_info=True)
            return None
        return path

    @contextmanager
    def _alone(self, pool: Pool, tell: Tell) -> Iterator[None]:
        """A block in which no other process chooses and judges.

        Args:
            pool: whose members are chosen from.
            tell: told who is waited for, in a line.
        """

        def who(other: Held) -> None:
            tell(f"{other} chooses teams and judges them; it is waited for")

        with claimed(pool.folder / "unfinished", CLAIM, who) as mine, beating(mine.beat, mine.lease):
            yield

    def _found(self, pool: Pool, methods: Sequence[SpecLike]) -> Result | None:
        """The result that another process has written meanwhile, where it is what this one would write.

        Args:
            pool: whose members are chosen from.
            methods: that were asked for, those by default among them.
        """
        asked = self._asked
        if self._signature() in (None, self._before):
            return None
        try:
            teams = load(pool)
            result = stored_result(pool, teams)
        except LREnsembleError:  # chosen among other members
            return None
        chosen = {team.method for team in teams if _is_as_asked(team, asked)}
        wanted = {str(spec) for spec in check_names(methods, asked.metric, asked.consensus)}
        return result if result is not None and wanted <= chosen | result.not_run.keys() else None

    def _signature(self) -> Signature:
        try:
            state = (self._folder / RESULT).stat()
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns


def _is_as_asked(team: Team, asked: SelectSettings) -> bool:
    return (
        team.seed == asked.seed
        and (asked.metric is None or to_spec(team.metric) == to_spec(asked.metric))
        and (asked.consensus is None or to_spec(team.consensus).name == to_spec(asked.consensus).name)
    )
