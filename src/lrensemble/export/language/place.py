"""Folder of a team of adapters, known by the name of its file."""

from __future__ import annotations

from pathlib import Path

from lrensemble.files import storage_errors

ENSEMBLE = "ensemble.json"


def is_language_bundle(folder: Path) -> bool:
    """Whether a folder holds a team of adapters, by the name of its file."""
    with storage_errors("read", folder):
        return (folder / ENSEMBLE).is_file()
