"""The formats that an ensemble is written in, by name: a folder of ours, or one file that runs without this library."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from lrensemble.errors import ExportError
from lrensemble.files import check_writable, storage_errors
from lrensemble.registry import Call, Registry

Kind = Literal["networks", "adapters", "models"]

KINDS: dict[Kind, str] = {
    "networks": "networks that take arrays",
    "adapters": "adapters of a language model",
    "models": "whole language models, which share nothing",
}
"""What teams are of."""


class Saved(Protocol):
    """What can be written as a folder."""

    def save(self, folder: Path) -> None:
        """Write it."""


@dataclass(frozen=True)
class FormatFacts:
    """A format says how its files are named, and what teams it is for."""

    suffix: str = ""
    """Suffix of the file, `.onnx`; of a folder what its name ends in, if anything."""
    of: tuple[Kind, ...] = ("networks",)
    """Teams that it is for."""


FORMATS: Registry[Mapping[str, object] | None, FormatFacts] = Registry(
    "format", FormatFacts, title="Export formats", call=Call(("ensemble", "path"))
)
"""Functions of (ensemble, path) that write the ensemble to a path where nothing is, and perhaps say what is lost."""


def require_kind(registry: Registry[Any, Any], name: str, kind: Kind) -> None:
    """Refuse a format or a variant that is for other teams.

    Raises:
        ExportError: with what there is for these.
    """
    facts = registry.facts(name)
    if kind not in facts.of:
        able = ", ".join(each for each in registry if kind in registry.facts(each).of)
        raise ExportError(
            f"{registry.kind} {name!r} is for {KINDS[facts.of[0]]}, and this team is of {KINDS[kind]}; give {able}"
        )


@FORMATS.register(suffix="", of=("networks", "adapters"))
def bundle(ensemble: Saved, path: Path) -> None:
    """A folder of JSON and safetensors, which `Ensemble.load`, `LanguageEnsemble.load` and `lrensemble predict` read.

    Of adapters, the base is in it by reference.

    Args:
        ensemble: to export.
        path: of the folder.

    Raises:
        ExportError: there is something in the folder already.
        StorageError: it cannot be written.
    """
    ensemble.save(path)


def check_place(path: Path) -> None:
    """Refuse to write over what is there, or where nothing can be written, before any work.

    Raises:
        ExportError: there is something, other than an empty folder.
        StorageError: it would be in a file, or in a folder that may not be written to.
    """
    with storage_errors("write", path):
        taken = os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir()))
    if taken:
        raise ExportError(f"{path} is there already; remove it, or name another place")
    check_writable(path)
