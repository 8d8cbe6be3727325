"""Inputs that nobody expects are refused in a line or change nothing: some of each kind, always the same ones."""

import os
from pathlib import Path

import pytest
from tests.conftest import Python


@pytest.mark.skipif(not hasattr(os, "fork"), reason="inputs are tried in forked children")
@pytest.mark.parametrize(("inputs", "seed"), [(40, 15), pytest.param(1000, 1, marks=pytest.mark.long)])
def test_no_input_fails(python: Python, tmp_path: Path, inputs: int, seed: int) -> None:
    # In one process: what a command gives undisturbed is asked for once in each.
    command = ("-m", "tests.fuzz", "--inputs", inputs, "--seed", seed, "--jobs", 1, "--keep", tmp_path / "failed")
    ended = python(*command)
    assert ended.returncode == 0, f"{ended.stderr[-5000:]}\n{ended.stdout}"
    _, *kinds, summary = ended.stdout.splitlines()
    assert summary.startswith(f"{inputs:,} inputs, seed {seed}: 0 failures")
    assert all(int(line[24:32]) > 0 for line in kinds), "inputs of every kind"
