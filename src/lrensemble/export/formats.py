"""The forms that an ensemble can be written in, by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lrensemble.errors import ExportError
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.onnx import export_onnx
from lrensemble.export.torch_program import export_torch
from lrensemble.files import storage_errors
from lrensemble.registry import nearest


@dataclass(frozen=True)
class Format:
    """How an ensemble is written."""

    write: Callable[[Ensemble, Path], None]
    suffix: str
    """Of the file; none for a folder."""


FORMATS = {
    "bundle": Format(Ensemble.save, ""),
    "onnx": Format(export_onnx, ".onnx"),
    "torch": Format(export_torch, ".pt2"),
}


def check_place(path: Path) -> None:
    """Refuse to write over what is there, before any work.

    Raises:
        ExportError: there is something, other than an empty folder.
    """
    with storage_errors("write", path):
        taken = os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir()))
    if taken:
        raise ExportError(f"{path} is there already; remove it, or name another place")


def format_of(name: str) -> Format:
    """The form of that name.

    Raises:
        ExportError: there is none.
    """
    if name not in FORMATS:
        raise ExportError(f"no format named {name!r}{nearest(name, FORMATS)}")
    return FORMATS[name]
