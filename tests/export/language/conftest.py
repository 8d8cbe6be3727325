"""A team of three random adapters on a tiny base."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.export.language.adapters import peft_models, write_adapter
from tests.language.models import tiny_base

from lrensemble.export.language import LanguageEnsemble

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
