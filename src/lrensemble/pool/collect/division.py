"""Which rows of the files are in which split of the pool."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import ConfigError
from lrensemble.pool.collect.groups import held_out_groups
from lrensemble.pool.collect.identity import Ids, Indices, order_of
from lrensemble.pool.store import Pool

Rows = Mapping[str, tuple[str, Indices]]
"""Origin of the rows of each split of the pool: the split of the files, and the places of its rows there."""


def as_given(sizes: Mapping[str, int]) -> Rows:
    """All rows of each split, in the order of the files."""
    return {split: (split, np.arange(size)) for split, size in sizes.items()}


def held_out(
    sizes: Mapping[str, int],
    strata: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    holdout: float,
    seed: int,
) -> Rows:
    """Some of the `val` rows as `test`, drawn at random.

    Args:
        sizes: number of rows of each split of the files.
        strata: [sample] of `val`: the same fraction of each is held out.
        groups: [sample] of `val`: rows of one group stay together.
        holdout: the fraction.
        seed: of the draw.

    Raises:
        ConfigError: there are test rows already, or the fraction or seed cannot be.
    """
    if "test" in sizes:
        raise ConfigError("the files bring their own test rows; leave the holdout away")
    if not isinstance(holdout, numbers.Real) or not 0 < holdout < 1:
        raise ConfigError(f"holdout = {holdout!r} is refused; give a fraction above 0 and below 1, such as 0.5")
    if not isinstance(seed, numbers.Integral) or seed < 0:
        raise ConfigError(f"seed = {seed!r} is refused; give an integer from 0")
    generator = np.random.default_rng(seed)
    mask = (
        _held_out_rows(strata, holdout, generator)
        if groups is None
        else held_out_groups(strata, groups, holdout, generator)
    )
    if mask.all() or not mask.any():
        raise ConfigError(f"holdout = {holdout} leaves no val or no test rows of {len(mask)}; choose another fraction")
    others = {split: rows for split, rows in as_given(sizes).items() if split != "val"}
    return {"val": ("val", np.flatnonzero(~mask)), "test": ("val", np.flatnonzero(mask)), **others}


def _held_out_rows(strata: NDArray[np.int64], holdout: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Mask [sample] of rows drawn at random, a fraction of each stratum."""
    mask = np.zeros(len(strata), dtype=bool)
    for stratum in np.unique(strata):
        rows = generator.permutation(np.flatnonzero(strata == stratum))
        mask[rows[: round(holdout * len(rows))]] = True
    return mask


def as_in_pool(rows: Rows, ids: Mapping[str, Ids], pool: Pool, where: str, *, divided: bool) -> Rows:
    """The rows in the order of a pool, wherever both have ids.

    A pool's `test` may have been held out of one file's rows: then they are found there again.

    Args:
        rows: rows of each split, in the order of the files.
        ids: names of the files' rows, by split of the files.
        pool: a pool that is there already.
        where: a file, for messages.
        divided: whether a holdout was asked for, which must then be that of the pool.

    Raises:
        PoolError: the rows are not those of the pool.
    """
    known = {split: own for split in pool.task.splits if (own := pool.ids(split)) is not None}
    parts = [split for split in ("val", "test") if split in known]
    if (
        not divided
        and "test" not in rows
        and len(parts) == 2
        and len(ids.get("val", ())) == sum(len(known[split]) for split in parts)
    ):
        everything = order_of(ids["val"], [name for split in parts for name in known[split]], where, str(pool.folder))
        first = len(known["val"])
        rows = {**rows, "val": ("val", everything[:first]), "test": ("val", everything[first:])}
    found: dict[str, tuple[str, Indices]] = {}
    for split, (origin, places) in rows.items():
        if split in known and origin in ids:
            names = [ids[origin][place] for place in places.tolist()]
            places = places[order_of(names, known[split], where, f"{pool.folder} ({split})")]
        found[split] = (origin, places)
    return found


def positions(rows: Rows, sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Places of the rows of each split among all rows of the files: test sets are counted on after the others."""
    before, first = 0, {}
    for split, size in sizes.items():
        first[split] = before
        before += size
    return {split: places + first[origin] for split, (origin, places) in rows.items()}
