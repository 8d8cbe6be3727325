"""Outcome of a function that trained a run: a network or predictions, and perhaps a history, in whatever form."""

from __future__ import annotations

import logging
import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from lrensemble.data import Dataset
from lrensemble.errors import PredictionsError, TrainingError
from lrensemble.models.base import unwrapped
from lrensemble.pool.collect.reading.tensors import as_array
from lrensemble.targets import Predictions
from lrensemble.train.run.own_loop.function import KEY
from lrensemble.train.run.progress.record import HistoryLine

logger = logging.getLogger(__name__)

SPLITS = ("val", "test")
"""Splits that predictions are needed on."""

FORM = (
    "it must return a torch.nn.Module or predictions {'val': …, 'test': …}; with a history, (module or predictions, "
    "[{'epoch': 1, …}, …])"
)


@dataclass(frozen=True)
class Outcome:
    """What a function has returned, one of the first two, and what it tells of its course."""

    network: nn.Module | None
    predictions: Mapping[str, Any] | None
    history: Sequence[Any] | None


def outcome_of(returned: object) -> Outcome:
    """Outcome that was returned, alone or with a history.

    Raises:
        TrainingError: something else.
    """
    history = None
    if isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], list | tuple):
        returned, history = returned
    if isinstance(returned, nn.Module):
        return Outcome(unwrapped(returned), None, history)
    if not isinstance(returned, Mapping):
        raise TrainingError(f"{KEY} returned {type(returned).__name__}; {FORM}")
    if set(returned) != set(SPLITS):
        raise TrainingError(f"{KEY} returned predictions on {', '.join(map(str, returned)) or 'nothing'}; {FORM}")
    return Outcome(None, returned, history)


def predictions_of(given: Any, dataset: Dataset, split: str) -> Predictions:
    """Predictions on the rows of a split in their form, checked unless a number in them is none.

    Args:
        given: `Predictions`; of classes probabilities or log-probabilities [sample, class], or labels [sample]; of
            values [sample, output] in their units. Arrays, tensors or lists.
        dataset: whose rows they are on, in the order of `dataset.rows[split]`.
        split: `val` or `test`.

    Raises:
        TrainingError: none of these.
    """
    source = f"{KEY}: {split} predictions"
    try:
        found = given if isinstance(given, Predictions) else _of_numbers(given, dataset, source)
        if are_numbers(found):
            dataset.target.check(found, len(dataset.rows[split]), source)
    except PredictionsError as error:
        raise TrainingError(str(error)) from None
    return found


def are_numbers(predictions: Predictions) -> bool:
    """Whether predictions hold no NaN; they do after a run that diverged. Log-probabilities may be those of zero."""
    arrays = [part for part in predictions.parts.values() if part.dtype.kind == "f"]
    if "labels" in predictions.needs_served or predictions.form == "likelihood":
        return not any(bool(np.isnan(part).any()) for part in arrays)
    return all(bool(np.isfinite(part).all()) for part in arrays)


def history_of(given: Sequence[Any] | None, name: str, epoch_steps: int) -> list[HistoryLine] | None:
    """Lines of a history, with their epoch and step; None, and a warning, where they cannot be kept.

    Args:
        given: mappings from what was measured to its number or None, one for each epoch.
        name: of the run, for the warning.
        epoch_steps: steps of an epoch, for lines that do not say at which step they were written.
    """
    lines: list[HistoryLine] = []
    for place, line in enumerate(given or (), start=1):
        if not isinstance(line, Mapping) or not all(_is_entry(*entry) for entry in line.items()):
            reason = f"line {place} is {line!r}; give names with numbers or None, {{'epoch': 1, 'val_nll': 0.4}}"
        elif not all(_counts(line.get(key, 1)) for key in ("epoch", "step")):
            reason = f"line {place} has epoch {line.get('epoch')} and step {line.get('step')}; both are counted from 1"
        else:
            plain = {key: _plain(value) for key, value in line.items()}
            epoch = plain.setdefault("epoch", place)
            lines.append({"step": int(epoch or 1) * epoch_steps, **plain})
            continue
        logger.warning("%s: the history is not kept: %s", name, reason)
        return None
    return lines or None


def _is_entry(key: object, value: object) -> bool:
    return isinstance(key, str) and (value is None or isinstance(value, numbers.Real))


def _counts(value: Any) -> bool:
    return value is not None and math.isfinite(value) and value >= 1 and value == int(value)


def _plain(value: Any) -> int | float | None:
    """A number of Python's, of any library's."""
    if value is None:
        return None
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def _of_numbers(given: Any, dataset: Dataset, source: str) -> Predictions:
    """Predictions of numbers, as the data set's target reads them.

    Raises:
        PredictionsError: no numbers.
    """
    array = as_array(given) if isinstance(given, Tensor) else np.asarray(given)
    if array.dtype.kind not in "fiub":
        raise PredictionsError(f"{source} are {array.dtype}; give numbers")
    return dataset.target.of_numbers(array)
