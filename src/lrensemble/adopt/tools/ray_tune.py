"""Adopter of folders of Ray Tune: each trial's checkpoint, with its parameters and what it reported."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.logged import metric_of, of_validation
from lrensemble.adopt.parameters import plain_values, with_arguments
from lrensemble.adopt.ray_folder import Trial, is_folder_of_ray, trials_in
from lrensemble.errors import AdoptError
from lrensemble.spec import Spec

logger = logging.getLogger(__name__)

Mode = Literal["min", "max"]

BESIDE = ("optim", "sched", "scaler", "rng", "training_args", "amp")
"""Beginnings of names of files that lie beside the weights and are none."""

LONGEST_NAME = 80


def _takes(given: Any) -> bool:
    return type(given).__module__.partition(".")[0] == "ray" or is_folder_of_ray(given)


@ADOPTERS.register(takes=_takes, where="FOLDER of an experiment or a trial")
def ray_tune(
    given: Any,
    asked: Asked,
    *,
    metric: str | None = None,
    mode: Mode | None = None,
    file: str | None = None,
    key: str | None = None,
) -> list[Found]:
    """Trials of Ray Tune, read without Ray and without unpickling anything: failed ones are left out.

    Parameters are facts of the member, and arguments of the builder where it takes them by name.

    Args:
        given: folder of an experiment or of a trial, or the results that `Tuner.fit()` returned.
        asked: with the builder, where checkpoints hold weights of torch.
        metric: what was reported, by which the best checkpoint of each trial is taken; the last one unless given.
        mode: whether `min` or `max` of it is best; known of accuracy, losses and errors.
        file: file or folder within the checkpoint that is the model, where that is not clear.
        key: where in a file of torch the weights are, if that is not clear.

    Raises:
        AdoptError: no such folder, no trial with a checkpoint, or a checkpoint in which the model is not clear.
        StorageError: a file cannot be read.
    """
    folder = _folder_of(given)
    trials = trials_in(folder)
    reasons = {each.folder.name: "failed" if each.failed else "no checkpoint" for each in trials}
    kept = [each for each in trials if each.checkpoints and not each.failed]
    left_out = [f"{name} ({reasons[name]})" for name in reasons if name not in {each.folder.name for each in kept}]
    if not kept:
        raise AdoptError(f"no trial of {folder} finished with a checkpoint: {', '.join(left_out)[:400]}")
    if left_out:
        logger.warning("%d of %d trials are left out: %s", len(left_out), len(trials), ", ".join(left_out))
    names = [asked.name] if asked.name is not None and len(kept) == 1 else _names(kept)
    found = []
    for trial, name in zip(kept, names, strict=True):
        checkpoint = _checkpoint(trial, metric, mode)
        found += _adopted(trial, checkpoint, _model_in(checkpoint, file), replace(asked, name=name), key)
    return found


def _folder_of(given: Any) -> Path:
    """Folder of what was given.

    Raises:
        AdoptError: an object of Ray that has none here.
    """
    if isinstance(given, str | os.PathLike):
        return Path(given)
    place = getattr(given, "experiment_path", None) or getattr(given, "path", None)
    if not isinstance(place, str | os.PathLike) or not Path(place).is_dir():
        raise AdoptError(
            f"{type(given).__name__} of Ray has no folder on this machine ({place}); bring it here, or give what "
            "Tuner.fit() returned"
        )
    return Path(place)


def _checkpoint(trial: Trial, metric: str | None, mode: Mode | None) -> Path:
    """The checkpoint that is taken: the best one kept by a metric, or the last.

    Raises:
        AdoptError: it is not known which is best.
    """
    if metric is None:
        return trial.checkpoints[-1]
    if mode not in (None, "min", "max"):
        raise AdoptError(f"mode={mode!r} is refused; say 'min' or 'max'")
    best = mode or {"accuracy": "max", "r2": "max", "nll": "min", "rmse": "min", "mae": "min"}.get(metric_of(metric))
    if best is None:
        raise AdoptError(f"it is not known whether a high or a low {metric} is good; say mode='min' or mode='max'")
    scores = {
        path: float(value)
        for path in trial.checkpoints
        if isinstance(value := trial.result_of(path).get(metric), int | float) and value == value
    }
    if not scores:
        reported = ", ".join(dict.fromkeys(name for each in trial.history() for name in each))
        raise AdoptError(
            f"{trial.folder}: no checkpoint was reported with {metric!r}; trials reported {reported}; without metric= "
            "the last checkpoint is taken"
        )
    chosen = max if best == "max" else min
    return chosen(scores, key=lambda path: scores[path])


def _model_in(checkpoint: Path, file: str | None) -> tuple[Path, str]:
    """The model in a checkpoint, and the adopter that takes it: a folder of a tool, or a single file.

    Raises:
        AdoptError: none, or several.
    """
    if file is not None:
        kind = _kind_of(checkpoint / file)
        if kind is None:
            raise AdoptError(f"{checkpoint} has no {file} that is a model; it holds {_held(checkpoint)}")
        return checkpoint / file, kind
    whole = _kind_of(checkpoint)
    if whole is not None:
        return checkpoint, whole
    inside = [each for each in sorted(checkpoint.iterdir()) if not each.name.lower().startswith(BESIDE)]
    found = [(each, kind) for each in inside if (kind := _kind_of(each)) is not None]
    if len(found) != 1:
        what = "several that may be the model" if found else "no model that is known; a pickle is never read"
        raise AdoptError(f"{checkpoint} holds {_held(checkpoint)}: {what}; name the file: file='model.pt'")
    return found[0]


def _kind_of(path: Path) -> str | None:
    """The adopter of another tool that takes a path that is there."""
    others = (name for name in ADOPTERS if name != "ray_tune")
    return next((name for name in others if path.exists() and ADOPTERS.facts(name).takes(path)), None)


def _held(folder: Path) -> str:
    return ", ".join(sorted(each.name for each in folder.iterdir())[:10])


def _adopted(trial: Trial, checkpoint: Path, model: tuple[Path, str], asked: Asked, key: str | None) -> list[Found]:
    """The models of a trial's checkpoint, with what is known of the trial."""
    path, kind = model
    parameters = plain_values(trial.parameters)
    if asked.builder is not None:
        asked = replace(asked, builder=with_arguments(asked.builder, trial.parameters))
    options = {"key": key} if key is not None and "key" in ADOPTERS.arguments(kind) else {}
    result = trial.result_of(checkpoint) or (trial.results[-1] if checkpoint == trial.checkpoints[-1] else {})
    seconds = result.get("time_total_s")
    return [
        replace(
            each,
            facts={**each.facts, **parameters, "trial": trial.id, "checkpoint": checkpoint.name},
            logged=of_validation(result),
            history=trial.history(),
            seconds=float(seconds) if isinstance(seconds, int | float) else None,
        )
        for each in ADOPTERS.call(Spec(kind), path, asked, **options)
    ]


def _names(trials: Sequence[Trial]) -> list[str]:
    """Names of trials by the parameters that differ, `lr=0.1, width=16`; equal ones are told apart by their id."""
    flat = [_flat(each.parameters) for each in trials]
    keys = list(dict.fromkeys(key for each in flat for key in each))
    differing = [key for key in keys if len({str(each.get(key)) for each in flat}) > 1] or keys
    said = [", ".join(f"{key}={each[key]}" for key in differing if key in each)[:LONGEST_NAME] for each in flat]
    return [
        name if name and said.count(name) == 1 else f"{name or 'trial'} ({trial.id})"
        for name, trial in zip(said, trials, strict=True)
    ]


def _flat(parameters: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Parameters as text, those within others by both names."""
    found: dict[str, str] = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = f"{value:.6g}" if isinstance(value, float) else str(value)
    return found
