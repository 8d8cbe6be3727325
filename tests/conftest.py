"""Fixtures shared by all tests: where real data lies, and one thread per test process."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

import pytest
from tests.garbage import collect_seldom, keep_what_is_imported
from tests.unsynced import leave_unsynced

Python = Callable[..., subprocess.CompletedProcess[str]]

# Read when the libraries are loaded, so before any test is. Threads wait for one another by counting: where there are
# more of them than cores (two test processes, two threads in each), nine tenths of the time is that.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # more of them are processes, and import torch
# Asserts are rewritten once and kept: otherwise every test process rewrites all of them in every run, for six seconds.
sys.dont_write_bytecode = False
# What tests start keeps none: where it finds the disk full, Python leaves half a file, and whoever imports that fails.
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
leave_unsynced()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end, so that the garbage collector need not look through it."""
    gc.disable()
    try:
        return (yield)
    finally:
        collect_seldom()


def pytest_runtest_logfinish() -> None:
    """What tests have imported stays."""
    keep_what_is_imported()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded images are kept where the test run keeps its files, in sub-processes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LRENSEMBLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def start_forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Path]]:
    """Starts what `forking` is, once for all processes that run tests, when somebody needs it."""
    from tests.forked import server

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "forking"
    with ExitStack() as stack:
        yield cache(lambda: stack.enter_context(server(folder)))


@pytest.fixture(scope="session")
def forking(start_forking: Callable[[], Path]) -> Path:
    """Where the process listens that has imported the command line already: see `tests/forked.py`."""
    if not hasattr(os, "fork"):
        pytest.skip("commands are run in forked children")
    return start_forking()


@pytest.fixture
def python(forking: Path) -> "Python":
    """`python …` to its end, in a forked child of the process that has imported the command line."""
    from tests.forked import python

    return partial(python, forking)


@pytest.fixture(scope="session", autouse=True)
def own_workers(start_forking: Callable[[], Path]) -> Iterator[None]:
    """Workers of sweeps that tests train themselves cost no imports: see `tests/forked_workers.py`."""
    from tests.forked_workers import forked_workers

    with forked_workers(start_forking):
        yield


@pytest.fixture(scope="session", autouse=True)
def own_operators() -> Iterator[None]:
    """Graphs of ONNX are written with operators that are read once: see `tests/exporters.py`."""
    from tests.exporters import operators_read_once

    with operators_read_once():
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
