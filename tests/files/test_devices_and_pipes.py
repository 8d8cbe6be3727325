"""What is asked to be written to a device or a pipe goes there, and the device stays what it is."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lrensemble.files import write_whole

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no devices and named pipes among the files here")


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_whole(Path(os.devnull), b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_pipe_hands_on_what_is_written(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"row,label")
    reader.join()
    assert read == [b"row,label"]
    assert os.listdir(tmp_path) == ["pipe"]


def test_behind_a_link_as_well(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(os.devnull)
    write_whole(tmp_path / "out", b"gone")
    assert (tmp_path / "out").is_symlink()
    assert stat.S_ISCHR((tmp_path / "out").stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/fd/1", "link"])  # where code is broken, root would replace /dev/stdout
def test_an_own_descriptor_goes_where_it_goes(name: str, tmp_path: Path) -> None:
    """Standard output may be a file: it is written on with what is there, and neither replaced nor begun anew."""
    if not os.path.exists("/dev/stdout"):
        pytest.skip("no such name here")
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "file").write_text("before\n")
    before = os.lstat("/dev/stdout")
    code = (
        "import sys\nfrom pathlib import Path\nfrom lrensemble.files import check_writable, write_whole\n"
        "check_writable(Path(sys.argv[1]))\nwrite_whole(Path(sys.argv[1]), b'page')\nprint(' and after')"
    )
    with (tmp_path / "file").open("ab") as file:
        subprocess.run([sys.executable, "-c", code, tmp_path / name], stdout=file, check=True)
    assert (tmp_path / "file").read_text() == "before\npage and after\n"
    after = os.lstat("/dev/stdout")
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert sorted(os.listdir(tmp_path)) == ["file", "link"]
