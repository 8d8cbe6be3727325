"""Score every team: all subsets by kernels in blocks, or, of small teams alone, one growing team after another."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import SelectionError
from lrensemble.select.methods.shared.searching import Incumbent
from lrensemble.select.scoring.few_members import BatchScorer, batch_scorer
from lrensemble.select.scoring.incremental import IncrementalTeam, incremental_team
from lrensemble.select.scoring.kernels.exhaustive.all_teams import (
    MAX_MEMBERS,
    BlockScorer,
    has_kernel,
    split,
)
from lrensemble.select.scoring.kernels.small_teams import batches
from lrensemble.select.scoring.kernels.subsets import discard_other_sizes, first_team, members_of
from lrensemble.select.scoring.subset_scorer import subset_scorer
from lrensemble.select.scoring.team_scores import SAME_SCORE, first_best
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 2.0

KEPT_SCORES = 2**24
"""Scores of so many teams are kept to the end of a search, to count those near the best."""

WASTE = 1024
"""All subsets are scored, rather than the teams of the wanted sizes, up to so many times as many: in a block each costs
far less."""

FEW = 16
"""Where there is a kernel for teams of a few members, up to so many times as many: there each costs less as well."""

SMALL = 2**22
"""Below so many of the wanted teams times rows, that kernel is not worth compiling, or loading."""

ALWAYS = 2**16
"""So many teams are affordable on any number of rows."""

TEAMS_TIMES_ROWS = 2**28
"""Beyond that, teams times rows that are affordable with a kernel."""

NUMBERS_READ = 2**28
"""Teams times rows, classes and members that are affordable without one."""


@dataclass(frozen=True)
class Sizes:
    """The teams to search: of `members`, those of `smallest` to `largest`."""

    members: int
    smallest: int
    largest: int

    @property
    def count(self) -> int:
        """How many teams there are, counted and not listed."""
        return sum(math.comb(self.members, size) for size in range(self.smallest, self.largest + 1))


def check_sizes(members: int, min_size: int, max_size: int | None, limit: int | None) -> Sizes:
    """The teams of these sizes, counted before any is listed.

    Raises:
        SelectionError: above the limit, where one is given, or no such size in a pool of `members`.
    """
    sizes = Sizes(members, min_size, members if max_size is None else max_size)
    if not min_size <= sizes.largest <= members:
        raise SelectionError(
            f"team sizes {min_size} to {sizes.largest} do not fit a pool of {members}; "
            f"sizes must rise and lie between 1 and {members}"
        )
    if limit is not None and sizes.count > limit:
        raise SelectionError(
            f"{members} members have {sizes.count:,} teams of {min_size} to {sizes.largest}, above the limit of "
            f"{limit:,}; lower max_size, or raise it with limit={sizes.count}"
        )
    return sizes


def affordable(validation: Validation, sizes: Sizes, metric: SpecLike, consensus: SpecLike) -> bool:
    """Whether all teams are scored in about a second: decided by counting, so that every run decides alike."""
    rows, classes = validation.shape[1:]
    if validation.members <= MAX_MEMBERS and has_kernel(metric, consensus):
        return sizes.count <= max(ALWAYS, TEAMS_TIMES_ROWS // int(rows))
    return sizes.count <= NUMBERS_READ // int(rows * classes * sizes.members)


@dataclass(frozen=True, eq=False)
class ScoredTeams:
    """Teams that were scored together."""

    best: tuple[int, ...]
    """The first of the best of them."""
    scores: NDArray[np.float64]
    """[team] of the wanted sizes."""


@dataclass(frozen=True, eq=False)
class Enumeration:
    """What an exhaustive search has found."""

    incumbent: Incumbent
    tried: int
    complete: bool
    """False where it was interrupted: the incumbent is the best of those tried."""
    scores: NDArray[np.float64] | None
    """[team] of all teams tried, in no order that matters; None where there are too many to keep."""


def search(validation: Validation, sizes: Sizes, metric: SpecLike, consensus: SpecLike) -> Enumeration:
    """Score all teams of some sizes; an interrupt from the keyboard ends the search with what it has found."""
    found = _teams(validation, sizes, metric, consensus)
    incumbent, tried, complete = Incumbent(), 0, True
    kept: list[NDArray[np.float64]] = []
    reported = time.monotonic()
    try:
        for batch in found:
            highest = float(batch.scores.max())
            incumbent.update(batch.best, highest, int((batch.scores >= highest - SAME_SCORE).sum()))
            tried += len(batch.scores)
            if sizes.count <= KEPT_SCORES:
                kept.append(batch.scores)
            if time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                logger.info(
                    "%s of %s teams scored, best so far %.6g", f"{tried:,}", f"{sizes.count:,}", incumbent.score
                )
    except KeyboardInterrupt:
        if not incumbent.ties:
            raise
        logger.warning("interrupted after %s of %s teams; the best so far stands", f"{tried:,}", f"{sizes.count:,}")
        complete = False
    return Enumeration(incumbent, tried, complete, np.concatenate(kept) if kept else None)


def _teams(validation: Validation, sizes: Sizes, metric: SpecLike, consensus: SpecLike) -> Iterator[ScoredTeams]:
    """All teams of the wanted sizes, in the way that is shortest."""
    every = 2**sizes.members
    if every > FEW * sizes.count and sizes.count * len(validation.truth) >= SMALL:
        few = batch_scorer(validation, metric, consensus, sizes.largest)
        if few is not None:
            return _size_by_size(few, sizes)
    scorer = subset_scorer(validation, metric, consensus) if every <= WASTE * sizes.count else None
    return _in_blocks(scorer, sizes) if scorer else _growing(incremental_team(validation, metric, consensus), sizes)


def _size_by_size(scorer: BatchScorer, sizes: Sizes) -> Iterator[ScoredTeams]:
    """The teams of each wanted size, in the order of their indices."""
    for size in range(sizes.smallest, sizes.largest + 1):
        for batch in batches(sizes.members, size):
            scores = scorer(batch)
            yield ScoredTeams(batch.team(first_best(scores)), scores)


def _in_blocks(scorer: BlockScorer, sizes: Sizes) -> Iterator[ScoredTeams]:
    """All subsets of the members, block by block, without the teams of other sizes."""
    halves = split(sizes.members)
    for top in range(1 << (sizes.members - halves.bits)):
        block = replace(halves, top=top)
        scores = scorer(block)
        discard_other_sizes(scores, block, sizes.smallest, sizes.largest)
        highest = scores.max()
        if highest == -np.inf:
            continue
        equal = np.flatnonzero(scores >= highest - SAME_SCORE)
        yield ScoredTeams(members_of(first_team(equal | top << halves.bits)), scores[scores > -np.inf])


def _growing(empty: IncrementalTeam, sizes: Sizes) -> Iterator[ScoredTeams]:
    """The teams of the wanted sizes in the order of their indices, all that share all but the last member together."""
    stack: list[tuple[tuple[int, ...], IncrementalTeam]] = [
        ((), empty)
    ]  # a member added, and the team that it is added to
    while stack:
        prefix, before = stack.pop()
        team = before.added(prefix[-1]) if prefix else before
        later = np.arange(prefix[-1] + 1 if prefix else 0, sizes.members)
        if len(prefix) + 1 >= sizes.smallest:
            scores = team.scores(later)
            best = int(np.argmax(scores >= scores.max() - SAME_SCORE))
            yield ScoredTeams((*prefix, int(later[best])), scores)
        if len(prefix) + 1 < sizes.largest:
            stack.extend(((*prefix, member), team) for member in later[-2::-1].tolist())
