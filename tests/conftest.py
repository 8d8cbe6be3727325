"""Fixtures shared by all tests: where real data lies, and one thread per test process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded images are kept where the test run keeps its files, in sub-processes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LRENSEMBLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets, from LRENSEMBLE_DATA or beside the project; tests skip where there is none."""
    folder = Path(os.environ.get("LRENSEMBLE_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: set LRENSEMBLE_DATA, or put it at {folder}")
    return folder


@pytest.fixture(scope="session")
def shared_golden(shared_data: Path) -> Path:
    """Folder of values printed by other people's programs."""
    folder = shared_data.parent / "golden"
    if not folder.is_dir():
        pytest.skip(f"no golden values at {folder}")
    return folder
