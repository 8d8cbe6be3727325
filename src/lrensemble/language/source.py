"""Data sets of texts by name: what they hold becomes rows only in the tokens of a base."""

from __future__ import annotations

from lrensemble.data.source import SourceFacts
from lrensemble.language.dataset import SequenceDataset
from lrensemble.registry import Call, Registry

TEXTS: Registry[SequenceDataset, SourceFacts] = Registry(
    "data set of texts", SourceFacts, plural="texts", call=Call(("folder", "base", "split"))
)
"""Functions of the folder that holds the files (`Path | None`), of the `Base` whose tokens are wanted, and of the
`SplitSettings`, that return a `SequenceDataset`."""
