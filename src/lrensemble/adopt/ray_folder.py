"""Folders of Ray Tune, read as they are: its own `restore` unpickles, which would run code of a stranger's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrensemble.adopt.parameters import plain_values
from lrensemble.errors import AdoptError
from lrensemble.files import storage_errors
from lrensemble.text import from_json

PARAMETERS, RESULTS, ERROR = "params.json", "result.json", "error.txt"

LOOP = "train_loop_config"
"""Parameter that holds those of the training loop where Ray Train runs inside a trial."""

OF_RAY = (
    "config",
    "checkpoint_dir_name",
    "date",
    "done",
    "experiment_tag",
    "hostname",
    "iterations_since_restore",
    "node_ip",
    "pid",
    "should_checkpoint",
    "time_since_restore",
    "timestamp",
    "training_iteration",
    "trial_id",
)
"""What Ray adds to each result that is no score."""


@dataclass(frozen=True)
class Trial:
    """One trial, as it lies on the disk."""

    folder: Path
    parameters: Mapping[str, Any]
    """Hyper-parameters by name; those of a training loop inside are laid flat."""
    results: Sequence[Mapping[str, Any]]
    """What it reported, in order."""
    checkpoints: Sequence[Path]
    """Folders of the checkpoints that were kept and hold something, in order."""
    failed: bool

    @property
    def id(self) -> str:
        """Ray's own id; the name of the folder where it reported nothing."""
        return str(self.results[-1].get("trial_id", self.folder.name)) if self.results else self.folder.name

    def result_of(self, checkpoint: Path) -> Mapping[str, Any]:
        """What it reported with a checkpoint; empty where results do not say with which, as before Ray 2.7."""
        return next((each for each in self.results if each.get("checkpoint_dir_name") == checkpoint.name), {})

    def history(self) -> list[dict[str, object]]:
        """One flat record for each report; its epoch is the number of the report where none was reported."""
        return [
            {"epoch": each.get("training_iteration", place)}
            | plain_values({name: value for name, value in each.items() if name not in OF_RAY})
            for place, each in enumerate(self.results, start=1)
        ]


def is_trial(folder: Path) -> bool:
    """Whether a folder is that of a trial."""
    return (folder / PARAMETERS).is_file() and (folder / RESULTS).is_file()


def is_folder_of_ray(given: Any) -> bool:
    """Whether something is the path of a trial, or of a folder of trials."""
    if not isinstance(given, str | os.PathLike) or not Path(given).is_dir():
        return False
    return bool(trial_folders(Path(given)))


def trial_folders(folder: Path) -> list[Path]:
    """Folders of the trials in a folder, by name; itself where it is one."""
    if is_trial(folder):
        return [folder]
    with storage_errors("read", folder):
        return sorted(each for each in folder.iterdir() if each.is_dir() and is_trial(each))


def trials_in(folder: Path) -> list[Trial]:
    """The trials in a folder of Ray Tune.

    Raises:
        AdoptError: there is no such folder, or no trial in it.
        StorageError: a file cannot be read.
    """
    found = trial_folders(folder) if folder.is_dir() else []
    if not found:
        raise AdoptError(
            f"{folder} is no folder of Ray Tune: give that of an experiment, in which each trial has a folder with "
            f"{PARAMETERS} and {RESULTS}, or that of a trial"
        )
    status = _statuses({each.parent for each in found})
    return [_trial(each, status.get(each.name)) for each in found]


def _trial(folder: Path, status: str | None) -> Trial:
    parameters = _read(folder / PARAMETERS)
    if not isinstance(parameters, dict):
        raise AdoptError(f"{folder / PARAMETERS} is no table of parameters")
    inner = parameters.get(LOOP)
    if isinstance(inner, dict):
        parameters = {**{name: each for name, each in parameters.items() if name != LOOP}, **inner}
    failed = (folder / ERROR).exists() if status is None else status == "ERROR"
    return Trial(folder, parameters, _lines(folder / RESULTS), _checkpoints(folder), failed)


def _checkpoints(folder: Path) -> list[Path]:
    found = [each for each in folder.glob("checkpoint_*") if each.is_dir() and any(each.iterdir())]
    return sorted(found, key=lambda each: (int("0" + "".join(re.findall(r"\d+", each.name)[-1:])), each.name))


def _lines(path: Path) -> list[dict[str, Any]]:
    """Results, one a line; a last line that was cut off when the trial was killed is no result."""
    found = []
    with storage_errors("read", path):
        text = path.read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        try:
            each = from_json(line, nan=True)
        except ValueError:
            continue
        if isinstance(each, dict):
            found.append(each)
    return found


def _statuses(folders: set[Path]) -> dict[str, str]:
    """Status of trials by the name of their folder, as the newest state of their experiment has it.

    A trial that failed and was tried again still has its error, and is finished.
    """
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.glob("experiment_state-*.json"))[-1:]:
            try:
                states = [from_json(each[0], nan=True) for each in _read(path)["trial_data"]]
                found |= {str(each["relative_logdir"]): str(each["status"]) for each in states}
            except (AdoptError, KeyError, IndexError, TypeError, ValueError):  # of another version of Ray
                continue
    return found


def _read(path: Path) -> Any:
    with storage_errors("read", path):
        text = path.read_text(encoding="utf-8")
    try:
        return from_json(text, nan=True)
    except ValueError as error:
        raise AdoptError(f"{path} is no JSON: {error}") from None
