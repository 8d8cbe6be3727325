"""Data sets of texts by name: what they hold becomes rows only in the tokens of a base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from lrensemble.config import Base, SplitSettings
from lrensemble.data.source import SourceFacts, need_folder
from lrensemble.errors import DataError
from lrensemble.language.base import outline_of
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.division import divide_examples
from lrensemble.language.encoding import LEAST_PROMPT, TooLong, encode
from lrensemble.language.instructions import Instructions, hub_instructions, read_instructions
from lrensemble.language.templates import TEMPLATES
from lrensemble.language.tokens import vocabulary_of
from lrensemble.registry import Call, Registry

TEXTS: Registry[SequenceDataset, SourceFacts] = Registry(
    "data set of texts", SourceFacts, plural="texts", call=Call(("folder", "base", "split"))
)
"""Functions of the folder that holds the files (`Path | None`), of the `Base` whose tokens are wanted, and of the
`SplitSettings`, that return a `SequenceDataset`."""

Count = Annotated[int, Field(ge=1, le=100_000_000)]


@TEXTS.register(outside=("repo",), file="instructions.jsonl")
def instructions(
    folder: Path | None,
    base: Base,
    split: SplitSettings,
    *,
    file: str | None = None,
    repo: str | None = None,
    template: str = "alpaca",
    length: Annotated[int, Field(ge=2, le=10_000_000)] = 512,
    too_long: TooLong = "cut",
    near: Literal["keep", "drop"] = "keep",
    limit: Count | None = None,
    packing: bool = False,
) -> SequenceDataset:
    """Instructions with their answers, from a file or a set of the hub, divided by a fingerprint of their prompts.

    Args:
        folder: where the file lies.
        base: whose tokens they become.
        split: shares of `val` and `test`, and the seed.
        file: `.json`, `.jsonl`, either of them `.gz`, or `.parquet`, in the folder.
        repo: in place of a file, `owner/name` on the Hugging Face hub.
        template: how an example is written, one of `templates`.
        length: tokens of an example at most; no more than the base can look at.
        too_long: what becomes of longer ones: `cut`, `leave out`, or `refuse` all.
        near: whether training rows that are nearly one of another split are kept, or dropped.
        limit: only so many records, the first; all unless given.
        packing: whether the examples of a batch are computed side by side in rows of nearly `length` tokens, each
            seeing itself alone: the same losses, up to rounding, with little padding.

    Raises:
        DataError: neither a file nor a set, or both; they cannot be read; too few rows; too long for the base.
        SpecError: the base cannot be loaded.
    """
    TEMPLATES.check(template)
    found = _read(folder, file, repo, limit)
    loaded = outline_of(base)
    if loaded.context is not None and length > loaded.context:
        raise DataError(
            f"data.length = {length} is above the {loaded.context} tokens that {base.path} can look at; make it smaller"
        )
    division = divide_examples(found.examples, split, near=near, source=found.source)
    sequences = {}
    for name, rows in division.rows.items():
        chosen = [found.examples[row] for row in rows]
        source = f"{found.source}, {name}"
        encoded = encode(
            chosen,
            loaded.tokenizer,
            template,
            length=length,
            too_long=too_long,
            least_prompt=min(LEAST_PROMPT, length // 2),
            source=source,
        )
        sequences[name] = encoded.sequences
    vocabulary = vocabulary_of(loaded.model, loaded.tokenizer)
    return SequenceDataset.of("instructions", sequences, vocabulary, base, packing=packing)


def _read(folder: Path | None, file: str | None, repo: str | None, limit: int | None) -> Instructions:
    if (file is None) == (repo is None):
        raise DataError("instructions: give file, in the folder of the data, or repo, a set of the Hugging Face hub")
    if repo is not None:
        return hub_instructions(repo, limit=limit)
    assert file is not None
    return read_instructions(need_folder(folder, "instructions", file) / file, limit=limit)
