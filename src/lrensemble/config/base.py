"""Reference to a base model: what members that hold only what they changed have changed."""

from __future__ import annotations

from lrensemble.config.records import Record


class Base(Record):
    """A causal language model, referred to: members hold what they changed, and this is what they changed."""

    path: str
    """Folder, absolute, or name on the Hugging Face hub."""
    revision: str | None = None
    """Commit of a model of the hub; None for a folder."""
    weights_sha256: str
    """SHA-256 of its weights."""
