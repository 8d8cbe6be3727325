"""What others put into the folders of a pool is named in one warning and passed over; nothing of it is touched."""

import logging
import shutil
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import PoolError
from lrensemble.pool import Failure, MemberRecord, Pool

MakePredictions = Callable[[int], dict[str, NDArray[np.float32]]]


@pytest.fixture
def full(pool: Pool, predictions: MakePredictions) -> Pool:
    pool.add(MemberRecord(id="a1", order=0, name="first"), predictions(1), history=[{"step": 1}])
    pool.add(MemberRecord(id="b2", order=1, name="second"), predictions(2))
    pool.record_failure(Failure(id="c3", name="third", traceback="Traceback"))
    return pool


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_files_and_folders_of_others_are_named_once_and_passed_over(
    full: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    members = full.folder / "members"
    (members / "Thumbs.db").write_bytes(b"\0")
    (members / ".DS_Store").write_bytes(b"\0")
    (members / "lost+found").mkdir()
    (members / "notes").mkdir()
    (members / "notes" / "monday.txt").write_text("mine")
    shutil.copytree(members / "a1", members / "a1 (copy)")
    shutil.copytree(members / "a1", members / "a1_copy")
    before = sorted(path.relative_to(members) for path in members.rglob("*"))
    assert [member.id for member in full.members()] == ["a1", "b2"]
    assert [member.id for member in full.members(include_diverged=True)] == ["a1", "b2"]
    (said,) = warnings(caplog)
    assert said == (
        f"{members} also holds .DS_Store, Thumbs.db, a1 (copy), a1_copy, lost+found and 1 more, "
        "none of the pool's own; passed over"
    )
    assert sorted(path.relative_to(members) for path in members.rglob("*")) == before


def test_names_that_could_act_on_a_terminal_are_quoted(full: Pool, caplog: pytest.LogCaptureFixture) -> None:
    (full.folder / "members" / "\x1b[2J").write_bytes(b"")
    full.members()
    (said,) = warnings(caplog)
    assert "\x1b" not in said
    assert r"'\x1b[2J'" in said


def test_a_failure_in_a_strange_file_is_none(full: Pool, caplog: pytest.LogCaptureFixture) -> None:
    failed = full.folder / "failed"
    shutil.copy(failed / "c3.json", failed / "c3 (copy).json")
    (failed / "desktop.ini").write_text("[x]")
    assert [failure.id for failure in full.failures()] == ["c3"]
    assert warnings(caplog) == [f"{failed} also holds c3 (copy).json, desktop.ini, none of the pool's own; passed over"]


def test_a_member_without_its_record_is_damaged_and_no_stranger(full: Pool) -> None:
    (full.folder / "members" / "a1" / "member.json").unlink()
    assert "a1" in full
    with pytest.raises(PoolError, match=r"members/a1/member.json is damaged: it is missing"):
        full.members()


def test_a_folder_in_the_way_of_a_member_is_named_and_stays(full: Pool, predictions: MakePredictions) -> None:
    place = full.folder / "members" / "d4"
    place.mkdir()
    assert full.add(MemberRecord(id="d4", order=3, name="into an empty folder"), predictions(4))
    other = full.folder / "members" / "e5"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(PoolError, match=r"members/e5 is in the way of member e5 \(fifth\); move it elsewhere"):
        full.add(MemberRecord(id="e5", order=4, name="fifth"), predictions(5))
    assert [path.name for path in other.iterdir()] == ["mine.txt"]
    assert [member.id for member in full.members()] == ["a1", "b2", "d4"]
