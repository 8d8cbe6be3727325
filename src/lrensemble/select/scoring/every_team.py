"""The complete table of teams: the score of every subset of the members, at its mask."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, is_average, is_linear
from lrensemble.errors import MissingExtraError, SelectionError, StorageError
from lrensemble.files import draft_file
from lrensemble.metrics import METRICS
from lrensemble.select.base import check_metric
from lrensemble.select.scoring.kernels.exhaustive.all_teams import BlockScorer, block_scorer, split
from lrensemble.select.scoring.kernels.subsets import members_of
from lrensemble.select.scoring.team_scores import Scorer, team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

LIMIT = 2**24
SMALL = 2**18
"""Below so many teams times rows, matrix products score all teams before a kernel is compiled, or loaded."""

BATCH = 4096
"""Teams that are scored together where there is no kernel."""


@dataclass(frozen=True, eq=False)
class TeamTable:
    """All teams of a pool, one a row, in the order of their masks."""

    mask: NDArray[np.int64]
    """[team] whose bit i says that member i is in."""
    size: NDArray[np.int64]
    """[team] members."""
    score: NDArray[np.float64]
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


def score_every_team(
    validation: Validation, metric: SpecLike, consensus: SpecLike, limit: int | None
) -> NDArray[np.float64]:
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
        return _one_block(team_scorer(validation, metric, consensus), members)
    halves = split(members)
    tops = range(1 << (members - halves.bits))
    scores = np.concatenate([scorer(replace(halves, top=top)) for top in tops])
    scores[0] = -np.inf
    return scores


def subset_scorer(validation: Validation, metric: SpecLike, consensus: SpecLike) -> BlockScorer | None:
    """What scores blocks of teams with equal weights, by the shortest way; None where there is no short one."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    products = is_average(consensus) if metric == Spec("accuracy") else is_linear(consensus)
    if products and _by_products(metric) and len(validation.truth) << validation.members <= SMALL:
        scorer = team_scorer(validation, metric, consensus)
        return lambda _: _one_block(scorer, validation.members)
    return block_scorer(validation, metric, consensus)


def _by_products(metric: Spec) -> bool:
    """Whether the metric of many teams is found by a product of matrices."""
    return metric in (Spec("accuracy"), Spec("nll")) or METRICS.facts(metric).quadratic


def _one_block(scorer: Scorer, members: int) -> NDArray[np.float64]:
    """[2^members] the score of every team at its mask, some teams at a time; minus infinity for the team of nobody."""
    masks = np.arange(1, 2**members)
    batches = [scorer(weights_of(masks[start : start + BATCH], members)) for start in range(0, len(masks), BATCH)]
    return np.concatenate([[-np.inf], *batches])


def weights_of(masks: NDArray[np.int64], members: int) -> NDArray[np.float64]:
    """[team, member] one for the members of each mask, zero for the others."""
    return ((masks[:, None] >> np.arange(members)) & 1).astype(np.float64)


def in_order(masks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Masks sorted: smaller teams first, then by their indices."""
    return np.array(sorted(masks.tolist(), key=lambda mask: (mask.bit_count(), members_of(mask))), dtype=np.int64)


def _write_parquet(file: BinaryIO, table: TeamTable) -> None:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise MissingExtraError("a table as .parquet needs pyarrow; pip install pyarrow, or save it as .npz") from None
    parquet.write_table(arrow.table({"mask": table.mask, "size": table.size, "score": table.score}), file)
