"""The three splits of an instruction set, each row's from a fingerprint of its prompt, and what is alike across them.

A row's split depends on its prompt, the shares and the seed alone: not on its place, nor on other rows. Rows that are
added later move none, and the same question is never in two splits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import SplitSettings
from lrensemble.errors import DataError
from lrensemble.files import warn_once
from lrensemble.language.examples import Example
from lrensemble.language.near import THRESHOLD, Near, near_duplicates, words_of
from lrensemble.text.counted import counted

Rows = NDArray[np.int64]

SPLITS = ("train", "val", "test")
SHOWN = 3
"""Pairs that a message names at most."""


@dataclass(frozen=True, eq=False)
class Division:
    """Rows of each split, and pairs that are near-duplicates across them."""

    rows: dict[str, Rows]
    """`train`, `val`, `test`: indices of examples, sorted."""
    near: tuple[Near, ...]
    """As `near_duplicates` found them, before any row was dropped."""
    dropped: int = 0
    """Rows that are in no split, since they are nearly one of a later split."""

    def __str__(self) -> str:
        sizes = ", ".join(f"{len(rows)} {split}" for split, rows in self.rows.items())
        if not self.near:
            return f"{sizes}; no near-duplicates across them"
        pairs = dict[tuple[str, str], int]()
        for each in self.near:
            pairs[each.split, each.other_split] = pairs.get((each.split, each.other_split), 0) + 1
        counts = ", ".join(f"{count} of {split} in {other}" for (split, other), count in pairs.items())
        most = sorted(self.near, key=lambda each: (-each.similarity, each.row))[:SHOWN]
        named = ", ".join(f"{each.row} and {each.other} ({each.similarity:.2f})" for each in most)
        done = f"; {self.dropped} rows were dropped for it" if self.dropped else ""
        return f"{sizes}; near-duplicates: {counts}; most alike: examples {named}{done}"


def divide_examples(
    examples: Sequence[Example],
    settings: SplitSettings,
    *,
    near: Literal["keep", "drop"] = "keep",
    threshold: float = THRESHOLD,
    source: str = "instructions",
) -> Division:
    """The splits of examples; near-duplicates across them are said in one line.

    Args:
        examples: all rows.
        settings: shares of `val` and `test`, and the seed; a split's size is near its share of distinct prompts.
        near: `keep` rows that are nearly one of another split, or `drop` those of `train`, and of `val` where it is one
            of `test`.
        threshold: Jaccard index of prompts from which on they are near-duplicates.
        source: what the examples are called in messages.

    Raises:
        DataError: the shares leave nothing to train on, or a split has no row.
    """
    if settings.val + settings.test >= 1:
        raise DataError(f"split.val = {settings.val} and split.test = {settings.test} leave no row to train on")
    prompts = [example.prompt for example in examples]
    split = np.array([_split(prompt, settings) for prompt in prompts], dtype=np.int64)
    rows = {name: np.flatnonzero(split == number) for number, name in enumerate(SPLITS)}
    found = near_duplicates(prompts, rows, threshold=threshold)
    gone = _leaking(prompts, rows, threshold) if near == "drop" and found else np.empty(0, dtype=np.int64)
    kept = {name: np.setdiff1d(each, gone) for name, each in rows.items()}
    if empty := next((name for name, each in kept.items() if not len(each)), None):
        given = f"{len(examples)} examples of {counted(len(set(prompts)), 'prompt')}"
        raise DataError(f"{source}: {given} are too few: none is left for {empty}; give more")
    division = Division(kept, found, len(gone))
    if found:
        warn_once(f"{source}: {division}")
    return division


def _split(prompt: str, settings: SplitSettings) -> int:
    """Number of the split of a prompt."""
    digest = hashlib.sha256(f"{settings.seed}\n{' '.join(words_of(prompt))}".encode(errors="backslashreplace"))
    share = int.from_bytes(digest.digest()[:8], "big") / 2**64
    if share < settings.test:
        return SPLITS.index("test")
    return SPLITS.index("val" if share < settings.test + settings.val else "train")


def _leaking(prompts: Sequence[str], rows: dict[str, Rows], threshold: float) -> Rows:
    """Rows that are nearly one of a later split: all of them, not the most alike alone."""
    backwards = {name: rows[name] for name in reversed(SPLITS)}
    return np.unique([each.row for each in near_duplicates(prompts, backwards, threshold=threshold)]).astype(np.int64)
