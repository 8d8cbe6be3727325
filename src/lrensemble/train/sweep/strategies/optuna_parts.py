"""Samplers, pruners and storages of Optuna, by the names that an experiment gives them."""

from __future__ import annotations

import inspect
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lrensemble.config import Experiment
from lrensemble.config.space import Uniform
from lrensemble.errors import LREnsembleError, MissingExtraError, SpecError, StorageError
from lrensemble.files import check_no_link, make_folder
from lrensemble.files.shared import MOUNTS, OF_ONE_MACHINE, file_system_of
from lrensemble.registry import nearest
from lrensemble.spec import Spec, SpecLike, Value, to_spec
from lrensemble.train.sweep.points import Point, point_of, rounded, values_of

DATABASE, JOURNAL = "search.db", "search.journal"
"""Files of the Optuna study in a pool's folder: on a disk of this machine, and on one that several may share."""
UNUSABLE = ("CmaEsSampler", "GridSampler", "PartialFixedSampler", "PatientPruner", "WilcoxonPruner")
"""Classes that keep pickles in the study, need objects that no text can give, or are for another kind of search."""
ONE_SEED = ("QMCSampler",)
"""Samplers whose draws fill a space together, and so must have the same seed at every draw."""


def need_optuna() -> ModuleType:
    """Optuna, if it is installed; it logs only warnings.

    Raises:
        MissingExtraError: it is not.
    """
    try:
        optuna = import_module("optuna")
    except ImportError:
        raise MissingExtraError("strategy optuna needs Optuna; pip install 'lrensemble[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def build_sampler(given: SpecLike, seed: int, index: int, parameter: int = 0) -> Any:
    """Sampler for one trial, whose draws are a function of the seed, the trial's index and the trials before it.

    Args:
        given: a class of `optuna.samplers` by its name in words, with arguments: `tpe(multivariate=True)`.
        seed: the seed of the search.
        index: the trial's position in the search, from 0.
        parameter: position of the parameter that it draws first, in the trial.

    Raises:
        SpecError: no such sampler, or an argument that it refuses.
        MissingExtraError: Optuna is not installed.
    """
    name = _class_name("sampler", given)
    entropy = (seed, 0 if name in ONE_SEED else index, *([parameter] if parameter else []))
    drawn = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    return _build("sampler", given, seed=drawn)


def build_pruner(given: SpecLike) -> Any:
    """Pruner by name: `successive_halving(reduction_factor=2)`; `nop` never prunes.

    Raises:
        SpecError: no such pruner, or an argument that it refuses.
        MissingExtraError: Optuna is not installed.
    """
    return _build("pruner", given)


def place_in(folder: Path, mounts: Path = MOUNTS) -> str:
    """Place of a study in a pool's folder, as the `storage` that one would give.

    SQLite is safe where one machine has the disk, and its authors advise against it on network file systems: there,
    and where the file system is not known, a new study is Optuna's journal, which locks by what those do have.

    Args:
        folder: of a pool; made where it is not there.
        mounts: table of what is mounted where.

    Raises:
        StorageError: the folder cannot be made, or a file of the study is a link.
    """
    make_folder(folder)
    for name in (*(f"{DATABASE}{beside}" for beside in ("", "-journal", "-wal", "-shm")), JOURNAL):
        check_no_link(folder / name)
    database, kind = folder / DATABASE, file_system_of(folder, mounts)
    shared = kind not in OF_ONE_MACHINE and sys.platform == "linux"  # elsewhere nothing tells the one from the other
    return str(folder / JOURNAL) if shared and not database.exists() else f"sqlite:///{database}"


def open_storage(place: str) -> Any:
    """Storage of a study: a database by its URL, or the file of Optuna's journal.

    Raises:
        StorageError: it cannot be opened.
    """
    optuna = need_optuna()
    try:
        if "://" in place:
            return optuna.storages.RDBStorage(place)
        return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(place))
    except Exception as error:  # whatever the database's driver raises
        reason = " ".join(str(error).split())
        raise StorageError(f"cannot open the study at {place}: {reason}") from None


