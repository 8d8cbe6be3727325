"""Claims: one holder at a time, taken over when it is gone, and nothing written by one that lost it."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lrensemble.errors import ConfigError, LostClaimError, StorageError
from lrensemble.files import write_folder, write_whole
from lrensemble.files.beating import beating
from lrensemble.files.claims import POLL_SECONDS, Claim, Held, claim, claimed, holder_of, poll_pause, tidy
from lrensemble.files.holder import Holder

posix = pytest.mark.skipif(os.name != "posix", reason="asks whether a process lives")

HOLD = """
import sys
from pathlib import Path
from lrensemble.files.claims import claim

mine = claim(Path(sys.argv[1]), "run")
(mine.folder / "state").write_text("half-way")
print(mine.folder.name, flush=True)
sys.stdin.readline()
"""

# Every process has the name 20 times. In the block it adds to a number that nobody else may touch meanwhile.
COUNT = """
import sys, time
from pathlib import Path
from lrensemble.files import claims

claims.POLL_SECONDS = (0.001, 0.01)
print("ready", flush=True)
sys.stdin.readline()
number = Path(sys.argv[1]) / "number"
for _ in range(20):
    with claims.claimed(Path(sys.argv[1]) / "claims", "count"):
        seen = int(number.read_text())
        time.sleep(0.001)
        number.write_text(str(seen + 1))
"""


def start(script: str, folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", script, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def end(process: "subprocess.Popen[str]") -> None:
    process.communicate("go\n", timeout=120)
    assert process.returncode == 0


def have(home: Path, name: str = "run", lease: int | None = None) -> Claim:
    mine = claim(home, name, lease)
    assert isinstance(mine, Claim)
    return mine


def put(home: Path, holder: Holder, *, lease: int = 300, age: float = 0, state: str = "half-way") -> Path:
    """The claim of another process, as it lies on the disk; so many seconds old by the clock of the file system."""
    folder = home / "run" / f"{holder}-0123abcd.{lease}s.elsewhere"
    folder.mkdir(parents=True)
    (folder / "state").write_text(state)
    now = folder.stat().st_mtime
    os.utime(folder, (now - age, now - age))
    return folder


ELSEWHERE = Holder("0" * 8, 4711, 1)
"""A process of a machine that cannot be asked."""


def test_it_is_a_folder_that_goes_when_its_work_is_done(tmp_path: Path) -> None:
    mine = have(tmp_path / "unfinished")
    assert mine.folder.parent == tmp_path / "unfinished" / "run"
    assert re.fullmatch(rf"[0-9a-f]{{8}}-{os.getpid()}-\d+-[0-9a-f]{{8}}\.300s\.[\w-]+", mine.folder.name)
    (mine.folder / "state").write_text("all")
    mine.finish()
    assert not list((tmp_path / "unfinished").iterdir())


def test_what_is_left_goes_to_the_next_holder_and_what_is_empty_to_nobody(tmp_path: Path) -> None:
    mine = have(tmp_path)
    (mine.folder / "state").write_text("half-way")
    mine.release()
    assert holder_of(tmp_path, "run") is None
    again = have(tmp_path)
    assert (again.folder / "state").read_text() == "half-way"
    (again.folder / "state").unlink()
    again.release()
    assert not list(tmp_path.iterdir())


@posix
def test_a_living_process_keeps_it_and_is_named(tmp_path: Path) -> None:
    process = start(HOLD, tmp_path)
    name = line(process)
    held = claim(tmp_path, "run")
    assert isinstance(held, Held)
    assert held == holder_of(tmp_path, "run")
    assert str(held).startswith(f"process {process.pid} on ")
    assert [path.name for path in (tmp_path / "run").iterdir()] == [name]
    assert isinstance(claim(tmp_path, "another"), Claim)
    end(process)


@posix
def test_that_of_a_process_that_died_is_had_at_once_with_its_state(tmp_path: Path) -> None:
    process = start(HOLD, tmp_path)
    line(process)
    process.kill()
    process.communicate()
    assert holder_of(tmp_path, "run") is None
    mine = have(tmp_path)
    assert (mine.folder / "state").read_text() == "half-way"
    assert mine.lease == 300
    assert len(list((tmp_path / "run").iterdir())) == 1


def test_that_of_another_machine_holds_for_its_lease_and_no_longer(tmp_path: Path) -> None:
    put(tmp_path, ELSEWHERE, lease=40, age=35)
    assert str(claim(tmp_path, "run")) == "process 4711 on elsewhere"
    put(tmp_path / "late", ELSEWHERE, lease=40, age=45)
    mine = have(tmp_path / "late", lease=30)
    assert (mine.folder / "state").read_text() == "half-way"
    assert mine.lease == 80, "who was too slow for its lease may be so again"
    assert holder_of(tmp_path / "late", "run") is None, "it is of this thread"


def test_beating_keeps_it_and_is_cheap(tmp_path: Path) -> None:
    mine = have(tmp_path, lease=300)
    long_ago = mine.folder.stat().st_mtime - 1000
    os.utime(mine.folder, (long_ago, long_ago))
    mine.beat()
    assert mine.folder.stat().st_mtime == long_ago, "not at every step"
    mine._touched -= 31
    mine.beat()
    assert mine.folder.stat().st_mtime > long_ago + 900
    assert mine.lease == 300
    mine._touched -= 100
    mine.beat()
    assert 500 <= mine.lease < 520, "five times the longest pause"
    assert f".{mine.lease}s." in mine.folder.name
    assert mine.folder.is_dir()


def test_a_touch_that_fails_is_tried_again() -> None:
    """A network file system refuses a touch now and then; a claim that nobody touches any more goes to another."""
    tried, again = list[int](), threading.Event()

    def beat() -> None:
        tried.append(len(tried))
        if len(tried) < 3:
            raise (OSError("stale file handle"), StorageError("cannot write"))[len(tried) - 1]
        again.set()

    with beating(beat, 1):
        assert again.wait(30)


def test_a_claim_that_was_lost_is_touched_no_more() -> None:
    tried = list[int]()

    def beat() -> None:
        tried.append(len(tried))
        raise LostClaimError("taken over")

    with beating(beat, 1):
        while not tried or any(thread.name == "beating" for thread in threading.enumerate()):
            time.sleep(0.01)
    assert tried == [0]


def taken_over(home: Path) -> tuple[Claim, Path]:
    """A claim that was lost, and where the new holder's lies."""
    mine = have(home)
    other = mine.folder.with_name(f"{ELSEWHERE}-0123abcd.300s.elsewhere")
    mine.folder.rename(other)
    return mine, other


