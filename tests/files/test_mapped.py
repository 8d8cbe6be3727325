"""Pages of mapped files are let go, and what is read of them stays the same."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lrensemble.files import release
from lrensemble.pool.sealed import map_arrays

MEBI = 2**20


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


def test_arrays_in_memory_stay() -> None:
    given = np.arange(12.0).reshape(3, 4)
    release([given, given[1:].T, np.frombuffer(b"12345678")])
    assert given.sum() == 66
