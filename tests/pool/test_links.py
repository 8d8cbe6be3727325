"""A link inside a pool is never followed to write or to remove; the pool itself may lie behind one."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import StorageError
from lrensemble.files import draft_file, make_folder, remove, write_folder, write_new, write_whole
from lrensemble.pool import Failure, MemberRecord, Pool, Task

MakePredictions = Callable[[int], dict[str, NDArray[np.float32]]]
Labels = dict[str, NDArray[np.int64]]

REFUSED = "is a link, and links inside a pool are not followed to write or to remove"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody else's."""
    folder = tmp_path / "outside"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "precious.txt").write_text("mine")
    (folder / "a.json").write_text("mine")
    os.utime(folder, ns=(1, 1))
    return folder


def untouched(outside: Path) -> bool:
    names = sorted(str(path.relative_to(outside)) for path in outside.rglob("*"))
    return names == ["a", "a.json", "a/precious.txt"] and outside.stat().st_mtime_ns == 1


def link(pool: Pool, name: str, outside: Path) -> Path:
    place = pool.folder / name
    shutil.rmtree(place, ignore_errors=True)
    place.symlink_to(outside)
    return place


def write_by_draft(path: Path) -> None:
    with draft_file(path) as file:
        file.write(b"")


WAYS: dict[str, Callable[[Path], object]] = {
    "write_whole": lambda path: write_whole(path, b""),
    "write_new": lambda path: write_new(path, b""),
    "write_folder": lambda path: write_folder(path, {"a": b""}),
    "draft_file": write_by_draft,
    "make_folder": make_folder,
    "remove": remove,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["unfinished", "selections", "failed", "looks", "members", "range-tests", "figures"])
def test_no_way_of_writing_or_removing_follows_a_linked_folder(
    pool: Pool, outside: Path, name: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = link(pool, name, outside)
    monkeypatch.chdir(pool.folder.parent)
    for start in (pool.folder, Path(pool.folder.name)):
        for path in (start / name / "a", start / name / "new" / "b", start / name / "a" / "precious.txt"):
            with pytest.raises(StorageError, match=f"{start / name} {REFUSED}"):
                WAYS[way](path)
            assert untouched(outside)
    assert place.is_symlink()


@pytest.mark.parametrize("name", ["unfinished", "selections", "failed", "looks", "members", "range-tests"])
def test_a_pool_with_a_linked_folder_is_refused_before_anything_is_trained(
    pool: Pool, outside: Path, name: str, task: Task, labels: Labels
) -> None:
    link(pool, name, outside)
    with pytest.raises(StorageError, match=REFUSED):
        Pool.create(pool.folder, task, labels)
    assert untouched(outside)


def test_links_in_a_folder_that_is_to_become_a_pool_are_not_followed(
    tmp_path: Path, outside: Path, task: Task, labels: Labels
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "members").symlink_to(outside)
    with pytest.raises(StorageError, match=REFUSED):
        Pool.create(folder, task, labels)
    assert untouched(outside)


def test_a_linked_member_is_read_and_not_written_to(
    pool: Pool, tmp_path: Path, predictions: MakePredictions, outside: Path
) -> None:
    pool.add(MemberRecord(id="a", order=0, name="first"), predictions(1))
    member = pool.folder / "members" / "a"
    member.rename(tmp_path / "elsewhere")
    member.symlink_to(tmp_path / "elsewhere")
    assert [each.id for each in pool.members()] == ["a"]
    assert not pool.add(MemberRecord(id="a", order=0, name="first"), predictions(1))
    assert remove(member)
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == [
        "member.json",
        "predictions.safetensors",
    ]
    assert untouched(outside)


def test_a_link_in_the_place_of_a_file_is_replaced_and_what_it_leads_to_stays(
    pool: Pool, outside: Path, predictions: MakePredictions
) -> None:
    (pool.folder / "failed").mkdir()
    for name in ("failed/a.json", "result.json"):
        (pool.folder / name).symlink_to(outside / "a.json")
    pool.record_failure(Failure(id="a", name="first", traceback="Traceback"))
    write_whole(pool.folder / "result.json", b"{}")
    assert (outside / "a.json").read_text() == "mine"
    assert not (pool.folder / "failed" / "a.json").is_symlink()
    (pool.folder / "failed" / "a.json").unlink()
    (pool.folder / "failed" / "a.json").symlink_to(outside / "a.json")
    assert pool.add(MemberRecord(id="a", order=0, name="first"), predictions(1))
    assert not os.path.lexists(pool.folder / "failed" / "a.json")
    assert untouched(outside)


def test_the_pool_itself_may_lie_behind_a_link(
    tmp_path: Path, task: Task, labels: Labels, predictions: MakePredictions
) -> None:
    real = tmp_path / "big disk"
    real.mkdir()
    (tmp_path / "pool").symlink_to(real)
    pool = Pool.create(tmp_path / "pool", task, labels)
    assert pool.add(MemberRecord(id="a", order=0, name="first"), predictions(1))
    pool.record_failure(Failure(id="b", name="second", traceback="Traceback"))
    assert [member.id for member in Pool.open(tmp_path / "pool").members()] == ["a"]
    assert (real / "members" / "a" / "member.json").exists()


def test_a_link_to_another_pool_is_no_way_out(pool: Pool, tmp_path: Path, task: Task, labels: Labels) -> None:
    other = Pool.create(tmp_path / "other", task, labels)
    (other.folder / "x.json").write_text("mine")
    place = link(pool, "unfinished", other.folder)
    with pytest.raises(StorageError, match=REFUSED):
        remove(place / "x.json")
    assert (other.folder / "x.json").read_text() == "mine"
