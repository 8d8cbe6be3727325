"""Fixtures shared by all tests: where real data lies, and one thread per test process."""

import gc
import os
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import pytest

Python = Callable[..., subprocess.CompletedProcess[str]]

# Read when the libraries are loaded, so before any test is. Threads wait for one another by counting: where there are
# more of them than cores (two test processes, two threads in each), nine tenths of the time is that.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # more of them are processes, and import torch

# Commands that tests stop inherit what this process ignores: under nohup, or in the background, they would go on.
for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end, so that the garbage collector need not look through it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded images are kept where the test run keeps its files, in sub-processes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LRENSEMBLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the process listens that has imported the command line already: see `tests/forked.py`."""
    from tests.forked import server

    if not hasattr(os, "fork"):
        pytest.skip("commands are run in forked children")
    with server(tmp_path_factory.mktemp("forking")) as address:
        yield address


@pytest.fixture
def python(forking: Path) -> "Python":
    """`python …` to its end, in a forked child of the process that has imported the command line."""
    from tests.forked import python

    return partial(python, forking)


@pytest.fixture(scope="session", autouse=True)
def own_workers() -> Iterator[None]:
    """Workers of sweeps that tests train themselves cost no imports: see `tests/forked_workers.py`."""
    from tests.forked_workers import forked_workers

    with forked_workers():
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
