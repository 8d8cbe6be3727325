"""A stored team applied to new predictions of its members, which have no truth: what a competition asks for."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import combine
from lrensemble.errors import PredictionsError
from lrensemble.export.predictions import Cell, Predictions, check_table_path, table_bytes
from lrensemble.export.team_file import TeamFile, read_team
from lrensemble.files import write_whole
from lrensemble.notebook import Shown
from lrensemble.pool.collect.agreement import aligned
from lrensemble.pool.collect.classes import in_one_order, with_sums_of_one
from lrensemble.pool.collect.files import PredictionFile
from lrensemble.pool.collect.labels import with_indices
from lrensemble.pool.collect.members import CollectedMember
from lrensemble.pool.collect.names import AskedForm
from lrensemble.pool.collect.read_given import asked_for, read_sources
from lrensemble.pool.collect.reading.roles import half_of, words_of
from lrensemble.text.counted import counted


@dataclass(frozen=True, repr=False)
class Combined(Shown):
    """What a team says of new rows."""

    team: TeamFile
    ids: tuple[str, ...] | None
    """Names of the rows; None where the files have none."""
    said: NDArray[np.float64]
    """Probabilities [sample, class], or values [sample, output] and perhaps their standard deviations."""
    reading: tuple[str, ...]
    """How the files were read."""

    def __len__(self) -> int:
        return len(self.said)

    def _headline(self) -> str:
        return f"{counted(len(self), 'row')} by a team of {len(self.team.members)}, {self.team.method}"

    def _table(self) -> list[dict[str, Any]]:
        """The rows of the table, by column."""
        head, *rows = self.rows()
        return [dict(zip(map(str, head), row, strict=True)) for row in rows]

    def rows(self) -> list[list[Cell]]:
        """The table: `id` (or `row`), and what `lrensemble predict` writes of a row."""
        names: Sequence[Cell] = range(len(self.said)) if self.ids is None else self.ids
        table = Predictions(self.team.target, tuple(map(str, names)), tuple(range(len(self.said))), self.said)
        head = ["row" if self.ids is None else "id", *table.header()[2:]]
        return [[*head], *([name, *cells[2:]] for name, cells in zip(names, table.records(), strict=True))]

    def save(self, path: os.PathLike[str] | str, *, raw_formulas: bool = False) -> None:
        """Write the table, whole or not at all, as `.csv` or `.parquet`.

        Raises:
            ExportError: another suffix.
            MissingExtraError: parquet without pyarrow.
            StorageError: the file cannot be written.
        """
        check_table_path(Path(path))
        write_whole(Path(path), table_bytes(self.rows(), Path(path).suffix, raw_formulas=raw_formulas))


def combine_files(
    team: TeamFile | os.PathLike[str] | str,
    files: Any,
    *,
    kind: AskedForm | None = None,
    id: Any = None,  # noqa: A002
    columns: Sequence[str] | str | None = None,
    method: str | None = None,
    trust_code: bool = False,
) -> Combined:
    """Apply a team to new predictions of its members, as `lrensemble combine` does.

    `lrensemble.combine` is the consensus alone, of arrays that are in the team's order.

    ```python
    from lrensemble.export import combine_files

    combine_files("team.json", ["test_lgb.csv", "test_xgb.csv"]).save("submission.csv")
    ```

    Args:
        team: a `team.json`, or a pool, whose judged team it is.
        files: files, folders or objects as `collect` takes them; members are known by their names, and those of no
            member of the team are left out.
        kind: form of the predictions, where it is not clear.
        id: column or array with the names of rows, or these names.
        columns: columns or arrays of predictions.
        method: of a pool's teams, the one of this method.
        trust_code: whether a consensus may be code from elsewhere.

    Raises:
        PredictionsError: a member without predictions, or what cannot be used; the file is named.
        PoolError: files of other rows.
        StorageError: a file cannot be read.
    """
    given = team if isinstance(team, TeamFile) else read_team(Path(team), method=method, trust_code=trust_code)
    asked, _, ids = asked_for(kind, None, id, columns)
    asked = replace(asked, target=given.target)
    found = with_indices(read_sources(files, asked, None, ids), given.target, asked)
    found = with_sums_of_one(in_one_order(found, given.target.names, asked), asked)
    found = aligned(found)
    members = _of_team(given, found)
    for member in members:
        member.check_columns(given.target)
        member.check("val", given.target, None)
    rows = np.arange(len(members[0].said["val"]))
    seen = [given.target.seen(member.predictions("val", rows, None)) for member in members]
    width = min(array.shape[1] for array in seen)
    together = np.stack([array[:, :width] for array in seen])
    said = np.array(combine(given.consensus, together, np.asarray(given.weights)), dtype=np.float64)
    if "distribution" in given.target.dense_serves(width):
        said[:, given.target.width :] = np.sqrt(said[:, given.target.width :])
    names = next((own for file in found if (own := file.ids("val")) is not None), None)
    return Combined(given, names, said, asked.reading())


def _of_team(team: TeamFile, files: Sequence[PredictionFile]) -> list[CollectedMember]:
    """What each member of the team says, found by its name.

    Raises:
        PredictionsError: one says nothing, or several have its name; all names are listed.
    """
    members = [member for file in files for member in file.members]
    for key in (_exact, _bare, _number):
        by_key: dict[str, list[CollectedMember]] = {}
        for member in members:
            by_key.setdefault(key(member.name), []).append(member)
        wanted = [key(name) for name in team.members]
        if len(set(wanted)) == len(wanted) and all(each and len(by_key.get(each, [])) == 1 for each in wanted):
            return [by_key[each][0] for each in wanted]
    have: Mapping[str, None] = dict.fromkeys(member.name for member in members)
    bare = {_bare(name) for name in have}
    missing = [name for name in team.members if _bare(name) not in bare] or list(team.members)
    raise PredictionsError(
        f"no predictions of {missing[0]!r}; the team is {', '.join(team.members)}, and the files hold "
        f"{', '.join(have)}: name files or columns as when they were collected"
    )


def _exact(name: str) -> str:
    return name


def _bare(name: str) -> str:
    """A name without what says of which rows: `oof_lgb` and `lgb_test` are `lgb`."""
    return "_".join(words_of(half_of(name)[1] or name))


def _number(name: str) -> str:
    """The place of a member of a file that names none: `predictions-3`."""
    match = re.search(r"-(\d+)$", name)
    return match[1] if match else ""
