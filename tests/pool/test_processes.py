"""Real processes that write to one pool at once, and are killed at any moment."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from tests.forked import ForkedProcess

from lrensemble.pool import MemberRecord, Pool, Task

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 and fork are POSIX")

ROWS, CLASSES = 400, 11

POOL = f"""
import os, sys
import numpy as np
from pathlib import Path
from lrensemble.pool import MemberRecord, Pool, Task
from lrensemble.files import write_folder

labels = {{"val": np.arange({ROWS}) % {CLASSES}}}
task = Task.of("t", [str(i) for i in range({CLASSES})], rows={{"val": np.arange({ROWS})}}, labels=labels)
folder = Path(sys.argv[1])

def predictions(seed):
    probs = np.random.default_rng(seed).dirichlet(np.ones({CLASSES}), size={ROWS})
    return {{"val": np.log(probs)}}

def add(pool, number, author):
    record = MemberRecord(id=f"m{{number:04}}", order=number, name=author)
    history = [{{"step": step, "author": author}} for step in range(50)]
    return pool.add(record, predictions(number), history=history)
"""

ADD_AT_ONCE = f"""{POOL}
print("ready", flush=True)
sys.stdin.readline()
pool = Pool.create(folder, task, labels)
print(sum(add(pool, number, sys.argv[2]) for number in range(40)))
"""

# A child adds members until it is killed, every second one not before it has added one, so that slow machines get on.
# Its parent then looks at what it left behind.
KILL = f"""{POOL}
import random, signal, time
moments = random.Random(7)
written, drafts, life = 0, 0, 0
while life < int(sys.argv[2]) or (not drafts and life < 1000):
    life += 1
    child = os.fork()
    if child == 0:
        pool = Pool.create(folder, task, labels)
        for number in range(written, 10_000):
            add(pool, number, str(life))
    born = time.monotonic()
    while life % 2 and not (folder / "members" / f"m{{written:04}}").exists():
        time.sleep(0.001)
    time.sleep(moments.uniform(0, 0.005 + time.monotonic() - born))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if not (folder / "pool.json").exists():
        continue
    drafts += len(list((folder / "members").glob(".*.draft")))
    pool = Pool.create(folder, task, labels)
    assert not list((folder / "members").glob(".*.draft")), "a dead writer's draft stays"
    assert np.array_equal(pool.truth("val"), labels["val"])
    members = pool.members()
    assert [member.order for member in members] == list(range(len(members))), "a member is lost"
    assert len(members) >= written
    for member in members[written:]:
        assert np.array_equal(member.predictions("val").main, predictions(member.order)["val"].astype(np.float32))
        assert len(member.history()) == 50
    written = len(members)
print(written, drafts)
"""

# A writer that is in the middle of a member: the last file comes when it is told to go on.
SLOW = f"""{POOL}
class Slow(dict):
    def items(self):
        yield "first", b"content"
        print("writing", flush=True)
        sys.stdin.readline()
        yield "second", b"more"
print(write_folder(folder / "members" / "slow", Slow()))
"""


Start = Callable[..., ForkedProcess]


@pytest.fixture
def start(forking: Path) -> Iterator[Start]:
    """A process that runs a script with arguments."""
    with ExitStack() as stack:
        yield lambda script, *arguments: stack.enter_context(ForkedProcess(forking, ["-c", script, *arguments]))


def line(process: ForkedProcess) -> str:
    return process.stdout.readline().strip()


def end(process: ForkedProcess) -> str:
    """What a process still writes, which goes on once its standard input has ended."""
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return output.strip()


def make_pool(folder: Path) -> Pool:
    labels = {"val": np.arange(ROWS) % CLASSES}
    rows = {"val": np.arange(ROWS)}
    return Pool.create(folder, Task.of("t", [str(i) for i in range(CLASSES)], rows=rows, labels=labels), labels)


def test_processes_that_make_and_fill_one_pool_at_once_lose_nothing(tmp_path: Path, start: Start) -> None:
    processes = [start(ADD_AT_ONCE, tmp_path / "pool", author) for author in "xyz"]
    assert [line(process) for process in processes] == ["ready"] * 3
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    added = [int(end(process)) for process in processes]
    members = Pool.open(tmp_path / "pool").members()
    assert sum(added) == len(members) == 40, "every member is added by one process and no other"
    assert list((tmp_path / "pool" / "members").glob(".*")) == []
    for member in members:
        assert {entry["author"] for entry in member.history()} == {member.name[0]}, "x #3 is of x"
    authors = [member.name[0] for member in members]
    assert [authors.count(author) for author in "xyz"] == added


def test_a_kill_at_any_moment_loses_nothing_that_was_added(tmp_path: Path, start: Start) -> None:
    lives = 40
    written, drafts = (int(number) for number in end(start(KILL, tmp_path / "pool", lives)).split())
    assert written >= lives // 2
    assert drafts > 0, "some were killed in the middle of a member"


def test_drafts_of_living_writers_are_left_alone(tmp_path: Path, start: Start) -> None:
    pool = make_pool(tmp_path / "pool")
    process = start(SLOW, pool.folder)
    assert line(process) == "writing"
    assert pool.members() == ()
    make_pool(pool.folder)
    assert len(list((pool.folder / "members").glob(".*.draft"))) == 1
    assert end(process) == "True"
    assert sorted(path.name for path in (pool.folder / "members" / "slow").iterdir()) == ["first", "second"]


def test_drafts_of_dead_writers_are_removed(tmp_path: Path, start: Start) -> None:
    pool = make_pool(tmp_path / "pool")
    process = start(SLOW, pool.folder)
    assert line(process) == "writing"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(list((pool.folder / "members").glob(".*.draft"))) == 1
    make_pool(pool.folder)
    assert list((pool.folder / "members").iterdir()) == []


def test_drafts_of_other_machines_are_removed_when_nothing_was_added_for_an_hour(tmp_path: Path) -> None:
    pool = make_pool(tmp_path / "pool")
    growing, old, earlier, other = (
        pool.folder / "members" / name
        for name in (
            ".a.00000000-1-1-00000001.draft",
            ".b.00000000-1-1-00000002.draft",
            ".draft-00000000-1-00000002",
            ".draft-of-something-else",
        )
    )
    for draft in (growing, old, earlier, other):
        draft.mkdir()
        (draft / "predictions.safetensors").write_bytes(b"half")
    before = old.stat().st_mtime - 2 * 3600
    for path in (growing, *(path for draft in (old, earlier, other) for path in (draft, *draft.iterdir()))):
        os.utime(path, (before, before))
    make_pool(pool.folder)
    assert sorted((pool.folder / "members").iterdir()) == sorted([growing, other])


def test_a_writer_that_comes_second_leaves_no_draft(tmp_path: Path, start: Start) -> None:
    pool = make_pool(tmp_path / "pool")
    process = start(SLOW, pool.folder)
    assert line(process) == "writing"
    predictions = {"val": np.full((ROWS, CLASSES), -np.log(CLASSES))}
    assert pool.add(MemberRecord(id="slow", order=0, name="quick"), predictions)
    assert end(process) == "False"
    assert [path.name for path in (pool.folder / "members").iterdir()] == ["slow"]
    assert pool.members()[0].name == "quick"
