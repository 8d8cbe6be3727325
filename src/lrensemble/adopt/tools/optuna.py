"""Adopter of studies of Optuna whose trials left their networks in an artifact store, or in files of their number."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.inside import is_model, models_in
from lrensemble.adopt.logged import NAMES, metric_of
from lrensemble.adopt.parameters import plain_values, with_arguments
from lrensemble.adopt.paths import require_database
from lrensemble.errors import AdoptError, MissingExtraError
from lrensemble.files import scratch_folder

logger = logging.getLogger(__name__)

UNNAMED = "no-name-"
"""Beginning of the names that Optuna gives studies that nobody named."""


def _takes(given: Any) -> bool:
    return type(given).__module__.split(".")[0] == "optuna" and hasattr(given, "trials")


@ADOPTERS.register(takes=_takes, where="URL of the study's storage, or its journal file", module="optuna")
def optuna(
    given: Any,
    asked: Asked,
    *,
    study: str | None = None,
    store: Any = None,
    file: str | None = None,
    metric: str | Sequence[str] | None = None,
) -> list[Found]:
    """Completed trials of a finished study.

    Parameters of a trial, and its user attributes, are facts of the member, and arguments of the builder where it takes
    them. Pruned and failed trials, and such without a network, are left out and told.

    Args:
        given: the study; or the URL of its storage, `sqlite:///study.db`, or the path of its journal file.
        asked: what is known of the networks.
        study: name of the study, where the storage has several.
        store: the artifact store that trials uploaded their networks to, or its folder.
        file: name of the artifact, where trials left several; without a store, the path of each trial's file with
            `{number}` for the number of the trial: `models/{number}.pt`.
        metric: what the objective's value is (`nll`, `accuracy`), which is then compared with the score here; one for
            each objective where there are several.

    Raises:
        AdoptError: no such study, no store, an unknown metric, or no trial that left a network.
        MissingExtraError: Optuna is not installed.
    """
    needed()
    if store is None and (file is None or "{number}" not in file):
        raise AdoptError(
            "say where the trials' networks are: store=… (the artifact store, or its folder), or "
            "file='models/{number}.pt' for files by the number of the trial"
        )
    with _opened(given, study) as opened, scratch_folder() as folder:
        names = _metrics(metric, opened)
        trials = _completed(opened)
        found, without = list[Found](), list[int]()
        for trial in trials:
            path = _network_of(trial, opened, store, file, folder)
            if path is None:
                without.append(trial.number)
            else:
                found += _members(trial, opened, path, asked, names)
        if without:
            logger.warning("study %s: trials %s left no network", opened.study_name, _listed(without))
        if not found:
            raise AdoptError(f"study {opened.study_name} has no completed trial with a network here")
        return found


def needed() -> Any:
    """Optuna.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module("optuna")
    except ImportError:
        raise MissingExtraError("a study of Optuna needs Optuna: pip install 'lrensemble[search]'") from None


def name_of(study: str, number: int) -> str:
    """Name of the member of a trial."""
    return f"trial {number}" if study.startswith(UNNAMED) else f"{study} trial {number}"


def facts_of(trial: Any) -> dict[str, Any]:
    """User attributes, parameters and number of a trial, running or done."""
    return {**plain_values(trial.user_attrs), **plain_values(trial.params), "trial": trial.number}


def asked_of(trial: Any, study: str, asked: Asked) -> Asked:
    """What is known of a trial's network: its parameters are arguments of the builder where it takes them."""
    builder = asked.builder and with_arguments(asked.builder, {**trial.user_attrs, **trial.params})
    return replace(asked, name=name_of(study, trial.number), builder=builder)


def check_metric(name: str) -> str:
    """The name of a metric that is scored here.

    Raises:
        AdoptError: none is called so.
    """
    if not metric_of(name):
        raise AdoptError(f"no score here is called {name!r}; metric is one of {', '.join(NAMES)}, or leave it out")
    return name


