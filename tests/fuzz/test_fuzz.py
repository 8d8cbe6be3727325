"""Inputs that nobody expects are refused in a line or change nothing: some of each kind, always the same ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="inputs are tried in forked children")
@pytest.mark.parametrize(("inputs", "seed"), [(200, 0), pytest.param(1000, 1, marks=pytest.mark.long)])
def test_no_input_fails(tmp_path: Path, inputs: int, seed: int) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--inputs", str(inputs), "--seed", str(seed), "--jobs", "2"]
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [*command, "--keep", str(tmp_path / "failed")], cwd=root, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{ended.stderr[-5000:]}\n{ended.stdout}"
    assert f"{inputs:,} inputs, seed {seed}: 0 failures" in ended.stdout
