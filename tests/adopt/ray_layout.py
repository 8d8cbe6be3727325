"""Folders in the layout of Ray Tune 2.60, written without it."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

STAMP = "2026-11-27_18-03-23"
EXPERIMENT = "a1b2c"
SPRUNG = "somebody-unpickled"
"""Folder that appears in the experiment's where a pickle of it is read."""


class Trap:
    """What runs code when it is unpickled."""

    def __init__(self, experiment: Path) -> None:
        self.experiment = experiment

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.makedirs, (str(self.experiment.resolve() / SPRUNG), 0o777, True)


def write_trial(
    experiment: Path,
    number: int,
    parameters: Mapping[str, Any],
    reports: Sequence[Mapping[str, Any]],
    checkpoints: Mapping[int, Callable[[Path], object]],
    *,
    error: bool = False,
) -> Path:
    """Folder of a trial.

    Args:
        experiment: folder of the experiment.
        number: of the trial.
        parameters: hyper-parameters.
        reports: what it reported, one after another.
        checkpoints: what writes each checkpoint that was kept into its folder, by the place of its report.
        error: whether it raised.
    """
    said = ",".join(f"{name}={value}" for name, value in parameters.items())
    folder = experiment / f"train_{EXPERIMENT}_{number:05}_{number}_{said}_{STAMP}"
    folder.mkdir(parents=True)
    (folder / "params.json").write_text(json.dumps(parameters, indent=2))
    (folder / "params.pkl").write_bytes(pickle.dumps(Trap(experiment)))
    lines = [
        {
            **report,
            "timestamp": 1795802638 + place,
            "checkpoint_dir_name": f"checkpoint_{place:06}" if checkpoints else None,
            "done": False,
            "training_iteration": place + 1,
            "trial_id": f"{EXPERIMENT}_{number:05}",
            "date": STAMP,
            "time_this_iter_s": 0.5,
            "time_total_s": 0.5 * (place + 1),
            "pid": 29673,
            "hostname": "vm",
            "node_ip": "192.0.2.2",
            "config": dict(parameters),
        }
        for place, report in enumerate(reports)
    ]
    (folder / "result.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for place, write in checkpoints.items():
        checkpoint = folder / f"checkpoint_{place:06}"
        checkpoint.mkdir()
        write(checkpoint)
    if error:
        (folder / "error.txt").write_text("ValueError: boom\n")
    return folder


def write_state(experiment: Path, status: Mapping[Path, str]) -> None:
    """State of the experiment: the status of each trial."""
    rows = [[json.dumps({"relative_logdir": each.name, "status": said}), "{}"] for each, said in status.items()]
    (experiment / f"experiment_state-{STAMP}.json").write_text(json.dumps({"trial_data": rows, "stats": {}}))
    (experiment / "tuner.pkl").write_bytes(pickle.dumps(Trap(experiment)))