def test_who_lost_it_writes_no_state(tmp_path: Path) -> None:
    mine, other = taken_over(tmp_path)
    with pytest.raises(LostClaimError, match=r"another process has taken .*run over: it was not"), mine.fenced():
        write_whole(mine.folder / "state", b"of the past", make=False)
    mine._touched -= 1000
    with pytest.raises(LostClaimError):
        mine.beat()
    mine.release()
    mine.finish()
    assert list(other.iterdir()) == []
    assert list((tmp_path / "run").iterdir()) == [other]


def test_who_loses_it_while_writing_publishes_nothing(tmp_path: Path) -> None:
    (tmp_path / "members").mkdir()
    mine = have(tmp_path / "unfinished")

    class Slow(dict[str, bytes]):
        def items(self):  # type: ignore[no-untyped-def]
            yield "first", b"content"
            mine.folder.rename(mine.folder.with_name(f"{ELSEWHERE}-0123abcd.300s.elsewhere"))
            yield "second", b"more"

    with pytest.raises(LostClaimError), mine.fenced():
        write_folder(tmp_path / "members" / "run", Slow(), within=mine.folder)
    assert list((tmp_path / "members").iterdir()) == []


def test_other_errors_than_the_loss_are_themselves(tmp_path: Path) -> None:
    mine = have(tmp_path)
    with pytest.raises(StorageError, match="cannot write"), mine.fenced():
        write_whole(mine.folder / "folder" / "state", b"", make=False)
    with pytest.raises(ZeroDivisionError), mine.fenced():
        raise ZeroDivisionError


def test_a_thread_has_back_what_it_left_open_and_another_does_not(tmp_path: Path) -> None:
    first = have(tmp_path)
    (first.folder / "state").write_text("half-way")
    found = list[Claim | Held]()
    asking = threading.Thread(target=lambda: found.append(claim(tmp_path, "run")))
    asking.start()
    asking.join()
    assert isinstance(found[0], Held)
    second = have(tmp_path)
    assert (second.folder / "state").read_text() == "half-way"
    with pytest.raises(LostClaimError), first.fenced():
        write_whole(first.folder / "state", b"", make=False)


def test_of_processes_at_once_one_has_it(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    processes = [start(COUNT, tmp_path) for _ in range(3)]
    assert [line(process) for process in processes] == ["ready"] * 3
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        end(process)
    assert (tmp_path / "number").read_text() == "60"
    assert list((tmp_path / "claims").iterdir()) == []


def test_a_state_of_the_version_without_claims_goes_on(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "state.safetensors").write_bytes(b"state")
    assert (have(tmp_path).folder / "state.safetensors").read_bytes() == b"state"


def test_an_empty_folder_is_no_claim_and_what_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    have(tmp_path).finish()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match=r"cannot claim .*run: something else is at work in it, or has left there"):
        claim(tmp_path, "run")
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


@posix
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "pool.json").touch()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "run").symlink_to(tmp_path / "foreign")
    with pytest.raises(StorageError, match="is a link"):
        claim(tmp_path / "unfinished", "run")
    (tmp_path / "unfinished" / "other").mkdir()
    (tmp_path / "unfinished" / "other" / f"{ELSEWHERE}-0123abcd.1s.x").symlink_to(tmp_path / "foreign")
    with pytest.raises(StorageError, match="is a link"):
        claim(tmp_path / "unfinished", "other")
    assert list((tmp_path / "foreign").iterdir()) == []


def test_the_environment_says_how_long_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRENSEMBLE_LEASE", "7")
    assert have(tmp_path).lease == 7
    monkeypatch.setenv("LRENSEMBLE_LEASE", "0.5")
    with pytest.raises(ConfigError, match=r"LRENSEMBLE_LEASE = '0.5' is refused; give whole seconds, such as 300"):
        claim(tmp_path, "another")


def test_a_block_by_itself_leaves_nothing(tmp_path: Path) -> None:
    with claimed(tmp_path, "run") as mine:
        assert mine.folder.is_dir()
    with pytest.raises(ZeroDivisionError), claimed(tmp_path, "run"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_empty_folders_that_a_kill_left_are_removed_and_nothing_else(tmp_path: Path) -> None:
    mine = have(tmp_path)
    for name in ("left", ".draft-of-one-who-begins"):
        (tmp_path / name).mkdir()
    tidy(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".draft-of-one-who-begins", "run"]
    assert mine.folder.is_dir()
    tidy(tmp_path / "missing")


def test_who_waits_asks_again_after_a_quarter_of_the_time_it_has_waited() -> None:
    before = time.monotonic()
    assert poll_pause(before + 3600) == POLL_SECONDS[0]
    pause, after = poll_pause(before - 8), time.monotonic()
    assert 2.0 <= pause <= min((after - before + 8) / 4, POLL_SECONDS[1])
    assert poll_pause(before - 1000) == POLL_SECONDS[1]
