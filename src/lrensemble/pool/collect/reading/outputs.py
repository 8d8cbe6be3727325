"""A table of several values a row: a column of truth and one of predictions for each, by what their names share."""

from __future__ import annotations

import numpy as np

from lrensemble.pool.collect.reading.families import SAYING, says_prediction
from lrensemble.pool.collect.reading.held import Arrays, Asked, Table
from lrensemble.pool.collect.reading.kinds import distributes
from lrensemble.pool.collect.reading.roles import role_of, words_of
from lrensemble.pool.collect.reading.truth_columns import NO_TRUTH

OF_TRUTH = frozenset(("y", "true", "truth", "actual", "target", "gt", "label", "observed", "obs", "real", "expected"))
"""Words that say that a column is truth, and not which value it is of."""


def take_outputs(asked: Asked, found: Arrays, rest: Table) -> str | None:
    """Take columns such as `lat`, `lon`, `pred_lat` and `pred_lon`; what was taken, or None where there are none such.

    Every column of predictions must have its column of truth, and there are two at least.

    Args:
        asked: what the caller said; where columns or another form are named, nothing is taken.
        found: where truth, values [sample, output] and names of outputs go.
        rest: columns that nobody has taken.
    """
    if asked.columns or asked.form not in (None, "values"):
        return None
    numbers = [name for name, each in rest.items() if each.ndim == 1 and each.dtype.kind in "iuf"]
    predicted = {name: _without(name, SAYING | OF_TRUTH) for name in numbers if says_prediction(name)}
    truths = {
        _without(name, OF_TRUTH): name for name in numbers if name not in predicted and role_of(name) not in NO_TRUTH
    }
    keys = list(predicted.values())
    if len(keys) < 2 or len(set(keys)) < len(keys) or not all(key and key in truths for key in keys):
        return None
    said = np.stack([rest[name] for name in predicted], axis=1).astype(np.float64)
    if distributes(said):  # over classes, beside whatever is called as they are
        return None
    of_truth = [truths[key] for key in keys]
    found["labels"] = np.stack([rest[name] for name in of_truth], axis=1).astype(np.float64)
    found["values"], found["outputs"] = said, np.array([_named(key) for key in keys])
    return f"{_shown(list(predicted))} as values of {len(keys)} outputs, {_shown(of_truth)} as truth"


def _without(name: str, words: frozenset[str]) -> tuple[str, ...]:
    return tuple(word for word in words_of(name) if word not in words)


def _named(key: tuple[str, ...]) -> str:
    """Name of an output; of a number alone as those that nobody named are called."""
    name = "_".join(key)
    return f"y{name}" if name.isdigit() else name


def _shown(names: list[str]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{names[0]} … {names[-1]}"
