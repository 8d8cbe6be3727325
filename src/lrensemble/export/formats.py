"""The formats that an ensemble is written in, by name: a folder of ours, or one file that runs without this library."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lrensemble.errors import ExportError
from lrensemble.export.ensemble import Ensemble
from lrensemble.files import storage_errors
from lrensemble.registry import Call, Registry


@dataclass(frozen=True)
class FormatFacts:
    """A format says how its files are named."""

    suffix: str = ""
    """Suffix of the file, `.onnx`; empty for a folder."""


FORMATS: Registry[None, FormatFacts] = Registry(
    "format", FormatFacts, title="Export formats", call=Call(("ensemble", "path"))
)
"""Functions of (ensemble, path) that write the ensemble to a path where nothing is."""


@FORMATS.register(suffix="")
def bundle(ensemble: Ensemble, path: Path) -> None:
    """A folder of JSON and safetensors, which `Ensemble.load` and `lrensemble predict` read.

    Args:
        ensemble: to export.
        path: of the folder.

    Raises:
        ExportError: there is something in the folder already.
        StorageError: it cannot be written.
    """
    ensemble.save(path)


def check_place(path: Path) -> None:
    """Refuse to write over what is there, before any work.

    Raises:
        ExportError: there is something, other than an empty folder.
    """
    with storage_errors("write", path):
        taken = os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir()))
    if taken:
        raise ExportError(f"{path} is there already; remove it, or name another place")
