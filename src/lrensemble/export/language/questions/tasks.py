"""Tasks of lm-evaluation-harness: a team and each of its members, scored on the same questions.

A task is named as the harness knows it, whose rows are then asked of a hub; or it is a file of the harness's own form,
`.yaml`, or a folder of such, whose rows may lie in files of any folder (`data_files`). Whoever names a file says that
it may be read as the harness reads it, which runs what is in it.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lrensemble.config import Record
from lrensemble.errors import ConfigError, DataError, LREnsembleError
from lrensemble.evaluate.comparison import gain_of
from lrensemble.evaluate.result import Gain
from lrensemble.export.language.ensemble import LanguageEnsemble
from lrensemble.export.language.harness import ROWS, models_of, part_of_harness, quiet_harness
from lrensemble.export.language.questions.normalised import with_normalised
from lrensemble.files import storage_errors
from lrensemble.language.speaking import Consensus
from lrensemble.metrics.significance import compared_rows
from lrensemble.models.transformers_library import first_line

logger = logging.getLogger(__name__)

RIGHT = ("acc", "acc_norm", "exact_match")
"""Metrics that are shares of right rows, which can be compared row by row."""
SEED, DRAWS = 1234, 1000
"""Seed of the solved examples, as the harness has it, and bootstrap draws for errors of metrics that are no means."""
_NAME = re.compile(r"^(group|task): *['\"]?([^\s'\"#\[{][^'\"#\n]*?)['\"]? *(#.*)?$", re.MULTILINE)


class Measured(Record):
    """Value of a metric."""

    value: float
    error: float | None = None
    """Standard error, as the harness estimates it."""


class TaskScores(Record):
    """Scores on one task, by metric."""

    rows: int | None
    """Questions that were asked."""
    team: dict[str, Measured]
    members: dict[str, dict[str, Measured]]
    """By name of the member."""
    gain: dict[str, Gain]
    """Gain of the team over the best single member on the pool's `val`, paired, for shares of right rows; empty where
    that member is not known or not in the team."""


class HarnessScores(Record):
    """What lm-evaluation-harness found of a team and of each member."""

    consensus: Consensus
    members: tuple[str, ...]
    weights: tuple[float, ...]
    best_single: str | None
    """Name of the member that was best on the pool's `val`, which the gains are over."""
    tasks: dict[str, TaskScores]
    limit: int | None
    """Questions of a task at most; None where all were asked."""
    lm_eval: str
    """Version of the harness."""


