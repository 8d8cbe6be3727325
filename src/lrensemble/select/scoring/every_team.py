"""The complete table of teams: the score of every subset of the members, at its mask."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import MissingExtraError, SelectionError, StorageError
from lrensemble.files import draft_file
from lrensemble.select.base import check_metric
from lrensemble.select.scoring.kernels.subsets import members_of
from lrensemble.select.scoring.subset_scorer import all_blocks, one_block, subset_scorer
from lrensemble.select.scoring.team_scores import team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

Floats = NDArray[np.float64]

LIMIT = 2**24


@dataclass(frozen=True, eq=False)
class TeamTable:
    """All teams of a pool, one a row, in the order of their masks."""

    mask: NDArray[np.int64]
    """[team] whose bit i says that member i is in."""
    size: NDArray[np.int64]
    """[team] members."""
    score: Floats
    """[team] higher is better."""

    def save(self, path: Path) -> None:
        """Write the table, whole or not at all: `.npz` holds three arrays, `.parquet` three columns.

        Raises:
            StorageError: another suffix, or the file cannot be written.
            MissingExtraError: parquet without pyarrow.
        """
        check_table_path(path)
        with draft_file(path) as file:
            if path.suffix == ".npz":
                np.savez(file, mask=self.mask, size=self.size, score=self.score)
            else:
                _write_parquet(file, self)


def check_table_path(path: Path) -> None:
    """Refuse, before any work, a file that a table cannot be written to.

    Raises:
        StorageError: another suffix than .npz or .parquet, or no such folder.
    """
    if path.suffix not in (".npz", ".parquet"):
        raise StorageError(f"{path} has suffix {path.suffix!r}; a table is written as .npz or .parquet")
    if not os.path.isdir(path.parent):
        raise StorageError(f"cannot write {path}: there is no folder {path.parent}")


def team_table(
    validation: Validation, *, metric: SpecLike = "nll", consensus: SpecLike = "mean", limit: int = LIMIT
) -> TeamTable:
    """Score every team with equal weights.

    Raises:
        SelectionError: the pool has more teams than `limit`, or a member cannot serve the metric.
    """
    check_metric(validation, metric)
    scores = score_every_team(validation, metric, consensus, limit)
    masks = np.arange(1, len(scores))
    return TeamTable(masks, np.bitwise_count(masks).astype(np.int64), scores[1:])


def score_every_team(validation: Validation, metric: SpecLike, consensus: SpecLike, limit: int | None) -> Floats:
    """[2^members] the score of every team at its mask; entry 0, the team of nobody, is minus infinity.

    Raises:
        SelectionError: the pool has more teams than `limit`, where one is given.
    """
    members = validation.members
    if limit is not None and 2**members - 1 > limit:
        raise SelectionError(
            f"{members} members have {2**members - 1:,} teams, above the limit of {limit:,}; "
            f"choose among fewer members, or raise it with limit={2**members - 1}"
        )
    scorer = subset_scorer(validation, metric, consensus)
    if scorer is None:
        return one_block(team_scorer(validation, metric, consensus), members)
    scores = all_blocks(scorer, members)
    scores[0] = -np.inf
    return scores


def in_order(masks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Masks sorted: smaller teams first, then by their indices."""
    return np.array(sorted(masks.tolist(), key=lambda mask: (mask.bit_count(), members_of(mask))), dtype=np.int64)


def _write_parquet(file: BinaryIO, table: TeamTable) -> None:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise MissingExtraError("a table as .parquet needs pyarrow; pip install pyarrow, or save it as .npz") from None
    parquet.write_table(arrow.table({"mask": table.mask, "size": table.size, "score": table.score}), file)
