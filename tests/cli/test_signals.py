"""What asks a sweep to end: each signal saves and stops as Ctrl-C does, with the exit status that shells expect."""

import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.forked import ForkedProcess, ask
from tests.forked_workers import FORKED_WORKERS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

TOML = """
data = "digits"
model = "mlp(width=4)"
policy = [{name = "cosine", peak = [0.05, 0.1]}]
[train]
epochs = 4000
batch_size = 100
"""


FORKING = f"{FORKED_WORKERS}from lrensemble.cli import main\nmain()\n"


def command(folder: Path, execution: str) -> list[str]:
    """What follows `python`."""
    (folder / "e.toml").write_text(TOML)
    begin = ["-c", FORKING] if execution == "workers" else ["-m", "lrensemble"]
    return [*begin, "tune", "e.toml", "--out", "pool", "--execution", execution]


def claims(folder: Path) -> list[Path]:
    """Those on runs and groups that are under way."""
    return list((folder / "pool" / "unfinished").glob("[0-9a-g]*/[0-9a-f]*"))


def wait_for(true: Callable[[], object], process: ForkedProcess) -> None:
    while not true():
        assert process.poll() is None
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "execution", "states"),
    [
        (signal.SIGTERM, "one-by-one", 1),
        (signal.SIGTERM, "fused", 1),
        (signal.SIGTERM, "workers", 2),
        (signal.SIGHUP, "one-by-one", 1),
    ],
)
def test_it_saves_and_stops(forking: Path, tmp_path: Path, number: signal.Signals, execution: str, states: int) -> None:
    with ForkedProcess(forking, command(tmp_path, execution), errors=True, folder=tmp_path) as process:
        wait_for(lambda: len(claims(tmp_path)) >= states, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err.splitlines()[-1] == "interrupted; the same command continues where it stopped"
    assert "Traceback" not in err
    found = list((tmp_path / "pool" / "unfinished").glob("*/*/state.safetensors"))
    assert len(found) == states
    assert all(path.parent.name.startswith("free-") for path in found), "the next process has them at once"


def test_a_session_that_is_closed_takes_its_terminal_with_it(forking: Path, tmp_path: Path) -> None:
    import pty

    ours, terminal = pty.openpty()
    apart = "import os; os.setsid(); from lrensemble.cli import main; main()"
    words = ["-c", apart, *command(tmp_path, "one-by-one")[2:]]
    with ask(forking, words, tmp_path, os.environ, [terminal] * 3) as connection:
        os.close(terminal)
        lines = connection.makefile()
        process = int(lines.readline())
        while not claims(tmp_path):
            assert not select.select([connection], [], [], 0.05)[0], "it has ended"
        os.close(ours)  # from here on nothing can be written to it
        os.kill(process, signal.SIGHUP)
        assert int(lines.readline()) == 128 + signal.SIGHUP
        lines.close()
    (state,) = (tmp_path / "pool" / "unfinished").glob("*/*/state.safetensors")
    assert state.parent.name.startswith("free-")


def test_a_signal_that_was_ignored_from_the_beginning_is_ignored(forking: Path, tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); from lrensemble.cli import main; main()"
    words = ["-c", ignoring, *command(tmp_path, "one-by-one")[2:]]  # as nohup starts it
    (tmp_path / "e.toml").write_text(TOML.replace("4000", "40"))
    with ForkedProcess(forking, words, errors=True, folder=tmp_path) as process:
        wait_for(lambda: claims(tmp_path), process)
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "2 members in pool: 2 trained" in err


WAITS = """
import atexit, sys, time
from lrensemble.cli import main

@atexit.register
def wait():
    print("waits", flush=True)
    time.sleep(60)

try:
    main()
finally:
    atexit._run_exitfuncs()
"""


@pytest.mark.parametrize(("before", "status"), [("default_int_handler", -signal.SIGINT), ("SIG_IGN", 0)])
def test_ctrl_c_while_a_library_ends_is_no_traceback(forking: Path, tmp_path: Path, before: str, status: int) -> None:
    begins = f"import signal; signal.signal(signal.SIGINT, signal.{before})"
    program = begins + WAITS.replace("60", "60" if status else "0.2")
    with ForkedProcess(forking, ["-c", program, "ls", "policies"], errors=True, folder=tmp_path) as process:
        while (line := process.stdout.readline()) != "waits\n":
            assert line, "it has ended"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert not err
