"""Inputs that nobody expects are refused in a line or change nothing: some of each kind, always the same ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

INPUTS, SEED = 500, 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="inputs are tried in forked children")
def test_no_input_fails(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--inputs", str(INPUTS), "--seed", str(SEED), "--jobs", "2"]
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [*command, "--keep", str(tmp_path / "failed")], cwd=root, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{ended.stderr[-5000:]}\n{ended.stdout}"
    assert f"{INPUTS} inputs, seed {SEED}: 0 failures" in ended.stdout
