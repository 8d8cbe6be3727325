"""Files that come with the package, and files of the user's: one is meant by its name, the other by its path."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from lrensemble.errors import ConfigError
from lrensemble.registry import nearest

EXPERIMENTS, STUDIES = "experiments", "experiments/studies"
"""Folders of the package that hold such files."""


OF_DATA = (".npz", ".npy", ".csv", ".tsv", ".parquet", ".json", ".jsonl")
"""Endings of files of data, which are sometimes given in the place of an experiment that names them."""


def shipped(folder: str = EXPERIMENTS) -> list[str]:
    """Names of the experiments that come with the package, or of what else a folder of it holds."""
    there = resources.files("lrensemble") / folder
    return sorted(entry.name.removesuffix(".toml") for entry in there.iterdir() if entry.name.endswith(".toml"))


def place_of(given: str, folder: str = EXPERIMENTS, kind: str = "experiment") -> tuple[Path, str]:
    """File of a path or of a name that ships, and what messages call it.

    A folder is no experiment: `digits` means the one that ships, also beside an ensemble that was exported to `digits`.

    Raises:
        ConfigError: no file, and no such name; or a folder, or a file of data.
    """
    path, ships = Path(given), given in shipped(folder)
    if not ships and os.path.isdir(path):
        raise ConfigError(
            f"{given} is a folder and no {kind}; give the path of a .toml file, or one of {', '.join(shipped(folder))}"
        )
    if path.suffix in OF_DATA and os.path.isfile(path):
        raise ConfigError(
            f"{given} is no {kind}; give the path of a .toml file that names it: file = {str(path)!r} in [data]"
        )
    if path.suffix == ".toml" or (os.path.exists(path) and not (ships and path.is_dir())):
        return path, str(path)
    if ships:
        return Path(str(resources.files("lrensemble") / folder / f"{given}.toml")), given
    raise ConfigError(f"no {kind} named {given!r}{nearest(given, shipped(folder))}; or give the path of a .toml file")
