"""Worker processes: results of all, deaths, errors, Ctrl-C and devices, with real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import context
from pathlib import Path
from typing import cast

import pytest
from tests.executors.worker_tasks import prepare, prepare_asking, prepare_badly

from lrensemble.errors import WorkerError
from lrensemble.executors import Crashed, in_processes
from lrensemble.executors.worker import together

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh interpreters, as outside tests; those of other tests are forked."""
    monkeypatch.setitem(context._concrete_contexts, "spawn", context.SpawnContext())  # type: ignore[attr-defined]


def told(folder: Path, items: list[str], workers: int = 2) -> tuple[list[str], list[Crashed]]:
    """What was told of the items, sorted, and those that crashed."""
    messages = list(in_processes(partial(prepare, folder), items, workers=workers))
    crashes = [message for message in messages if isinstance(message, Crashed)]
    return sorted(message[0] for message in messages if not isinstance(message, Crashed)), crashes


@pytest.mark.usefixtures("fresh_workers")
def test_every_item_is_done_once_by_no_more_workers_than_asked(tmp_path: Path) -> None:
    items = [f"plain {index}" for index in range(7)]
    messages = list(in_processes(partial(prepare, tmp_path), items, workers=2))
    done = [message for message in messages if not isinstance(message, Crashed)]
    assert sorted(item for item, _, _ in done) == items
    assert len({process for _, _, process in done}) <= 2
    assert os.getpid() not in {process for _, _, process in done}


def test_messages_go_in_lists_and_the_last_with_the_end() -> None:
    lists = list[list[int]]()
    assert together(iter(range(4)), lists.append, seconds=3600.0) == [1, 2, 3]
    assert lists == [[0]]
    assert together(iter(range(3)), lists.append, seconds=0.0) == []
    assert lists == [[0], [0], [1], [2]]
    assert together(iter(()), lists.append) == []

    def broken() -> Iterator[int]:
        yield from (7, 8, 9)
        raise OSError("the disk is full")

    lists.clear()
    with pytest.raises(OSError, match="the disk is full"):
        together(broken(), lists.append, seconds=3600.0)
    assert lists == [[7], [8, 9]], "an error comes after what was before it"


def test_no_items_are_done_at_once(tmp_path: Path) -> None:
    assert told(tmp_path, []) == ([], [])


def test_workers_that_die_are_replaced_and_their_items_tried_again_until_attempts_end(tmp_path: Path) -> None:
    items = ["killed 0", "killed-once 1", "left 2", "exit 3", "plain 4", "plain 5"]
    done, crashes = told(tmp_path, items)
    assert done == sorted([*items, "killed 0", "killed-once 1", "left 2", "exit 3"])
    statuses = {crash.item: crash.exit_status for crash in crashes}
    assert statuses == {0: -signal.SIGKILL, 2: 0, 3: 0}


@pytest.mark.parametrize(
    ("item", "error", "message"),
    [
        ("raise 0", OSError, "the disk is full"),
        ("odd 0", WorkerError, "a worker process met OddError: here, 3"),
        ("function 0", WorkerError, "a worker process cannot hand back a function: "),
    ],
)
def test_an_error_in_a_worker_is_raised_here_with_its_traceback(
    tmp_path: Path, item: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        told(tmp_path, [item, "sleep 1"])
    assert any("In a worker process:" in note and "Traceback" in note for note in caught.value.__notes__)


def test_an_error_of_the_preparation_is_raised_here() -> None:
    with pytest.raises(FileNotFoundError, match="no data here"):
        list(in_processes(prepare_badly, ["plain 0"], workers=1))


def test_what_cannot_be_handed_to_a_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"cannot hand item 0 to a worker process: .*lambda"):
        list(in_processes(partial(prepare, tmp_path), [cast("str", lambda: None)], workers=1))
    with pytest.raises(WorkerError, match=r"cannot hand its preparation to a worker process: .*lambda"):
        list(in_processes(lambda: prepare(tmp_path), ["plain 0"], workers=1))
    with pytest.raises(WorkerError, match="workers = 0 is refused; at least one is needed"):
        told(tmp_path, ["plain 0"], workers=0)


def test_each_worker_has_its_device_and_its_replacement_too(tmp_path: Path) -> None:
    devices = ["cpu", "cpu:0"]
    messages = list(in_processes(partial(prepare, tmp_path), ["plain a", "plain b"], workers=2, devices=devices))
    by_process = {message[2]: message[1] for message in messages if not isinstance(message, Crashed)}
    assert sorted(by_process.values()) == devices
    items = ["killed-once a", "killed-once b"]
    messages = list(in_processes(partial(prepare, tmp_path), items, workers=2, devices=devices))
    by_process = {message[2]: message[1] for message in messages if not isinstance(message, Crashed)}
    assert set(by_process.values()) == set(devices)
    assert len(by_process) >= 3, "two died"


@pytest.mark.usefixtures("fresh_workers")
def test_what_a_worker_asks_is_answered_here_and_asked_again_by_its_replacement(tmp_path: Path) -> None:
    asked = list[str]()

    def answer(item: str) -> str:
        asked.append(item)
        return f"{item}, by {os.getpid()}"

    items = ["killed-once a", "plain b", "plain c"]
    messages = list(in_processes(partial(prepare_asking, tmp_path), items, workers=2, answer=answer))
    told = {message[0]: message[1] for message in messages if not isinstance(message, Crashed)}
    assert told == {item: f"{item}, by {os.getpid()}" for item in items}
    assert sorted(asked) == ["killed-once a", *items]


def test_an_error_of_who_answers_ends_all(tmp_path: Path) -> None:
    def answer(item: str) -> str:
        raise OSError(f"no answer to {item}")

    with pytest.raises(OSError, match="no answer to plain a"):
        list(in_processes(partial(prepare_asking, tmp_path), ["plain a"], workers=1, answer=answer))


SCRIPT = """
import sys
from functools import partial
from pathlib import Path
from lrensemble.executors import in_processes
from tests.executors.worker_tasks import prepare

if __name__ == "__main__":
    for *_, process in in_processes(partial(prepare, Path(sys.argv[1])), ["sleep 0", "sleep 1"], workers=2):
        print(process, flush=True)
"""


def script(folder: Path, text: str = SCRIPT) -> subprocess.Popen[str]:
    """A program with workers, in a process group of its own."""
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(path), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def gone(process: int) -> bool:
    """Whether a process ends; it gets as long as a slow machine may need."""
    for _ in range(600):
        try:
            if ") Z " in Path(f"/proc/{process}/stat").read_text(encoding="utf-8"):
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_program_that_started_them(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C goes to the whole group; `kill -9` to the program alone."""
    with script(tmp_path) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        workers = [int(program.stdout.readline()) for _ in range(2)]
        (os.killpg if number == signal.SIGINT else os.kill)(program.pid, number)
        assert all(gone(worker) for worker in workers)
        program.wait()
        if number == signal.SIGINT:
            assert program.stderr.read().count("Traceback") == 1, "workers end without a word"


def test_a_script_without_its_guard_is_told_so(tmp_path: Path) -> None:
    with script(tmp_path, SCRIPT.replace('if __name__ == "__main__":', "if True:")) as program:
        _, errors = program.communicate()
    assert "WorkerError: a worker process could not start; it said why on standard error" in errors
