"""Log-probabilities that a causal language model gives to the answer tokens of sequences."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.language.sequences import Sequences

ROWS = 16
"""Sequences that are given to a model at once, unless asked otherwise."""

Indices = NDArray[np.int64]


def token_log_probs(model: Any, sequences: Sequences, rows: int = ROWS) -> NDArray[np.float32]:
    """Natural logarithms of the probability of each answer token given all before it, and 0 elsewhere.

    Sequences that differ in their last token alone, as questions whose answers are letters do, are computed once. The
    model looks at batches of sequences of nearly equal length, the longest first; the same call gives the same bits.

    Args:
        model: a causal model of `transformers`, or one that `peft` wraps; it is left in the mode it was in.
        sequences: the sequences; those without an answer token cost nothing.
        rows: sequences in a batch.

    Returns:
        [sequence, length]

    Raises:
        PredictionsError: an answer token that nothing stands before, or a model that gives NaN.
    """
    if sequences.answer[:, :1].any():
        row = int(np.argmax(sequences.answer[:, 0]))
        raise PredictionsError(f"sequence {row} begins with an answer token; give at least one token before answers")
    found = np.zeros(sequences.ids.shape, dtype=np.float32)
    owners = _by_input(sequences)
    with predicting(model):
        for start in range(0, len(owners), rows):
            _fill(found, model, sequences, owners[start : start + rows])
    return found


@contextmanager
def predicting(model: Any) -> Iterator[None]:
    """The model in evaluation mode and without gradients, and afterwards as it was."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def _by_input(sequences: Sequences) -> list[Indices]:
    """Sequences that a model is given the same tokens for, all but the last; the longest first, else in their order."""
    alike: dict[bytes, list[int]] = {}
    for row in np.flatnonzero(sequences.answer.any(axis=1)).tolist():
        alike.setdefault(sequences.ids[row, : sequences.lengths[row] - 1].tobytes(), []).append(row)
    groups = [np.array(each, dtype=np.int64) for each in alike.values()]
    return sorted(groups, key=lambda each: -int(sequences.lengths[each[0]]))


def _fill(found: NDArray[np.float32], model: Any, sequences: Sequences, owners: list[Indices]) -> None:
    """Log-probabilities of one batch of inputs, put where they belong."""
    first = np.array([each[0] for each in owners])
    lengths = sequences.lengths[first] - 1
    inputs = np.where(np.arange(lengths.max()) < lengths[:, None], sequences.ids[first, : lengths.max()], 0)
    mask = np.arange(lengths.max()) < lengths[:, None]
    of_row = np.concatenate(owners)
    input_of_row = np.repeat(np.arange(len(owners)), [len(each) for each in owners])
    place, position = np.nonzero(sequences.answer[of_row])
    kept, at = np.unique(position - 1, return_inverse=True)
    log_probs = torch.log_softmax(_logits(model, inputs, mask, kept).float(), dim=-1)
    tokens = sequences.ids[of_row[place], position]
    chosen = log_probs[_index(input_of_row[place]), _index(at), _index(tokens)].cpu().numpy()
    if not np.isfinite(chosen).all():
        row = int(of_row[place[np.argmin(np.isfinite(chosen))]])
        raise PredictionsError(f"the model gives {chosen.min()} for a token of sequence {row}; its weights are damaged")
    found[of_row[place], position] = chosen


def _logits(model: Any, inputs: Indices, mask: NDArray[np.bool_], kept: Indices) -> torch.Tensor:
    """Logits [sequence, kept position, token] after some positions; others are not computed where the model can."""
    device = next(model.parameters()).device
    given = {
        "input_ids": torch.from_numpy(inputs).to(device),
        "attention_mask": torch.from_numpy(mask).long().to(device),
    }
    wanted = _index(kept).to(device)
    if _keeps_some(model):
        logits: torch.Tensor = model(**given, logits_to_keep=wanted, use_cache=False).logits
        return logits
    logits = model(**given, use_cache=False).logits
    return logits[:, wanted]


def _keeps_some(model: Any) -> bool:
    """Whether a model computes the logits of some positions alone; `peft` hands the request on to its base."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "logits_to_keep" in inspect.signature(base.forward).parameters


def _index(numbers: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(numbers, dtype=np.int64))
