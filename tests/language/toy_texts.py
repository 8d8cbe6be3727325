"""Sequences of a rule that a tiny model can learn, as a plugin: `toy-texts` in the registry of texts."""

from pathlib import Path

import numpy as np

from lrensemble.config import Base, SplitSettings
from lrensemble.language.base import outline_of
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.sequences import Sequences, padded
from lrensemble.language.source import TEXTS
from lrensemble.language.tokens import vocabulary_of

FIRST, LETTERS = 6, 12
"""Id of the first of the tokens that are used, and how many are."""


@TEXTS.register("toy-texts", train=24)
def toy_texts(folder: Path | None, base: Base, split: SplitSettings, *, train: int = 24) -> SequenceDataset:
    """Prompts of 2 to 5 tokens, and as an answer the same tokens, each one further on."""
    del folder
    loaded = outline_of(base)
    sequences = {name: toy_sequences(count, split.seed + place) for place, (name, count) in enumerate(sizes(train))}
    return SequenceDataset.of("toy-texts", sequences, vocabulary_of(loaded.model, loaded.tokenizer), base)


def sizes(train: int) -> tuple[tuple[str, int], ...]:
    return ("train", train), ("val", 7), ("test", 5)


def toy_sequences(count: int, seed: int) -> Sequences:
    draw = np.random.default_rng(seed)
    tokens, answers = [], []
    for _ in range(count):
        prompt = draw.integers(LETTERS, size=draw.integers(2, 6))
        tokens.append([1, *(FIRST + prompt), 5, *(FIRST + (prompt + 1) % LETTERS)])
        answers.append([False] * (2 + len(prompt)) + [True] * len(prompt))
    return padded([[int(each) for each in row] for row in tokens], answers, pad=0)
