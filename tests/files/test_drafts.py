"""Drafts: names that say who writes, cleared once the writer is gone and never while it lives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lrensemble.errors import StorageError
from lrensemble.files import (
    Holder,
    alive,
    clear_abandoned,
    discard,
    draft_file,
    draft_of,
    file_system_now,
    is_draft,
    read_holder,
    remove,
    this_process,
    write_new,
    write_whole,
)

posix = pytest.mark.skipif(os.name != "posix", reason="processes are asked for on POSIX alone")

# Writes half of a file, says so, and waits.
HALF = """
import sys
from pathlib import Path
from lrensemble.files import draft_file, this_process
with draft_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print(this_process(), flush=True)
    sys.stdin.readline()
"""


def half_written(path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HALF, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def told(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def drafts(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if is_draft(path.name)]


@posix
@pytest.mark.parametrize("name", ["report.html", "x.json", "state.safetensors", "ü" * 120, "a" * 255])
def test_a_draft_names_its_writer_and_stays_while_it_lives(tmp_path: Path, name: str) -> None:
    process = half_written(tmp_path / name)
    holder = read_holder(told(process))
    assert holder is not None
    assert holder.process == process.pid
    (draft,) = drafts(tmp_path)
    assert draft.name.startswith(".")
    assert draft.suffix == ".draft"
    assert str(holder) in draft.name
    assert alive(holder) is True
    clear_abandoned(tmp_path)
    assert draft.read_bytes() == b"half"
    process.communicate("go\n", timeout=60)
    assert process.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert alive(holder) is False


@posix
def test_a_draft_of_a_killed_writer_goes_when_its_folder_is_next_written_to(tmp_path: Path) -> None:
    process = half_written(tmp_path / "a.json")
    assert told(process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert len(drafts(tmp_path)) == 1
    write_whole(tmp_path / "b.json", b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


@posix
def test_a_killed_writer_that_nobody_has_fetched_is_dead(tmp_path: Path) -> None:
    process = half_written(tmp_path / "a.json")
    holder = read_holder(told(process))
    assert holder is not None
    os.kill(process.pid, signal.SIGKILL)
    for _ in range(1000):  # it stays in the table of processes until its parent asks
        if alive(holder) is False:
            break
        time.sleep(0.01)
    assert alive(holder) is False
    process.communicate()


@posix
def test_another_process_by_the_same_number_is_not_the_writer(tmp_path: Path) -> None:
    me = this_process()
    assert alive(me) is True
    if not me.started:
        pytest.skip("this system does not tell when a process began")
    earlier = Holder(me.machine, me.process, me.started - 1)
    assert alive(earlier) is False
    left = tmp_path / f".a.json.{earlier}-00000000.draft"
    left.write_bytes(b"half")
    own = draft_of(tmp_path / "b.json")
    own.write_bytes(b"half")
    clear_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == [own]


@posix
def test_a_child_is_not_its_parent() -> None:
    me = this_process()
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write, str(this_process()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert read_holder(os.read(read, 100).decode()) != me


def test_writers_of_other_machines_are_not_asked_for() -> None:
    assert alive(Holder("0" * 8, os.getpid(), 1)) is None


@pytest.mark.parametrize("name", ["members", "a.json", ".a.draft", ".hidden.json", ".draft", "x.0-1-1-0.draft"])
def test_other_names_are_no_drafts(name: str) -> None:
    assert not is_draft(name)


def test_a_link_that_looks_like_a_draft_goes_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    me = this_process()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / f".a.{me.machine}-{2**22 + 7}-1-00000000.draft").symlink_to(outside)
    clear_abandoned(folder)
    assert list(folder.iterdir()) == []
    assert (outside / "mine").read_text() == "mine"


def test_nothing_is_left_of_what_fails(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"before")

    def fail() -> None:
        with draft_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_that_write_a_new_file_at_once_one_succeeds(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from lrensemble.files import write_new; sys.stdin.readline(); "
    script += "print(write_new(Path(sys.argv[1]), sys.argv[2].encode() * 9999))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "claim"), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    said = [process.communicate("go\n", timeout=60)[0].strip() for process in processes]
    assert sorted(said) == ["False", "False", "False", "True"]
    assert (tmp_path / "claim").read_text() == str(said.index("True")) * 9999
    assert [path.name for path in tmp_path.iterdir()] == ["claim"]


def test_a_new_file_needs_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "link")
    assert write_new(tmp_path / "claim", b"first")
    assert not write_new(tmp_path / "claim", b"second")
    assert (tmp_path / "claim").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["claim"]


def test_removing_takes_files_folders_and_links_and_tells_whether_there_was_one(tmp_path: Path) -> None:
    folder, file, link = tmp_path / "folder", tmp_path / "file", tmp_path / "link"
    folder.mkdir()
    (folder / "in").write_text("it")
    file.write_text("it")
    kept = tmp_path / "kept"
    kept.mkdir()
    link.symlink_to(kept)
    for path in (folder, file, link):
        assert remove(path)
        assert not remove(path)
    assert list(tmp_path.iterdir()) == [kept]


def test_what_cannot_be_removed_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "pool"
    file.mkdir()
    (file / "pool.json").write_text("{}")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "state").write_text("mine")
    (file / "unfinished").symlink_to(outside)
    with pytest.raises(StorageError, match="unfinished is a link, and links inside a pool are not followed"):
        remove(file / "unfinished" / "state")
    discard(file / "unfinished" / "state")
    assert "unfinished is a link" in caplog.text
    assert (outside / "state").read_text() == "mine"


def test_the_file_systems_clock_is_read_without_a_trace(tmp_path: Path) -> None:
    before = time.time()
    now = file_system_now(tmp_path)
    assert abs(now - before) < 60
    assert list(tmp_path.iterdir()) == []
