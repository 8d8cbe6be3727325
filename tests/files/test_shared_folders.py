"""What a file system must do for claims: asked of real ones, and of one that copies where others rename."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lrensemble.errors import StorageError
from lrensemble.files.shared import broken_promises, copies, file_system_of

MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
server:/export /home nfs4 rw,vers=4.2 0 0
mybucket /home/me/my\\040bucket fuse.s3fs rw 0 0
none /home/me/scratch tmpfs rw 0 0
/dev/vdb /home/me/scratch xfs rw 0 0
"""


def create_twice(path: Path) -> None:
    path.touch()


def copy_over(source: Path, target: Path) -> None:
    """A rename as file systems over object stores have it: one file after another, over what is there."""
    target.mkdir(exist_ok=True)
    for each in source.iterdir():
        shutil.copy(each, target)
    shutil.rmtree(source)


def keep_the_old(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)


def test_a_disk_of_this_machine_keeps_all_promises_and_nothing_is_left(tmp_path: Path) -> None:
    assert broken_promises(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="has no such disk")
def test_so_does_a_disk_in_memory(tmp_path: Path) -> None:
    folder = Path("/dev/shm") / f"{tmp_path.name}-{os.getpid()}"
    folder.mkdir()
    try:
        assert broken_promises(folder) == []
        assert file_system_of(folder) == "tmpfs"
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts")
def test_what_cannot_be_written_is_an_error_and_no_broken_promise(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", tmp_path], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("cannot mount here")
    try:
        with pytest.raises(StorageError, match="cannot write"):
            broken_promises(tmp_path)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_each_broken_promise_is_named(tmp_path: Path) -> None:
    twice, over = "lets a file be created twice that may be created once", "renames a folder over another one that is"
    assert broken_promises(tmp_path, create=create_twice) == [twice]
    (line,) = broken_promises(tmp_path, rename=copy_over)
    assert line.startswith(over)
    (line,) = broken_promises(tmp_path, rename=keep_the_old)
    assert line == "does not move a folder with what lies in it when it is renamed"
    assert len(broken_promises(tmp_path, create=create_twice, rename=copy_over)) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_is_that_of_the_deepest_point_and_of_the_last_one_there(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    found = {path: file_system_of(Path(path), table) for path in ("/etc", "/home/me", "/home/me/my bucket/pool")}
    assert found == {"/etc": "ext4", "/home/me": "nfs4", "/home/me/my bucket/pool": "fuse.s3fs"}
    assert file_system_of(Path("/home/me/scratch"), table) == "xfs"
    assert file_system_of(Path("/homes"), table) == "ext4"
    assert file_system_of(Path("/etc"), tmp_path / "missing") == ""


def test_object_stores_behind_a_file_system_are_known_by_name() -> None:
    assert [copies(kind) for kind in ("fuse.s3fs", "fuse.gcsfuse", "fuse.rclone")] == [
        "Amazon S3",
        "Google Cloud Storage",
        "an object store",
    ]
    assert [copies(kind) for kind in ("nfs4", "lustre", "ceph", "fuse.juicefs", "ext4", "")] == [None] * 6


def test_the_table_of_this_machine_is_read(tmp_path: Path) -> None:
    if not Path("/proc/mounts").exists():
        pytest.skip("Linux alone has it")
    with contextlib.suppress(FileNotFoundError):
        told = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True).stdout
        assert file_system_of(tmp_path)[:3] == told.strip()[:3], "ext4 is ext2/ext3 to stat"
