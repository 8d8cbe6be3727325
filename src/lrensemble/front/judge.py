"""One judge: of the processes that have trained a pool together, one chooses teams and looks at test rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lrensemble.config import SelectSettings
from lrensemble.errors import LREnsembleError
from lrensemble.evaluate import Result, Team, load, stored_result
from lrensemble.evaluate.stored import RESULT
from lrensemble.files.beating import beating
from lrensemble.files.claims import Held, claimed
from lrensemble.front.teams import check_names
from lrensemble.pool import Pool
from lrensemble.spec import SpecLike, to_spec

CLAIM = "verdict"
"""Name of the claim of whoever chooses and judges."""

Tell = Callable[[str], object]

Signature = tuple[int, int] | None
"""What changes when a file is written anew; None where there is none."""


class Judge:
    """What others have done since this process began to train, seen from the file of the result."""

    def __init__(self, folder: Path) -> None:
        """Take note of the result that is there.

        Args:
            folder: of `pool/` and `result.json`.
        """
        self._path = folder / RESULT
        self._before = self._signature()

    @contextmanager
    def alone(self, pool: Pool, tell: Tell) -> Iterator[None]:
        """A block in which no other process chooses and judges.

        Args:
            pool: whose members are chosen from.
            tell: told who is waited for, in a line.
        """

        def who(other: Held) -> None:
            tell(f"{other} chooses teams and judges them; it is waited for")

        with claimed(pool.folder / "unfinished", CLAIM, who) as mine, beating(mine.beat, mine.lease):
            yield

    def found(self, pool: Pool, methods: Sequence[SpecLike], asked: SelectSettings) -> Result | None:
        """The result that another process has written meanwhile, where it is what this one would write.

        Args:
            pool: whose members are chosen from.
            methods: that were asked for, those by default among them.
            asked: metric, consensus and seed.
        """
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
            state = self._path.stat()
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns


def _is_as_asked(team: Team, asked: SelectSettings) -> bool:
    return (
        team.seed == asked.seed
        and (asked.metric is None or to_spec(team.metric) == to_spec(asked.metric))
        and (asked.consensus is None or to_spec(team.consensus).name == to_spec(asked.consensus).name)
    )
