"""Room for work that nobody keeps: gone when it is done with, also where the system lacks a call."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from lrensemble.errors import StorageError
from lrensemble.files import is_draft, reserve, scratch_array, scratch_folder

KILLED = """
import sys
from lrensemble.files import scratch_folder
with scratch_folder() as folder:
    (folder / "half").write_bytes(b"half")
    print(folder, flush=True)
    sys.stdin.readline()
"""


def test_a_scratch_folder_goes_with_what_is_in_it() -> None:
    with scratch_folder() as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "file").write_bytes(b"it")
        assert is_draft(folder.name)
    assert not folder.exists()


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_that_of_a_killed_process_goes_when_the_next_begins(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment) as process:
        assert process.stdout
        left = Path(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (left / "half").exists()
    subprocess.run(command, input="go\n", text=True, env=environment, check=True, capture_output=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lacks", [False, True])
def test_a_scratch_array_holds_what_is_written(monkeypatch: pytest.MonkeyPatch, lacks: bool) -> None:
    if lacks:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    array = scratch_array((3, 5, 700_000))
    array[2, 4] = 7.0
    assert isinstance(array, np.memmap)
    assert array[2, 4, -1] == 7.0
    assert not array[1].any()


def test_a_file_system_that_reserves_nothing_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    size = 3 * 2**20 + 17
    with tempfile.TemporaryFile() as file:
        reserve(file, size)
        assert os.fstat(file.fileno()).st_size == size


def test_a_disk_that_is_too_small_is_one_line() -> None:
    with pytest.raises(StorageError, match="cannot write "):
        scratch_array((2**40, 2**10))
