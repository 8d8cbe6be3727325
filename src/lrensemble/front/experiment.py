"""An experiment in any form: the record, a table with objects in it, the name of one that ships, or a file."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lrensemble.config import Experiment, load_experiment, to_record
from lrensemble.errors import ConfigError
from lrensemble.front.arrays import as_source, holds_arrays
from lrensemble.front.objects import as_model, as_policies, as_train_function
from lrensemble.front.paths import PathLike
from lrensemble.here import PREFIX, is_here
from lrensemble.registry import paths_in
from lrensemble.train.execution.devices import to_devices

logger = logging.getLogger(__name__)

ExperimentLike = Experiment | Mapping[str, Any] | PathLike


def experiment_of(
    given: ExperimentLike,
    *,
    data: Any = None,
    epochs: int | None = None,
    plugins: Sequence[str] = (),
) -> Experiment:
    """The experiment that is meant, with what is given beside it.

    Args:
        given: a record, a table as in a file, the name of one that ships, or the path of a `.toml` file. In a table
            `model` may be a class, a function or a `torch.nn.Module`, `policy` a function of the step or a list with
            such, and `data` arrays.
        data: a folder of the data set's files, or the data themselves, in place of those of the experiment.
        epochs: in place of the experiment's.
        plugins: modules that register names, imported first.

    Raises:
        ConfigError: no such experiment, or a key or value that is refused.
        SpecError: a model or a policy that cannot be called as such.
        DataError: data that cannot be used.
        StorageError: the file cannot be read.
    """
    if isinstance(given, Experiment) and data is None and epochs is None and not plugins:
        return given
    content = _of_table(given, plugins) if isinstance(given, Mapping) else _of_record(given, plugins)
    if holds_arrays(data):
        content["data"] = as_source(data)
    elif data is not None:
        content["data"] = _with(content.get("data", {}), folder=Path(data))
    if epochs is not None:
        content["train"] = _with(content.get("train", {}), **_plain({"epochs": epochs}))
    return to_record(Experiment, content, "experiment")


def _of_record(given: Experiment | PathLike, plugins: Sequence[str]) -> dict[str, Any]:
    """Sections of an experiment that is a record, a file or the name of one."""
    record = given if isinstance(given, Experiment) else load_experiment(os.fspath(given))
    content = {key: getattr(record, key) for key in record.model_fields_set}
    return content | {"plugins": (*record.plugins, *plugins)}


def _of_table(given: Mapping[str, Any], plugins: Sequence[str]) -> dict[str, Any]:
    """Sections of an experiment that is a table, with names in the places of objects."""
    content = {key: _plain(value) for key, value in given.items()}
    if "model" in content:
        content["model"] = as_model(content["model"])
    if "policy" in content:
        content["policy"] = as_policies(content["policy"])
    if isinstance(train := content.get("train"), Mapping) and "function" in train:
        content["train"] = {**train, "function": as_train_function(train["function"])}
    if holds_arrays(content.get("data")):
        content["data"] = as_source(content["data"])
    if plugins:
        content["plugins"] = (*content.get("plugins", ()), *plugins)
    return content


def _plain(section: Any) -> Any:
    """A section whose numbers of numpy are numbers of Python: those of a grid of `linspace` or `arange`, say."""
    if isinstance(section, Mapping):
        return {key: value.item() if isinstance(value, np.generic) else value for key, value in section.items()}
    return section


def _with(section: Any, **changes: object) -> dict[str, object]:
    """A section of an experiment with other values; a name alone stands for a table with it."""
    if isinstance(section, str):
        return {"name": section, **changes}
    if isinstance(section, Mapping):
        return {**section, **changes}
    return {**{key: getattr(section, key) for key in section.model_fields_set}, **changes}


def name_of(given: ExperimentLike) -> str:
    """Name of the folder in `runs/` for an experiment.

    Raises:
        ConfigError: a table or a record, which has no name.
    """
    if isinstance(given, Experiment | Mapping):
        raise ConfigError("an experiment that is no file has no folder of its own; give out='FOLDER'")
    return Path(given).stem


def check_objects_of_this_process(experiment: Experiment, execution: str, device: str) -> None:
    """Say which parts of an experiment are of this process alone, and refuse to train those elsewhere.

    Raises:
        ConfigError: worker processes or several devices were asked for.
        TrainingError: a device that there is not.
    """
    own = [experiment.train.function] if experiment.train.function else []
    specs = (experiment.data.source, experiment.model, *experiment.policy, *own)
    paths = dict.fromkeys(path.removeprefix(PREFIX) for spec in specs for path in paths_in(spec) if is_here(path))
    if not paths:
        return
    named = ", ".join(paths)
    if execution == "workers" or len(to_devices(device)) > 1:
        raise ConfigError(
            f"{named}: no other process can have what was defined in a notebook, a script or on standard input; put it "
            "into a module to train in several processes, or train in this one (one device, execution='auto')"
        )
    logger.warning(
        "%s: defined in a notebook, a script or on standard input, and so trained in this process; another process "
        "needs the same definition, or one in a module",
        named,
    )
