"""What is known before any model is read: whether it can be of the pool, and what it may be."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, get_args

from lrensemble.adopt import ADOPTERS, Rows
from lrensemble.config import Gives
from lrensemble.data.seen import are_unlike
from lrensemble.errors import AdoptError
from lrensemble.pool.collect.names import OF_VALUES

logger = logging.getLogger(__name__)


def require_of_truth(gives: Gives | None, rows: Rows) -> None:
    """Refuse what no network can give for the pool's truth.

    Raises:
        AdoptError: values where rows have classes, or probabilities where they have values.
    """
    target = rows.pool.task.target
    if gives is not None and (gives in OF_VALUES) == target.has_labels:
        allowed = [each for each in get_args(Gives) if (each in OF_VALUES) != target.has_labels]
        raise AdoptError(
            f"gives={gives!r} is refused: the pool's truth is {target.truth_kind}; give one of {', '.join(allowed)}"
        )


def tell_other_inputs(rows: Rows) -> None:
    """Say it where models that are there predicted these rows in other inputs: no team of both can be run."""
    for member in rows.pool.members():
        known = member.inputs if member.network is not None else None
        if known is not None and known.shape == rows.inputs.shape and are_unlike(known, rows.inputs):
            logger.warning(
                "the data have other inputs than %s predicted: a team of both cannot be exported; give the inputs as "
                "they are, and say by mean and std how they are normalised",
                member.name,
            )
            return


def hint_of(given: Any) -> str:
    """What else may be meant, where that can be seen."""
    if isinstance(given, type):
        return f"give a trained {given.__name__} and not its class, or "
    if not isinstance(given, str | os.PathLike):
        return ""
    path = os.fspath(given)
    if "://" in path or path.endswith((".db", ".sqlite", ".sqlite3")):
        url = path if "://" in path else f"sqlite:///{path}"
        return f"of a database it is optuna:{url} or mlflow:{url}; else "
    suffixes = {each.suffix for each in Path(path).iterdir() if taker_of(each)} if os.path.isdir(path) else set()
    return f"of its files give '{Path(path) / '*'}{min(suffixes)}'; else " if suffixes else ""


def taker_of(given: Any) -> str | None:
    """The first adopter that takes it."""
    return next((name for name in ADOPTERS if ADOPTERS.facts(name).takes(given)), None)
