"""A disk that is really full: one line, nothing half-written, nothing lost."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import Python
from tests.members import stacked

from lrensemble.errors import StorageError
from lrensemble.pool import Failure, MemberRecord, Pool, Task

MakePredictions = Callable[[int], dict[str, NDArray[np.float32]]]
Labels = dict[str, NDArray[np.int64]]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "lrensemble-test", str(folder)]
    if shutil.which("mount") is None or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            return


def test_a_full_disk_loses_nothing(small_disk: Path, task: Task, labels: Labels, predictions: MakePredictions) -> None:
    pool = Pool.create(small_disk / "pool", task, labels)
    pool.add(MemberRecord(id="a", order=0, name="first"), predictions(1))
    fill(small_disk)
    history = [{"step": step} for step in range(1000)]
    with pytest.raises(StorageError, match=r"cannot write .*/members/b: No space left on device"):
        pool.add(MemberRecord(id="b", order=1, name="second"), predictions(2), history=history)
    with pytest.raises(StorageError, match=r"cannot write .*/failed/b.json: No space left on device"):
        pool.record_failure(Failure(id="b", name="second", traceback="x" * 10_000))
    assert [path.name for path in (pool.folder / "members").iterdir()] == ["a"]
    assert pool.failures() == ()
    assert np.array_equal(stacked(pool, "test")[0], predictions(1)["test"])
    (small_disk / "filler").unlink()
    assert pool.add(MemberRecord(id="b", order=1, name="second"), predictions(2), history=history)
    assert np.array_equal(stacked(Pool.open(pool.folder), "val")[1], predictions(2)["val"])


def test_a_pool_cannot_begin_on_a_full_disk(small_disk: Path, task: Task, labels: Labels) -> None:
    fill(small_disk)
    with pytest.raises(StorageError, match="No space left on device"):
        Pool.create(small_disk / "pool", task, labels)
    (small_disk / "filler").unlink()
    assert Pool.create(small_disk / "pool", task, labels).members() == ()


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from lrensemble.errors import StorageError
from lrensemble.pool import MemberRecord, Pool

pool = Pool.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY))
predictions = {name: np.full((split.size, 3), -np.log(3)) for name, split in pool.task.splits.items()}
try:
    pool.add(MemberRecord(id="b", order=1, name="second"), predictions, history=[{"step": i} for i in range(1000)])
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits on file sizes are POSIX")
def test_a_file_that_may_not_grow_is_refused_alike(pool: Pool, predictions: MakePredictions, python: Python) -> None:
    pool.add(MemberRecord(id="a", order=0, name="first"), predictions(1))
    result = python("-c", LIMITED, pool.folder)
    assert result.stdout == f"cannot write {pool.folder / 'members' / 'b'}: File too large\n"
    assert [path.name for path in (pool.folder / "members").iterdir()] == ["a"]
