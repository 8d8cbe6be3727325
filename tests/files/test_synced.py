"""What is written is on the disk before it is in its place, and its name after: a power failure leaves old or new."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unsynced import fsync

from lrensemble.files import append_line, draft_folder, remove, write_new, write_whole

Written = Callable[[Path], object]


def folder(path: Path) -> None:
    with draft_folder(path) as draft, draft.file("a.txt") as file:
        file.write(b"a")


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synced, by its name, and what is put in its place, in their order."""
    seen: list[str] = []

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        seen.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")

    def told(name: str) -> None:
        before = getattr(os, name)

        def call(*given: object, **more: object) -> None:
            before(*given, **more)
            seen.append("place")

        monkeypatch.setattr(os, name, call)

    monkeypatch.setattr(os, "fsync", synced)
    for name in ("replace", "rename", "link"):
        told(name)
    return seen


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks /proc which file is synced")
@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_whole(path, b"a"),
        lambda path: write_new(path, b"a"),
        folder,
    ],
    ids=["whole", "new", "folder"],
)
def test_content_first_then_the_name(write: Written, course: list[str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    write(home / "result")
    place = course.index("place")
    assert place > 0, "its content is synced before it is put in its place"
    assert all(each.startswith("sync ") for each in course[:place])
    assert "sync home" in course[place:], "and then the folder, which holds its name"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks /proc which file is synced")
def test_a_removed_name_is_gone_and_a_line_is_no_content(course: list[str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "folder").mkdir(parents=True)
    remove(home / "folder")
    assert "sync home" in course
    course.clear()
    append_line(home / "lines", "a")
    assert course == []
