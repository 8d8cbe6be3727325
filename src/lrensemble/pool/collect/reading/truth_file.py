"""A truth that stands in a file of its own, and how its rows are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.identity import order_of
from lrensemble.pool.collect.names import OF_ALL, OF_ROWS, BySplit
from lrensemble.pool.collect.reading.columns import row_ids
from lrensemble.pool.collect.reading.containers import stem_of, suffix_of
from lrensemble.pool.collect.reading.held import Arrays, Asked, Held, as_names
from lrensemble.pool.collect.reading.kinds import one_hot
from lrensemble.pool.collect.reading.layout import arrange_arrays
from lrensemble.pool.collect.reading.roles import Half, role_of

KNOWN = frozenset((*OF_ROWS, *OF_ALL)) - {"names"}


def known_in(held: Held, half: Half, column: str | None) -> BySplit:
    """What a file knows of rows: truth, ids, groups, weights; and names of classes.

    Args:
        held: what it holds.
        half: the rows that it speaks of.
        column: the column or array of the truth, where it was said.

    Raises:
        PredictionsError: it holds nothing of the kind.
    """
    return known_of(held, half, column, stem_of(held.path) if suffix_of(held.path) == ".npy" else None)


def known_of(held: Held, half: Half, column: str | None, stem: str | None = None) -> BySplit:
    """What is known of rows in an opened file; `stem` names the array of a `.npy` file."""
    split = "test" if half == "test" else "val"
    if held.table:
        return {split: _of_table(held, column)}
    if stem is not None or list(held.arrays) == ["predictions"]:
        array, *ids = held.arrays.values()
        role = role_of(stem) if stem else None
        return {split: {role if role in KNOWN else "labels": array, **({"ids": ids[0]} if ids else {})}}
    asked = Asked(truth=column)
    found = arrange_arrays(held, asked, {}) if column or any(role_of(name) for name in held.arrays) else {}
    known = {place: {what: array for what, array in own.items() if what in KNOWN} for place, own in found.items()}
    known = {place: own for place, own in known.items() if own}
    if not known and len(held.arrays) == 1:
        known = {"val": {"labels": next(iter(held.arrays.values()))}}
    if not known:
        raise PredictionsError(
            f"{held.path} holds {held.listing()}, and no truth is clear among them; name it `labels`"
        )
    return {split: known["val"]} if split == "test" and set(known) == {"val"} else known


def _of_table(held: Held, column: str | None) -> Arrays:
    found: Arrays = {}
    rest = dict(held.arrays)
    if column is not None and column not in rest:
        raise PredictionsError(f"{held.path} holds no {column!r}, which --truth names; it holds {held.listing()}")
    row_ids(Asked(truth=column), found, rest)
    for name in [name for name in rest if role_of(name) in ("groups", "weights") and name != column]:
        found[str(role_of(name))] = rest.pop(name)
    named = [column] if column else [name for name in rest if role_of(name) == "labels"]
    rest = {name: array for name, array in rest.items() if name in named or role_of(name) not in ("ignored", "split")}
    chosen = named if len(named) == 1 else list(rest)
    if len(chosen) == 1:
        found["labels"] = rest[chosen[0]]
        return found
    numbers = [name for name in chosen if rest[name].dtype.kind in "biuf" and rest[name].ndim == 1]
    if (
        not named
        and len(numbers) == len(chosen) > 1
        and one_hot(together := np.stack([rest[name] for name in chosen], axis=1))
    ):
        return {**found, "labels": together.argmax(axis=1), "classes": np.array(chosen)}
    if found and not chosen:
        return found
    raise PredictionsError(
        f"{held.path} may hold the truth in {', '.join(chosen)}; say which with --truth {held.path}:NAME"
    )


def joined(
    known: Arrays, ids: NDArray[Any] | None, rows: int | None, where: str, source: str, *, by_place: bool = False
) -> Arrays:
    """What is known of rows, in the order of a file of predictions.

    Rows are the same by their ids where both have ids, else by their places; a truth may know of more rows.

    Args:
        known: arrays of rows, `ids` among them where there are any.
        ids: names of the file's rows.
        rows: number of the file's rows, where it is known.
        where: the file of predictions, for messages.
        source: where it is known from, for messages.
        by_place: whether rows go by place also beside ids in an order of their own.

    Raises:
        PoolError: rows that the truth does not know; they are counted.
        PredictionsError: other numbers of rows, without ids.
    """
    of_rows = {what: array for what, array in known.items() if what in OF_ROWS}
    others = {what: array for what, array in known.items() if what not in OF_ROWS}
    if ids is not None and "ids" in of_rows:
        names = list(map(str, as_names(of_rows["ids"]).tolist()))
        wanted = list(map(str, as_names(ids).tolist()))
        allowed = set(wanted)
        places = [place for place, name in enumerate(names) if name in allowed]
        order = order_of([names[place] for place in places], wanted, source, where)
        chosen = np.array(places, dtype=np.int64)[order]
        return {**others, **{what: array[chosen] for what, array in of_rows.items()}, "ids": ids}
    if "labels" in of_rows and not by_place and (ids is None) != ("ids" not in of_rows):
        _require_in_order(of_rows["ids"] if ids is None else ids, source, where, of_truth=ids is None)
    lengths = {len(array) for array in of_rows.values()}
    if rows is not None and of_rows and lengths != {rows}:
        raise PredictionsError(
            f"{source} has {max(lengths)} rows and {where} {rows}; give the truth of the same rows, or ids in both"
        )
    return {**others, **of_rows} if ids is None else {**others, **of_rows, "ids": ids}


def _require_in_order(ids: NDArray[Any], source: str, where: str, *, of_truth: bool) -> None:
    """Refuse to match by place what is visibly in an order of its own: all of some numbers, and none in its place.

    Raises:
        PredictionsError: the file without ids is named.
    """
    names = as_names(ids)
    if names.dtype.kind not in "iu" or len(names) < 2 or (np.diff(names) > 0).all():
        return
    if len(np.unique(names)) == len(names) == int(names.max()) - int(names.min()) + 1 and names.min() in (0, 1):
        shuffled, other = (source, where) if of_truth else (where, source)
        raise PredictionsError(
            f"{shuffled} has rows in the order {names[0]}, {names[1]}, … of its ids, and {other} has no ids, by which "
            "they could be matched; give ids in both"
        )


def covers(known: Mapping[str, NDArray[Any]], ids: NDArray[Any] | None) -> bool:
    """Whether a truth knows of some rows by their ids."""
    if ids is None or "ids" not in known:
        return False
    return bool(set(map(str, as_names(ids).tolist())) & set(map(str, as_names(known["ids"]).tolist())))
