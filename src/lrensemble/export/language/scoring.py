"""How likely members hold tokens that are given, each alone and together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.errors import ExportError
from lrensemble.export.language.consensus import Consensus, after, next_token
from lrensemble.export.language.members import Members
from lrensemble.language.sequences import Sequences


@dataclass(frozen=True, eq=False)
class Scored:
    """What is said of the answer tokens of sequences; 0 at other places."""

    log_probs: NDArray[np.float64]
    """[sequence, length] of the consensus, each token given all before it."""
    members: NDArray[np.float64]
    """[member, sequence, length] of each member alone."""
    greedy: NDArray[np.bool_]
    """[sequence] whether each answer token is the likeliest of the consensus."""
    members_greedy: NDArray[np.bool_]
    """[member, sequence] the same of each member alone."""


def score(
    members: Members, consensus: Consensus, weights: NDArray[np.float64], sequences: Sequences, rows: int
) -> Scored:
    """Log-probabilities of answer tokens, in batches of nearly equal length, the longest first.

    Args:
        members: those that are asked.
        consensus: one of tokens or sequences.
        weights: [member], summing to 1.
        sequences: what they are asked.
        rows: sequences that each member looks at in a batch.

    Raises:
        ExportError: an answer token that nothing stands before, or a member that gives NaN.
    """
    if sequences.answer[:, :1].any():
        row = int(np.argmax(sequences.answer[:, 0]))
        raise ExportError(f"sequence {row} begins with an answer token; give at least one token before answers")
    shape = sequences.ids.shape
    count = len(weights)
    greedy, of_members = np.ones(shape[0], dtype=np.bool_), np.ones((count, shape[0]), dtype=np.bool_)
    found = Scored(np.zeros(shape), np.zeros((count, *shape)), greedy, of_members)
    asked = np.flatnonzero(sequences.answer.any(axis=1))
    order = asked[np.argsort(-sequences.lengths[asked], kind="stable")]
    log_weights = torch.from_numpy(weights).log().to(members.device)
    for start in range(0, len(order), rows):
        _batch(found, members, consensus, log_weights, sequences, order[start : start + rows])
    if not np.isfinite(found.members).all():
        raise ExportError("a member gives a token a log-probability that is no number; its weights are damaged")
    return found


def _batch(
    found: Scored,
    members: Members,
    consensus: Consensus,
    log_weights: Tensor,
    sequences: Sequences,
    of_rows: NDArray[np.int64],
) -> None:
    longest = int(sequences.lengths[of_rows].max())
    device = members.device
    answer = sequences.answer[of_rows, :longest]
    mask = np.arange(longest - 1) < sequences.lengths[of_rows, None] - 1
    ids = np.where(mask, sequences.ids[of_rows, : longest - 1], 0)
    kept = np.flatnonzero(answer.any(axis=0)) - 1
    said = members.log_probs(
        torch.from_numpy(ids).to(device),
        torch.from_numpy(mask).long().to(device),
        keep=torch.from_numpy(kept).to(device),
    )
    for place, row in enumerate(of_rows.tolist()):
        positions = np.flatnonzero(answer[place])
        at = torch.from_numpy(np.searchsorted(kept, positions - 1)).to(device)
        tokens = torch.from_numpy(sequences.ids[row, positions]).to(device)
        own = said[:, place, at]
        each = own.gather(2, tokens.expand(len(own), -1)[:, :, None])[:, :, 0].double()
        together = next_token(consensus, own, _weights_along(consensus, log_weights, each))
        found.members[:, row, positions] = each.cpu().numpy()
        found.log_probs[row, positions] = together.gather(1, tokens[:, None])[:, 0].cpu().numpy()
        found.greedy[row] = bool((together.argmax(1) == tokens).all())
        found.members_greedy[:, row] = (own.argmax(2) == tokens).all(dim=1).cpu().numpy()


def _weights_along(consensus: Consensus, log_weights: Tensor, each: Tensor) -> Tensor:
    """Log-weights [member, token] before each token of an answer, to which members give [member, token]."""
    before = each.cumsum(1) - each
    return after(consensus, log_weights[:, None].expand_as(each), before)