@contextmanager
def _opened(given: Any, name: str | None) -> Iterator[Any]:
    """The study, whose storage is closed afterwards where it was opened here.

    Raises:
        AdoptError: it cannot be read, or it is not clear which study.
    """
    if _takes(given):
        yield given
        return
    place, tool = str(given), needed()
    storage = _storage(place, tool)
    try:
        try:
            names = tool.get_all_study_names(storage)
            known = ", ".join(names[:10]) or "none"
            if name is None and len(names) != 1:
                raise AdoptError(f"{place} has the studies {known}; say which: study=NAME")
            if name is not None and str(name) not in names:
                raise AdoptError(f"{place} has no study {str(name)!r}; it has {known}")
            study = tool.load_study(study_name=str(name or names[0]), storage=storage)
        except AdoptError:
            raise
        except Exception as error:  # whatever a database's driver raises
            raise AdoptError(f"{place} is no storage of Optuna that can be read: {_reason(error)}") from None
        yield study
    finally:
        if hasattr(storage, "engine"):
            storage.remove_session()
            storage.engine.dispose()


def _storage(place: str, tool: Any) -> Any:
    """The storage at a URL or in a journal file; nothing is made where there is none.

    Raises:
        AdoptError: there is none.
    """
    require_database(place)
    if "://" not in place and not Path(place).is_file():
        raise AdoptError(f"{place} is no file; give the URL of the study's storage, sqlite:///study.db, or its journal")
    try:
        if "://" in place:
            return tool.storages.RDBStorage(place, skip_table_creation=True)
        return tool.storages.JournalStorage(tool.storages.journal.JournalFileBackend(place))
    except Exception as error:  # whatever a database's driver raises
        raise AdoptError(f"{place} is no storage of Optuna that can be read: {_reason(error)}") from None


def _completed(study: Any) -> list[Any]:
    """Trials that were completed; what became of the others is told."""
    others: dict[str, list[int]] = {}
    for trial in study.trials:
        if trial.state.name != "COMPLETE":
            others.setdefault(trial.state.name.lower(), []).append(trial.number)
    if others:
        told = "; ".join(f"{state}: {_listed(numbers)}" for state, numbers in others.items())
        logger.warning("study %s: trials that were not completed are left out (%s)", study.study_name, told)
    return [trial for trial in study.trials if trial.state.name == "COMPLETE"]


def _network_of(trial: Any, study: Any, store: Any, file: str | None, folder: Path) -> Path | None:
    """Path of the file of a trial's network; None where there is none.

    Raises:
        AdoptError: it is not clear which of its artifacts.
    """
    if store is None:
        path = Path(str(file).replace("{number}", str(trial.number)))
        return path if path.is_file() else None
    artifacts = needed().artifacts
    links = artifacts.get_all_artifact_meta(trial, storage=study._storage)  # the trial alone does not know them
    wanted = [link for link in links if (link.filename == file if file else is_model(link.filename))]
    names = sorted({link.filename for link in wanted})
    if len(names) > 1:
        raise AdoptError(f"trial {trial.number} has the artifacts {', '.join(names)}; say which: file=NAME")
    if not wanted:
        return None
    if isinstance(store, str | Path):
        store = artifacts.FileSystemArtifactStore(str(store))
    path = folder / str(trial.number) / Path(names[0]).name
    path.parent.mkdir()
    try:
        with store.open_reader(wanted[-1].artifact_id) as reader:
            path.write_bytes(reader.read())
    except Exception as error:  # of any store
        logger.warning("trial %d: its artifact %s is not in the store: %s", trial.number, names[0], _reason(error))
        return None
    return path


def _members(trial: Any, study: Any, path: Path, asked: Asked, names: Sequence[str]) -> list[Found]:
    """Members of one trial's file."""
    name = name_of(study.study_name, trial.number)
    values = dict(zip(names, trial.values or (), strict=False))
    label = names[0] if len(names) == 1 else "value"
    return [
        replace(
            one,
            name=name,
            facts={**one.facts, **facts_of(trial), "study": study.study_name},
            logged={**one.logged, **values},
            history=one.history or [{"step": step, label: v} for step, v in sorted(trial.intermediate_values.items())],
            seconds=trial.duration.total_seconds() if trial.duration else None,
        )
        for one in models_in(path, asked_of(trial, study.study_name, asked))
    ]


def _metrics(asked: str | Sequence[str] | None, study: Any) -> list[str]:
    """Name of each objective's value, where they are known.

    Raises:
        AdoptError: another number of them, or one that is not scored here.
    """
    if asked is None:
        return list(study.metric_names or ())
    names = [asked] if isinstance(asked, str) else list(asked)
    if len(names) != len(study.directions):
        raise AdoptError(f"study {study.study_name} has {len(study.directions)} objectives; metric names each of them")
    return [check_metric(name) for name in names]


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    return shown if len(numbers) <= 10 else f"{shown} and {len(numbers) - 10} more"


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