@contextmanager
def study_errors(place: str) -> Iterator[None]:
    """Turn what a study's storage raises while it is used into one line that says where it lies.

    Args:
        place: as `open_storage` takes it.

    Raises:
        StorageError: the file is damaged, was changed, or cannot be written.
    """
    from sqlalchemy.exc import SQLAlchemyError  # comes with Optuna

    damaged = (json.JSONDecodeError, UnicodeDecodeError, KeyError, AssertionError)
    broken = (SQLAlchemyError, need_optuna().exceptions.OptunaError, OSError, *damaged)
    try:
        yield
    except broken as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StorageError(
            f"the study at {place} cannot be used any more: {reason}; move it away to begin a "
            "new search, which takes the members that are there"
        ) from None


def close_storage(storage: Any) -> None:
    """Close the connections of a database."""
    if hasattr(storage, "engine"):
        storage.remove_session()
        storage.engine.dispose()


def _build(kind: str, given: SpecLike, **more: object) -> Any:
    spec = to_spec(given)
    made = getattr(import_module(f"optuna.{kind}s"), _class_name(kind, given))
    accepted = [key for key in inspect.signature(made).parameters if key not in more]
    for key in spec.arguments:
        if key not in accepted:
            raise SpecError(f"{kind} {spec.name!r} has no argument {key!r}{nearest(key, accepted)}")
    seeded = {key: value for key, value in more.items() if key in inspect.signature(made).parameters}
    try:
        with warnings.catch_warnings():  # Optuna calls half of them experimental
            warnings.simplefilter("ignore", need_optuna().exceptions.ExperimentalWarning)
            return made(**spec.arguments, **seeded)
    except Exception as error:  # Optuna checks values by several kinds of exception
        raise SpecError(f"{kind} {spec} is refused: {' '.join(str(error).split())}") from None


def _class_name(kind: str, given: SpecLike) -> str:
    """Name of the class of Optuna that a name in words means: `TPESampler` for `tpe`.

    Raises:
        SpecError: there is none.
    """
    need_optuna()
    suffix = kind.capitalize()
    try:
        spec = to_spec(given)
    except LREnsembleError as error:
        raise SpecError(f"{kind}: {error}") from None
    known = {
        _words(name.removesuffix(suffix)): name
        for name in vars(import_module(f"optuna.{kind}s"))
        if name.endswith(suffix) and not name.startswith("Base") and name not in UNUSABLE
    }
    if spec.name not in known:
        raise SpecError(f"no {kind} named {spec.name!r}{nearest(spec.name, sorted(known))}")
    return known[spec.name]


def _words(name: str) -> str:
    """`SuccessiveHalving` to `successive_halving`, `TPE` to `tpe`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def suggest(experiment: Experiment, trial: Any, reseed: Callable[[int], None]) -> Point:
    """Point of a trial: a policy, and then what varies with it.

    Args:
        experiment: the experiment that has the space.
        trial: one that is running and draws, or one that has ended and has its values.
        reseed: called with the position of every parameter but the first, before it is drawn: a trial that was killed
            between two parameters draws the second as if it had just drawn the first.
    """
    entries = {_entry_name(*entry): entry for entry in experiment.sweep.entries(experiment.policy)}
    policy, along = entries[trial.suggest_categorical("policy", list(entries))]
    values = dict(along)
    for place, (path, distribution) in enumerate(experiment.sweep.ranges(policy.name).items(), 1):
        name = experiment.sweep.key_path(policy.name, path).removeprefix("sweep.").removeprefix("space.")
        if name not in trial.params:
            reseed(place)
        if isinstance(distribution, Uniform):
            drawn = trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
            values[path] = rounded(drawn, distribution)
        else:
            values[path] = _suggest_one(trial, name, values_of(distribution))
    return point_of(policy, values)


def _entry_name(policy: Spec, along: Mapping[str, Value]) -> str:
    """Policy in its text form, with the values that go along with it."""
    return ", ".join([str(policy), *(f"{path}={value!r}" for path, value in along.items())])


def _suggest_one(trial: Any, name: str, values: tuple[Value, ...]) -> Value:
    """Value from a list; Optuna takes only scalars, and distinct ones."""
    plain = all(isinstance(value, str | int | float) for value in values) and len(set(values)) == len(values)
    categories = list(values) if plain else [repr(value) for value in values]
    return values[categories.index(trial.suggest_categorical(name, categories))]
