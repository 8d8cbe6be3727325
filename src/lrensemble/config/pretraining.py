"""A small Llama, and how it is pre-trained: of `lrensemble pretrain`, and `[pretrain]` of an experiment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lrensemble.config.records import PositiveInt, Record, Seed, SpecField
from lrensemble.limits import Count, Width
from lrensemble.spec import to_spec

FEWEST_TOKENS = 259
"""Tokens of a vocabulary without merges: every byte, so that any text can be written, and three that are no text."""


class Pretraining(Record):
    """A small Llama and how it is trained; each default is that of the base of the shipped experiments."""

    vocabulary: Annotated[int, Field(ge=FEWEST_TOKENS, le=65_536)] = 2048
    """Tokens of the tokenizer, at most."""
    width: Width = 192
    """Units of a layer, a multiple of twice the heads; inside its feed-forward part 8/3 as many (Touvron 2023)."""
    layers: Annotated[int, Field(gt=0, le=128)] = 4
    """Number of layers."""
    heads: Annotated[int, Field(gt=0, le=256)] = 6
    """Heads of attention in a layer."""
    context: Annotated[int, Field(gt=1, le=1_000_000)] = 512
    """Tokens that the model is meant to look at, at most."""
    steps: Count = 600
    """Updates of the optimizer."""
    batch_size: PositiveInt = 4
    """Sequences of one update."""
    length: Annotated[int, Field(gt=0, le=1_000_000)] = 256
    """Tokens that are predicted in each sequence of a batch."""
    policy: SpecField = to_spec("warmup_cosine(peak=0.003, floor=0.00015, warmup=0.1)")
    """Learning rate by step."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    """Factor of AdamW's decoupled weight decay."""
    seed: Seed = 0
    """Seed of the initial weights, of the batches, and of the choice of documents that are held out."""


class PretrainSettings(Pretraining):
    """A small base model that is pre-trained before the members, once: it is kept in the cache of the user under the
    hash of all that it is made of. `[model]` then gives no `base`.
    """

    texts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Files of texts in `data.folder`, plain or JSON lines with a field `text`, perhaps `.gz`; unless given, passages
    and questions in its folders `mcq` and `text-corpora`, without an instruction among them."""

    @property
    def settings(self) -> Pretraining:
        """Without what is read."""
        return Pretraining.model_validate({name: getattr(self, name) for name in Pretraining.model_fields})
