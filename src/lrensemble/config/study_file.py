"""A study as it is read from its file: the experiment of each of its pools, for every replicate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrensemble.config.experiment import Experiment, read_experiment
from lrensemble.config.records import read_toml, to_record
from lrensemble.config.shipped import STUDIES, place_of
from lrensemble.config.study import POOL_SECTIONS, StudySettings
from lrensemble.errors import UnknownNameError
from lrensemble.registry import registry_of
from lrensemble.spec import Spec

SEEDS_APART = 1000
"""Difference between the base seeds of two replicates: strategies count upwards from one."""

SECTIONS = ("data", "split", "model", "policy", "train", "sweep")
"""Sections of an experiment that a study replaces."""


@dataclass(frozen=True)
class Study:
    """Study with the experiment that it begins with. Made by `load_study`."""

    name: str
    source: str
    """What messages call its file."""
    folder: Path
    """Folder that paths in it begin at."""
    settings: StudySettings
    base: Mapping[str, Any]
    """What the experiment's file says, with the sections that the study replaces for all pools."""

    @property
    def trained(self) -> tuple[str, ...]:
        """Names of the pools that are trained, in the order of the file."""
        return tuple(name for name, pool in self.settings.pools.items() if pool.is_trained)

    def seed(self, replicate: int) -> int:
        """Base seed of a replicate; it follows that of the experiment."""
        train = self.base.get("train", {})
        first = train.get("seed", 0) if isinstance(train, dict) else 0
        return int(first) + SEEDS_APART * replicate if isinstance(first, int) else replicate

    def folders(self, name: str) -> tuple[Path, ...]:
        """Folders of a pool that was made elsewhere, the first replicate first; none of one that is trained."""
        return tuple(self.folder / path for path in self.settings.pools[name].elsewhere)

    def experiment(self, name: str, replicate: int) -> Experiment:
        """Experiment that trains a pool.

        Raises:
            ConfigError: a key or value that is refused; the line names the pool.
        """
        pool, seed = self.settings.pools[name], self.seed(replicate)
        content = _replaced(self.base, {section: getattr(pool, section) for section in POOL_SECTIONS})
        content = _replaced(content, {"train": {"seed": seed}})
        experiment = to_record(Experiment, content, f"{self.source}: pools.{name}")
        strategy = _seeded(experiment.sweep.strategy, seed)
        return experiment.model_copy(update={"sweep": experiment.sweep.model_copy(update={"strategy": strategy})})


def load_study(given: str | Path, *, data: Path | None = None, plugins: tuple[str, ...] = ()) -> Study:
    """Read a study and the experiment that it begins with.

    Args:
        given: the path of a TOML file, or the name of one that ships with the package.
        data: folder of the data set's files, in place of the experiment's.
        plugins: modules beside those that the files name.

    Raises:
        ConfigError: no such study or experiment, not TOML, or a key or value that is refused.
        StorageError: a file cannot be read.
    """
    path, source = place_of(str(given), STUDIES, "study")
    settings = to_record(StudySettings, read_toml(path, source), source)
    is_path = Path(settings.experiment).suffix == ".toml"
    base, _ = read_experiment(path.parent / settings.experiment if is_path else settings.experiment)
    base = _replaced(base, {section: getattr(settings, section) for section in SECTIONS})
    if data is not None:
        base = _replaced(base, {"data": {"folder": str(data)}})
    own = base.get("plugins", [])
    base["plugins"] = [*own, *settings.plugins, *plugins] if isinstance(own, list) else own
    base["select"] = settings.select.model_dump(mode="json", exclude_unset=True)
    study = Study(path.stem, source, path.parent, settings, base)
    for name in study.trained:
        study.experiment(name, 0)
    return study


def _replaced(base: Mapping[str, Any], sections: Mapping[str, Any]) -> dict[str, Any]:
    """What an experiment says, with other sections: keys of a table replace its keys, all else replaces the whole.

    A table with a name replaces the whole as well: arguments of one network are not those of another. Of epochs for
    each run and epochs for all runs, which exclude each other, the later ones stay.
    """
    content = dict(base)
    for section, given in sections.items():
        if given is None:
            continue
        written = {"name": before} if isinstance(before := content.get(section, {}), str) else before
        merges = isinstance(given, dict) and isinstance(written, dict) and "name" not in given
        content[section] = {**written, **given} if merges else given
    for section, other in (("train", "sweep"), ("sweep", "train")):
        there = content.get(other)
        if _has_epochs(sections.get(section)) and not _has_epochs(sections.get(other)) and isinstance(there, dict):
            content[other] = {key: value for key, value in there.items() if key != "epochs"}
    return content


def _has_epochs(section: object) -> bool:
    return isinstance(section, dict) and "epochs" in section


def _seeded(strategy: Spec, seed: int) -> Spec:
    """A strategy that draws, with a seed of its own for each replicate unless it is given one."""
    try:
        draws = "seed" in registry_of("strategies").find(strategy.name).own
    except UnknownNameError:  # its use will say so
        return strategy
    if not draws or "seed" in strategy.arguments:
        return strategy
    return Spec(strategy.name, {**strategy.arguments, "seed": seed})
