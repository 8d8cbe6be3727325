"""The library of faults and the process that forks commands, once for all tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash.build import build, reason_against
from tests.crash.watched import Forks, forks


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`faults.c`, compiled."""
    if reason := reason_against():
        pytest.skip(reason)
    return build(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def running(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """The process that has imported everything."""
    with forks(library, tmp_path_factory.mktemp("forks")) as started:
        yield started
