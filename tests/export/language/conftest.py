"""A team of three random adapters on a tiny base."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.export.language.adapters import peft_models, write_adapter
from tests.export.language.pools import experiment, trained, write_instructions
from tests.language.models import tiny_base

import lrensemble
from lrensemble.export.language import LanguageEnsemble
from lrensemble.pool import Pool

WEIGHTS = (0.5, 0.2, 0.3)
Team = Callable[[str], LanguageEnsemble]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("language") / "base")


@pytest.fixture(scope="session")
def folders(base: Path) -> dict[str, Path]:
    return {name: write_adapter(base.parent / name, base, seed) for seed, name in enumerate(("low", "mid", "high"))}


@pytest.fixture(scope="session")
def alone(base: Path, folders: dict[str, Path]) -> list[Any]:
    return peft_models(base, list(folders.values()))


@pytest.fixture(scope="session")
def team(base: Path, folders: dict[str, Path]) -> Team:
    """The team by the name of its consensus."""

    def make(consensus: str) -> LanguageEnsemble:
        return LanguageEnsemble.from_adapters(base, folders, WEIGHTS, consensus=consensus)

    return make


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("adapters of a pool")


@pytest.fixture(scope="session")
def pool(place: Path) -> Pool:
    """Three adapters that were trained in seconds, with teams and a result."""
    base = tiny_base(place / "base")
    return trained(place / "pool", experiment(base, write_instructions(place / "data")))


@pytest.fixture(scope="session")
def exported(pool: Pool, place: Path) -> Path:
    """Folder of its greedy team."""
    return lrensemble.export(str(pool.folder), place / "team", method="greedy").path
