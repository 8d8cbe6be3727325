"""Long tables: a row for each sample and model, with a column that names the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lrensemble.pool.collect.reading.columns import row_ids
from lrensemble.pool.collect.reading.held import Arrays, Asked, Held, as_names
from lrensemble.pool.collect.reading.roles import role_of


def by_model(held: Held, asked: Asked) -> dict[str, Held]:
    """The rows of each model of a long table, in the order in which models occur; empty where it is none.

    It is one where models speak of the same rows: their ids recur, or without ids they have as many rows and the same
    truth. A column `model` that is a property of the samples says nothing of the kind.

    Args:
        held: what a file holds.
        asked: what the caller said of it; what was read is noted there.
    """
    columns = [name for name in held.arrays if role_of(name) == "names" and name not in (asked.truth, asked.id)]
    if not held.table or len(columns) != 1 or held.arrays[columns[0]].ndim != 1 or columns[0] in asked.columns:
        return {}
    (column,) = columns
    names = np.array(list(map(str, as_names(held.arrays[column]).tolist())))
    models = list(dict.fromkeys(names.tolist()))
    if len(models) < 2 or "" in models or len(models) > len(names) / 2:
        return {}
    others = {name: array for name, array in held.arrays.items() if name != column}
    parts = {
        model: replace(held, arrays={name: array[names == model] for name, array in others.items()}) for model in models
    }
    if not _of_same_rows(list(parts.values()), asked):
        return {}
    asked.note(held.path, f"took `{column}` as the model of each row: {len(models)} models")
    return parts


def _of_same_rows(parts: list[Held], asked: Asked) -> bool:
    ids = [_ids(part, asked) for part in parts]
    known = [each for each in ids if each is not None]
    if known:
        return len(known) == len(ids) and sum(map(len, known)) > len(frozenset().union(*known))
    truths = [[array for name, array in part.arrays.items() if _is_truth(name, asked)] for part in parts]
    return (
        all(len(own) == len(truths[0]) and all(map(np.array_equal, own, truths[0])) for own in truths[1:])
        and len({len(next(iter(part.arrays.values()))) for part in parts}) == 1
    )


def _ids(part: Held, asked: Asked) -> frozenset[str] | None:
    found: Arrays = {}
    row_ids(asked, found, dict(part.arrays))
    return frozenset(map(str, found["ids"].tolist())) if "ids" in found else None


def _is_truth(name: str, asked: Asked) -> bool:
    return name == asked.truth or (asked.truth is None and role_of(name) == "labels")
