"""Kernels whose loops run on all cores give on two threads what they give on one: the other tests have one each."""

import os
import subprocess
import sys
from pathlib import Path


def test_kernels_that_share_their_loops_score_as_the_definition() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    result = subprocess.run(
        [*command, str(Path(__file__).with_name("test_incremental.py")), "-k", "smooth"],
        env=os.environ | {"NUMBA_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "passed" in result.stdout
