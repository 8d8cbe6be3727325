"""Kernels are compiled when called, and kept where there is room: for one user alone, or not at all, with one line."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and owners of files are POSIX")

# A module of its own, beside which nothing can be kept, even by root: a file stands in the place of its __pycache__.
KERNEL = """
from lrensemble.select.scoring.kernels.jit import compiled

@compiled
def twice(number):
    return 2 * number
"""
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import kernel
print(kernel.twice(21), kernel.twice.dispatcher.stats.cache_hits)
"""


Run = Callable[[], tuple[str, str]]


@pytest.fixture
def run(python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Run:
    """What the kernel gives, and what is said, where neither the home nor the source's folder can be written to."""
    (tmp_path / "kernel.py").write_text(KERNEL, encoding="utf-8")
    (tmp_path / "__pycache__").touch()
    below = str(tmp_path / "kernel.py" / "home")
    (temporary := tmp_path / "temporary").mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    environment |= {"HOME": below, "XDG_CACHE_HOME": below, "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}

    def run_it() -> tuple[str, str]:
        done = python("-c", SCRIPT, tmp_path, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip(), done.stderr

    return run_it


def test_a_folder_of_the_users_among_the_temporary_files_serves_the_next_process(tmp_path: Path, run: Run) -> None:
    assert run() == ("42 Counter()", "")
    (kept,) = (tmp_path / "temporary").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o700
    numbers, said = run()
    assert numbers.startswith("42 Counter({")
    assert not said


def test_a_folder_that_others_can_write_to_is_not_used_and_that_is_said(tmp_path: Path, run: Run) -> None:
    run()
    (kept,) = (tmp_path / "temporary").iterdir()
    kept.chmod(0o777)
    numbers, said = run()
    assert numbers == "42 Counter()"
    assert said.count("compiled kernels are not kept") == 1
    assert len(said.splitlines()) == 1


def test_what_was_kept_and_is_damaged_is_kept_anew(tmp_path: Path, run: Run) -> None:
    run()
    for index in (tmp_path / "temporary").rglob("*.nbi"):
        index.write_bytes(index.read_bytes()[:-9])
    assert run() == ("42 Counter()", "")
    assert run()[0].startswith("42 Counter({")


def test_a_small_pool_is_selected_from_without_a_compiler() -> None:
    script = """
import sys
import numpy as np
from lrensemble.select import SELECTORS, Validation, cross_fit, select
generator = np.random.default_rng(0)
probs = generator.dirichlet(np.ones(3), size=(6, 200))
validation = Validation(np.log(probs), generator.integers(3, size=200))
for method in [name for name in SELECTORS if name not in ("focal_fq", "hierarchical")]:  # these cluster
    select(validation, SELECTORS.example(method))
cross_fit(validation, "greedy", repeats=1)
print(*{"numba", "sklearn.cluster"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_kernel_calls_others_and_keeps_what_it_is() -> None:
    assert total_of_squares(np.arange(5.0)) == 30
    assert total_of_squares.__name__ == "total_of_squares"
    assert (total_of_squares.__doc__ or "").startswith("Sum of squares")


@compiled
def square(number: float) -> float:
    """One number times itself."""
    return number * number


@compiled_parallel
def total_of_squares(numbers: NDArray[np.float64]) -> float:
    """Sum of squares."""
    total = 0.0
    for place in span(numbers.size):
        total += square(numbers[place])
    return total
