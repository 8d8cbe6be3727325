"""A data set of token sequences: what is learnt are the answers of training sequences, what is predicted is each answer
token of the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.config import Base, Scale, TrainSettings
from lrensemble.errors import ConfigError, DataError
from lrensemble.language.packing import Packed, pack
from lrensemble.language.sequences import Sequences
from lrensemble.language.tokens import TokenRows, token_rows
from lrensemble.targets import Classes, Form
from lrensemble.targets.heads import Head

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class SequenceDataset:
    """Sequences of each split in the tokens of one base; they stay on the host, and batches go to the device."""

    name: str
    sequences: Mapping[str, Sequences]
    """`train`, `val`, `test`."""
    tokens: Mapping[str, TokenRows]
    """Answer tokens of `val` and `test`, which are the rows of a pool."""
    target: Classes
    """The vocabulary."""
    base: Base
    """Model whose tokens these are, and that every member begins from."""
    fingerprint: str
    """SHA-256 of sequences, vocabulary and base, in hexadecimal."""
    device: torch.device
    packing: bool = False
    """Whether several training sequences are computed in one row, each seeing itself alone."""

    @classmethod
    def of(
        cls,
        name: str,
        sequences: Mapping[str, Sequences],
        vocabulary: Classes,
        base: Base,
        *,
        packing: bool = False,
    ) -> SequenceDataset:
        """Data set of sequences by split, on the CPU. Arguments as the fields.

        Raises:
            DataError: a split is missing, or has no answer token.
        """
        for split in SPLITS:
            if split not in sequences or not sequences[split].answer.any():
                raise DataError(f"{name}: no answer token in {split}; give examples for train, val and test")
        tokens = {split: token_rows(sequences[split]) for split in SPLITS[1:]}
        fingerprint = _fingerprint(sequences, vocabulary, base)
        return cls(name, dict(sequences), tokens, vocabulary, base, fingerprint, torch.device("cpu"), packing)

    @property
    def rows(self) -> dict[str, Tensor]:
        """Places of training sequences, and of the answer tokens of the other splits."""
        train = torch.arange(len(self.sequences["train"].ids))
        return {"train": train, **{split: torch.from_numpy(each.places) for split, each in self.tokens.items()}}

    @property
    def shape(self) -> tuple[int]:
        """Tokens of the longest training sequence."""
        return (int(self.sequences["train"].ids.shape[1]),)

    @property
    def scale(self) -> Scale:
        """None: tokens have no units."""
        return Scale()

    @property
    def inputs_of_members(self) -> None:
        """None: members take texts."""

    def to(self, device: torch.device) -> SequenceDataset:
        """The same with batches on another device."""
        return replace(self, device=device)

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [batch, length] of training sequences, as long as the longest of them, and which are learnt."""
        train, places = self.sequences["train"], rows.cpu().numpy()
        width = int(train.lengths[places].max())
        arrays = (train.ids[places, :width], train.answer[places, :width])
        ids, answer = (torch.from_numpy(array).to(self.device) for array in arrays)
        return ids, answer

    def packed(self, rows: Tensor) -> Packed:
        """Training sequences [batch] side by side in rows no longer than the longest of all."""
        chosen = self.sequences["train"].take(rows.cpu().numpy())
        return pack(chosen, self.shape[0], pad=0)

    def head(self, form: Form | None) -> Head:  # noqa: ARG002 – there is one
        """The log-probability of the true token."""
        return self.target.head("likelihood")

    def truth_of(self, split: str) -> NDArray[np.int64]:
        """Answer tokens [token] of a split."""
        return self.tokens[split].truth

    def groups_of(self, split: str) -> NDArray[np.int64]:
        """Sequence [token] that each answer token of a split is of."""
        return self.tokens[split].groups


UNSERVED = {
    "augment": "tokens are no images",
    "form": "language models give the likelihood of tokens",
    "function": "a function of one's own takes arrays",
    "label_smoothing": "the likelihood of the answer is learnt",
    "learn_within": "nobody knows what chance is among tokens",
    "loss": "the likelihood of the answer is learnt",
    "compile": "batches of sequences differ in length",
}
"""Settings that have no meaning for sequences, and why."""


def check_sequence_training(settings: TrainSettings) -> None:
    """Refuse settings that have no meaning where sequences are learnt.

    Raises:
        ConfigError: with the key.
    """
    for key, reason in UNSERVED.items():
        given = getattr(settings, key)
        if given != TrainSettings.model_fields[key].default:
            raise ConfigError(f"train.{key} is refused where a language model is trained: {reason}; leave it out")
    if settings.sampler.name in ("balanced", "weighted"):
        raise ConfigError(
            f"train.sampler = '{settings.sampler}' is refused where a language model is trained: sequences have "
            "neither classes nor weights; use shuffle or by_length"
        )


def _fingerprint(sequences: Mapping[str, Sequences], vocabulary: Classes, base: Base) -> str:
    digest = hashlib.sha256(json.dumps([base.weights_sha256, vocabulary.names]).encode())
    for split in SPLITS:
        each = sequences[split]
        for name, array in (("ids", each.ids), ("lengths", each.lengths), ("answer", each.answer)):
            digest.update(f"\n{split} {name} {array.dtype.newbyteorder('<')} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()
