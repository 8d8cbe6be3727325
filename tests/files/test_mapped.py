"""Pages of mapped files are let go, and what is read of them stays the same."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.conftest import Python

from lrensemble.files import release
from lrensemble.pool.sealed import map_arrays

MEBI = 2**20

MANY = """
import resource, sys
from pathlib import Path
import numpy as np
from safetensors.numpy import save_file
from lrensemble.pool.sealed import map_arrays

resource.setrlimit(resource.RLIMIT_NOFILE, (40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
path = Path(sys.argv[1])
save_file({"given": np.arange(3.0)}, path)
print(sum(float(each["given"][2]) for each in [map_arrays(path) for _ in range(90)]))
"""


def resident() -> int:
    """Bytes of files that are mapped into this process and in memory."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssFile"))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_pages_are_let_go_and_read_again(tmp_path: Path) -> None:
    given = np.random.default_rng(0).normal(size=(64, MEBI // 8))
    save_file({"given": given}, tmp_path / "a.safetensors")
    mapped = map_arrays(tmp_path / "a.safetensors")["given"]
    before = resident()
    total = float(mapped.sum())
    assert resident() - before > 50 * MEBI
    release([mapped[3:5]])
    assert resident() - before < 10 * MEBI
    assert float(mapped.sum()) == total


@pytest.mark.skipif(sys.platform != "linux", reason="Windows counts no maps, and macOS says less than it allows")
def test_as_many_files_are_mapped_as_the_system_lets_a_process(python: Python, tmp_path: Path) -> None:
    done = python("-c", MANY, tmp_path / "a.safetensors")
    assert done.stdout == "180.0\n", done.stderr


def test_arrays_in_memory_stay() -> None:
    given = np.arange(12.0).reshape(3, 4)
    release([given, given[1:].T, np.frombuffer(b"12345678")])
    assert given.sum() == 66
