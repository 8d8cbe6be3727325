"""Answer tokens as the rows of a pool: each is one row, whose group is the example that it is a token of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.class_names import MISSING
from lrensemble.errors import DataError
from lrensemble.language.likelihood import ROWS, token_log_probs
from lrensemble.language.members import Predicted
from lrensemble.language.sequences import Sequences
from lrensemble.targets import Classes, Likelihood

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TokenRows:
    """Answer tokens of sequences, one after another."""

    truth: Indices
    """[token] id in the vocabulary."""
    groups: Indices
    """[token] which sequence it is of: folds and intervals keep the tokens of one together."""
    places: Indices
    """[token] hash of all ids up to the token: two pools have the same row where it is the same token after the same
    text."""


def token_rows(sequences: Sequences) -> TokenRows:
    """Answer tokens as rows, those of the first sequence first.

    Raises:
        DataError: there is none.
    """
    groups, positions = np.nonzero(sequences.answer)
    if not len(groups):
        raise DataError(f"no token of {len(sequences)} sequences is an answer; give examples with an answer")
    places = np.concatenate([_places(sequences, row) for row in range(len(sequences.ids))])
    return TokenRows(sequences.ids[groups, positions], groups.astype(np.int64), places)


def token_likelihoods(model: Any, sequences: Sequences, rows: int = ROWS) -> Likelihood:
    """Log-probabilities [token] of the answer tokens, in the order of `token_rows`.

    The mean of their negatives is the NLL by which members are chosen; its exponential is the perplexity.

    Args:
        model: a causal model of `transformers`, or one that `peft` wraps.
        sequences: the sequences.
        rows: sequences in a batch.

    Raises:
        PredictionsError: as `token_log_probs` does.
    """
    return Likelihood(token_log_probs(model, sequences, rows)[sequences.answer])


def token_predictions_of(model: Any, tokenizer: Any, splits: Mapping[str, Sequences], rows: int = ROWS) -> Predicted:
    """What a causal model says of answer tokens: likelihoods, to be chosen by NLL.

    Args:
        model: a causal model of `transformers`, or one that `peft` wraps.
        tokenizer: its tokenizer.
        splits: examples by split of the pool, `val`, `test`, `test:NAME`.
        rows: sequences that the model is given at once.

    Raises:
        DataError: a split without answer tokens.
        PredictionsError: as `token_log_probs` does.
    """
    known = {split: token_rows(sequences) for split, sequences in splits.items()}
    return Predicted(
        target=vocabulary_of(model, tokenizer),
        said={split: token_likelihoods(model, sequences, rows) for split, sequences in splits.items()},
        truth={split: each.truth for split, each in known.items()},
        places={split: each.places for split, each in known.items()},
        groups={split: each.groups for split, each in known.items()},
    )


def vocabulary_of(model: Any, tokenizer: Any) -> Classes:
    """Target of answer tokens: one of the tokens that the model tells apart."""
    size = int(model.get_output_embeddings().weight.shape[0])
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    names = [f"<token {place}>" if name in (*MISSING, None) else str(name) for place, name in enumerate(names[:size])]
    return Classes(names=(*names, *(f"<token {place}>" for place in range(len(names), size))))


def _places(sequences: Sequences, row: int) -> Indices:
    ids, answer = sequences.ids[row], sequences.answer[row]
    digest, found = hashlib.sha256(), []
    for position in range(sequences.lengths[row]):
        digest.update(int(ids[position]).to_bytes(8, "little"))
        if answer[position]:
            found.append(int.from_bytes(digest.digest()[:8], "little") >> 1)
    return np.array(found, dtype=np.int64)
