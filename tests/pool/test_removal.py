"""Members leave a pool whole, by id, beginning of an id or name; nothing goes by mistake."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import Python

from lrensemble.errors import PoolError, StorageError
from lrensemble.pool import MemberRecord, Pool, remove_members

MakePredictions = Callable[[int], dict[str, NDArray[np.float32]]]

MEMBERS = {"0123456789ab": "slow", "01aa00000000": "fast", "beef00000000": "twin", "cafe00000000": "twin"}


@pytest.fixture
def full(pool: Pool, predictions: MakePredictions) -> Pool:
    for order, (id, name) in enumerate(MEMBERS.items()):  # noqa: A001
        pool.add(MemberRecord(id=id, order=order, name=name), predictions(order), history=[{"step": 1}])
    return pool


def ids(pool: Pool) -> list[str]:
    return [member.id for member in pool.members()]


@pytest.mark.parametrize(
    ("given", "gone"),
    [
        (["0123456789ab"], ["0123456789ab"]),
        (["012"], ["0123456789ab"]),
        (["fast"], ["01aa00000000"]),
        (["cafe", "slow"], ["cafe00000000", "0123456789ab"]),
        (["fast", "01a", "01aa00000000"], ["01aa00000000"]),
    ],
)
def test_members_go_by_id_beginning_or_name(full: Pool, given: list[str], gone: list[str]) -> None:
    done = remove_members(full, given)
    assert dict(done.removed) == {id: MEMBERS[id] for id in gone}  # noqa: A001
    assert done.gone == ()
    assert ids(full) == [id for id in MEMBERS if id not in gone]  # noqa: A001
    assert sorted(path.name for path in (full.folder / "members").iterdir()) == sorted(set(MEMBERS) - set(gone))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("01", r"'01' fits 2 members of .*: 0123456789ab, 01aa00000000; give an id"),
        ("twin", r"'twin' fits 2 members of .*: beef00000000, cafe00000000; give an id"),
        ("slov", r"has no member 'slov'; did you mean 'slow'\? \(known: slow, fast, twin, twin, "),
        ("", r"has no member ''"),
        ("..", r"has no member '\.\.'"),
        ("../members/0123456789ab", "has no member '../members/0123456789ab'"),
    ],
)
def test_nothing_goes_where_one_name_is_not_understood(full: Pool, given: str, message: str) -> None:
    with pytest.raises(PoolError, match=message):
        remove_members(full, ["fast", given])
    assert ids(full) == list(MEMBERS)


def test_a_name_that_begins_another_members_id_is_the_name(pool: Pool, predictions: MakePredictions) -> None:
    pool.add(MemberRecord(id="abc1", order=0, name="first"), predictions(0))
    pool.add(MemberRecord(id="def2", order=1, name="abc"), predictions(1))
    remove_members(pool, ["abc"])
    assert ids(pool) == ["abc1"]


def test_the_same_again_is_no_mistake(full: Pool) -> None:
    remove_members(full, ["0123456789ab"])
    done = remove_members(full, ["0123456789ab", "fast"])
    assert dict(done.removed) == {"01aa00000000": "fast"}
    assert done.gone == ("0123456789ab",)


def test_a_damaged_member_goes_by_its_id(full: Pool) -> None:
    (full.folder / "members" / "0123456789ab" / "member.json").unlink()
    with pytest.raises(PoolError, match="is damaged"):
        full.members()
    assert dict(remove_members(full, ["0123"]).removed) == {"0123456789ab": "0123456789ab"}
    assert ids(full) == list(MEMBERS)[1:]


def test_a_member_that_is_removed_while_others_read_it_has_gone(full: Pool) -> None:
    """That is no damage, for which nobody has to do anything by hand."""
    first, second = full.members()[:2]
    remove_members(full, [first.id])
    for read in (lambda: first.predictions("val"), first.history):
        with pytest.raises(PoolError) as caught:
            read()
        reason = f"it was removed from {full.folder} while this command was at work; give the command again"
        assert str(caught.value) == f"member {first.id} (slow) has gone: {reason}"
    assert first.id not in ids(full)
    (second.folder / "history.jsonl").unlink()
    with pytest.raises(PoolError, match=r"history\.jsonl is damaged: it is missing"):
        second.history()


def test_strangers_cannot_be_removed(full: Pool) -> None:
    members = full.folder / "members"
    (members / "notes").mkdir()
    shutil.copytree(members / "beef00000000", members / "beef (copy)")
    for name in ("notes", "beef (copy)"):
        with pytest.raises(PoolError, match="has no member"):
            remove_members(full, [name])
    assert (members / "notes").is_dir()
    assert (members / "beef (copy)").is_dir()


def test_a_linked_member_is_unlinked_and_what_it_leads_to_stays(full: Pool, tmp_path: Path) -> None:
    member = full.folder / "members" / "0123456789ab"
    member.rename(tmp_path / "elsewhere")
    member.symlink_to(tmp_path / "elsewhere")
    remove_members(full, ["slow"])
    assert ids(full) == list(MEMBERS)[1:]
    assert (tmp_path / "elsewhere" / "member.json").exists()


def test_members_behind_a_link_stay(full: Pool, tmp_path: Path) -> None:
    (full.folder / "members").rename(tmp_path / "elsewhere")
    (full.folder / "members").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="members is a link"):
        remove_members(full, ["slow"])
    assert len(list((tmp_path / "elsewhere").iterdir())) == len(MEMBERS)


# Removes a member and is killed as soon as it is out of sight, before its files are gone.
KILLED = """
import os, signal, sys
from pathlib import Path
from lrensemble.files import removal
from lrensemble.pool import Pool, remove_members
removal.erase = lambda path: os.kill(os.getpid(), signal.SIGKILL)
remove_members(Pool.open(Path(sys.argv[1])), ["slow"])
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_a_kill_leaves_a_member_whole_or_gone(full: Pool, python: Python) -> None:
    ended = python("-c", KILLED, full.folder)
    assert ended.returncode == -signal.SIGKILL
    assert ids(full) == list(MEMBERS)[1:]
    (left,) = (path for path in (full.folder / "members").iterdir() if path.name.startswith("."))
    assert (left / "member.json").exists()
    assert remove_members(full, ["0123456789ab"]).gone == ("0123456789ab",)
    assert sorted(path.name for path in (full.folder / "members").iterdir()) == list(MEMBERS)[1:]