def evaluate_tasks(
    ensemble: LanguageEnsemble,
    tasks: Sequence[Path | str],
    *,
    limit: int | None = None,
    shots: int | None = None,
    rows: int = ROWS,
) -> HarnessScores:
    """Scores of a team and of each of its members on tasks of lm-evaluation-harness.

    Args:
        ensemble: the team.
        tasks: names that the harness knows, files of tasks, or folders of such.
        limit: questions of a task at most; all unless given.
        shots: solved examples before each question; as the task has it unless given.
        rows: sequences in a batch.

    Raises:
        ConfigError: no task, one that is not known, or a limit below 1.
        DataError: a task whose rows cannot be had.
        MissingExtraError: lm-eval is not installed.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"limit = {limit} must be at least 1; leave it out for all questions")
    team, members = models_of(ensemble, rows)
    with quiet_harness():
        loaded = _loaded(tasks, shots)
        found = {"": _run(team, loaded, limit, "the team")}
        if ensemble.description.consensus == "answer_probabilities":
            found[""] = with_normalised(found[""], team.asked)
        for name, model in members.items() if len(members) > 1 else ():  # one alone says what its team says
            found[name] = _run(model, loaded, limit, name)
    described = ensemble.description
    best = None if described.origin is None else described.origin.best_single
    return HarnessScores(
        consensus=described.consensus,
        members=described.names,
        weights=described.weights,
        best_single=best if best in members else None,
        tasks={task: _scores(task, found, tuple(members), best) for task in found[""]["results"]},
        limit=limit,
        lm_eval=version("lm_eval"),
    )


def _managed(tasks: Sequence[Path | str]) -> tuple[Any, list[str]]:
    """What finds tasks, and their names."""
    folders, names, stock = list[Path](), list[str](), list[str]()
    for given in tasks:
        path = Path(given)
        with storage_errors("read", path):
            is_folder, is_file = path.is_dir(), path.is_file()
        if is_folder or is_file:
            folders.append(path if is_folder else path.parent)
            names += _names_in(path, sorted(path.glob("*.yaml")) if is_folder else [path])
        elif path.suffix == ".yaml" or len(path.parts) > 1:
            raise ConfigError(f"there is no {path}; give the .yaml file of a task, a folder of such, or a name")
        else:
            stock.append(str(given))
    if not names and not stock:
        raise ConfigError("no task is given; name one of lm-evaluation-harness, or a .yaml file of one")
    manager = part_of_harness("lm_eval.tasks").TaskManager(
        include_path=[str(each) for each in dict.fromkeys(folders)] or None, include_defaults=bool(stock)
    )
    unknown = [name for name in (*names, *stock) if name not in manager.all_tasks]
    if unknown:
        raise ConfigError(
            f"lm-evaluation-harness knows no task {unknown[0]!r}; give one of its names (lm_eval ls tasks), or a "
            ".yaml file"
        )
    return manager, list(dict.fromkeys((*names, *stock)))


def _loaded(tasks: Sequence[Path | str], shots: int | None) -> Mapping[str, Any]:
    """Tasks with their rows."""
    manager, names = _managed(tasks)
    try:
        loaded: Mapping[str, Any] = manager.load(names)
        for task in loaded["tasks"].values():
            if shots is not None and task.get_config("num_fewshot") != 0:
                task.set_config(key="num_fewshot", value=shots)
            elif task.get_config("num_fewshot") is None:
                task.set_config(key="num_fewshot", value=0)
            task.set_fewshot_seed(seed=SEED)
    except Exception as error:  # of the network, the hub, a file: whatever it raises
        raise _refused(names, error) from None
    return loaded


def _refused(names: Sequence[str], error: Exception) -> DataError:
    return DataError(
        f"lm-evaluation-harness cannot ask {', '.join(names)}: {type(error).__name__}: {first_line(error)}; where no "
        "hub can be reached, give a .yaml file whose data_files lie here"
    )


def _names_in(given: Path, files: Sequence[Path]) -> list[str]:
    """Names of the tasks and groups in files."""
    found = list[str]()
    for file in files:
        with storage_errors("read", file):
            text = file.read_text(encoding="utf-8", errors="replace")
        named = {kind: name for kind, name, _ in _NAME.findall(text)}
        found += [named.get("group") or named["task"]] if named else []
    if not found:
        raise ConfigError(f"{given} holds no task: give a .yaml file with `task: NAME`, or a folder of such")
    return found


def _run(model: Any, loaded: Mapping[str, Any], limit: int | None, who: str) -> Mapping[str, Any]:
    logger.info("asking %s", who)
    evaluator = part_of_harness("lm_eval.evaluator")
    try:
        found: Mapping[str, Any] = evaluator.evaluate(
            lm=model, task_dict=loaded, limit=limit, bootstrap_iters=0 if limit == 1 else DRAWS, log_samples=True
        )
    except LREnsembleError:
        raise
    except Exception as error:  # of a template, a metric: whatever it raises
        raise _refused(list(loaded["tasks"]), error) from None
    return found


def _scores(
    task: str, found: Mapping[str, Mapping[str, Any]], members: tuple[str, ...], best: str | None
) -> TaskScores:
    team = _measured(found[""]["results"][task])
    alone = {name: _measured(found[name]["results"][task]) for name in members if name in found}
    rows = found[""].get("n-samples", {}).get(task, {}).get("effective")
    gain = {}
    if best in alone:
        for metric in (each for each in RIGHT if each in team):
            ours, theirs = (_right(found[who], task, metric) for who in ("", str(best)))
            if ours is not None and theirs is not None:
                gain[metric] = gain_of(compared_rows("accuracy", [ours], theirs, None, None)[0], len(ours))
    return TaskScores(rows=rows, team=team, members=alone or {members[0]: team}, gain=gain)


def _measured(found: Mapping[str, Any]) -> dict[str, Measured]:
    """Values of metrics by name, with the filter behind a comma where there is one."""
    values = dict[str, Measured]()
    for key, value in found.items():
        metric, _, kind = key.partition(",")
        if not kind or metric.endswith("_stderr") or not isinstance(value, int | float) or not math.isfinite(value):
            continue
        error = found.get(f"{metric}_stderr,{kind}")
        known = float(error) if isinstance(error, int | float) and math.isfinite(error) else None
        name = metric if kind == "none" else f"{metric},{kind}"
        values[name] = Measured(value=float(value), error=known)
    return values


def _right(found: Mapping[str, Any], task: str, metric: str) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Which rows [row] are right, in the order of the task; None where the harness does not say."""
    samples = sorted(found.get("samples", {}).get(task, ()), key=lambda each: each.get("doc_id", 0))
    values = [each.get(metric) for each in samples]
    return np.array(values, dtype=np.float64) if values and all(value in (0, 1) for value in values) else None
