"""Kernels whose loops run on all cores give on two threads what they give on one: the other tests have one each."""

from pathlib import Path

from tests.conftest import Python


def test_kernels_that_share_their_loops_score_as_the_definition(python: Python) -> None:
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore:Module already imported")
    tests = Path(__file__).with_name("test_incremental.py")
    result = python(*command, tests, "-k", "smooth", NUMBA_NUM_THREADS="2")
    assert result.returncode == 0, result.stdout
    assert "passed" in result.stdout
