"""`python …` without its imports: one process has imported the library, and forks a child for every command.

A fresh interpreter computes for seconds before it does anything. A child has its own folder, environment, descriptors
and exit status, and no imports to wait for. What depends on how an interpreter starts (encodings, descriptors that are
closed, modules that stand in the place of others) is tested with a fresh one.

For tests: `python` (mostly by the fixture of that name) is `subprocess.run`, `run` the same of a command of ours, and
`ForkedProcess` is `subprocess.Popen`.

All processes that run tests share the one that forks; `server` starts it and lets it end. Each connection to its socket
asks for a child: the length of the request in eight bytes, with the descriptors of the standard streams; the request,
`[command, folder, environment]` in JSON; and as answers two lines, the child's process number and its exit status.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import IO

from tests.crash.forks import IMPORTED, warm
from tests.garbage import collect_seldom
from tests.unsynced import leave_unsynced

from lrensemble.data import SOURCES

ROOT = Path(__file__).parents[1]
STANDARD = (0, 1, 2)
IMPORTED_BY_WORKERS = ("lrensemble.export.predicting", "sklearn.datasets")
HOLD = bytes(8)
"""The length of an empty request: it asks for no child, and holds the process as long as the connection is open."""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Path]:
    """The socket of a process that waits for commands.

    The first that names a folder starts it; it ends with the last that has named it.
    """
    import fcntl  # where there are processes that fork

    folder.mkdir(parents=True, exist_ok=True)
    address, process = folder / "socket", None
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (held := _hold(address)) is None:
            address.unlink(missing_ok=True)
            process = _start(address)
            held = _hold(address)
    assert held is not None
    with held:
        yield address
    if process is not None:
        process.wait()  # until those have ended that use it as well


def _hold(address: Path) -> socket.socket | None:
    """A connection that keeps the process from ending; None where there is no process, or one that ends."""
    connection = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(OSError):
        connection.connect(str(address))
        connection.sendall(HOLD)
        if connection.recv(1):
            return connection
    connection.close()
    return None


def _start(address: Path) -> subprocess.Popen[bytes]:
    """Start the process, and wait until it listens."""
    environment = os.environ | {
        "NUMBA_THREADING_LAYER": "workqueue",  # the one that survives a fork
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
    }
    command = [sys.executable, "-m", "tests.forked", str(address)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert process.stdout
    with process.stdout as said:
        assert said.readline() == b"ready\n"
    return process


def run(
    address: Path, arguments: Sequence[object], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """`lrensemble …` with these arguments, as `subprocess.run` returns it."""
    return python(address, "-m", "lrensemble", *arguments, folder=folder, environment=environment)


def python(
    address: Path,
    *command: object,
    folder: Path = ROOT,
    given: str = "",
    environment: Mapping[str, str] | None = None,
    **more: str,
) -> subprocess.CompletedProcess[str]:
    """`python …`, as `subprocess.run` returns it with its output captured as text.

    Args:
        address: where the process listens that forks.
        command: what follows `python`.
        folder: current folder of the command.
        given: what it reads from standard input.
        environment: all of its environment; that of this process where not given.
        more: variables besides.
    """
    words = [str(each) for each in command]
    there = dict(os.environ if environment is None else environment) | more
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in STANDARD]
        files[0].write(given.encode())
        files[0].seek(0)
        with ask(address, words, folder, there, [file.fileno() for file in files]) as connection:
            _, status = connection.makefile()
        for file in files:
            file.seek(0)
        texts = [file.read().decode(errors="surrogateescape") for file in files[1:]]
    return subprocess.CompletedProcess(words, int(status), *texts)


def ask(
    address: Path, command: Sequence[str], folder: Path, environment: Mapping[str, str], descriptors: Sequence[int]
) -> socket.socket:
    """The connection that has asked for a child: its process number can be read there, and its exit status at its end.

    Args:
        address: where the process listens that forks.
        command: what follows `python`.
        folder: current folder of the child.
        environment: all of its environment.
        descriptors: what become its standard input, output and error.
    """
    request = json.dumps([list(command), str(folder), dict(environment)]).encode()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(address))
    socket.send_fds(connection, [len(request).to_bytes(8, "big")], descriptors)
    connection.sendall(request)
    return connection


class ForkedProcess:
    """What `subprocess.Popen` is, for a forked child: `command` is what follows `python`; standard input and output
    are pipes, standard error one where that is asked for."""

    def __init__(
        self, address: Path, command: Sequence[object], *, errors: bool = False, folder: Path = ROOT, **environment: str
    ) -> None:
        given, stdin = os.pipe()
        stdout, output = os.pipe()
        stderr, told = os.pipe() if errors else (None, os.dup(2))
        there = [given, output, told]
        words = [str(word) for word in command]
        self._connection = ask(address, words, folder, os.environ | environment, there)
        for descriptor in there:
            os.close(descriptor)
        self._lines = self._connection.makefile()
        self.pid = int(self._lines.readline())
        self.returncode: int | None = None
        self.stdin: IO[str] = open(stdin, "w")  # noqa: SIM115
        self.stdout: IO[str] = open(stdout)  # noqa: SIM115
        self.stderr: IO[str] | None = None if stderr is None else open(stderr)  # noqa: SIM115

    def __enter__(self) -> ForkedProcess:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdout, self.stderr, self.stdin):
            if stream is not None:
                stream.close()
        self.wait()
        self._lines.close()
        self._connection.close()

    def poll(self) -> int | None:
        """The exit status; None as long as it runs."""
        if self.returncode is None and not select.select([self._connection], [], [], 0)[0]:
            return None
        return self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once it has ended."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked child", timeout or 0)
            self.returncode = int(self._lines.readline())
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it still writes; the exit status is known after it."""
        self.stdin.close()
        streams = (self.stdout, self.stderr)
        with ThreadPoolExecutor(2) as readers:
            texts = [readers.submit(stream.read) for stream in streams if stream is not None]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            return texts[0].result(), texts[1].result() if len(texts) > 1 else ""

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to it, as long as it runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and that is not told yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def serve(address: str) -> None:
    """Fork a child for every connection, and answer with its exit status, as long as somebody holds the process."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # who starts a worker holds interrupts back, and starts this first
    signal.signal(signal.SIGINT, signal.default_int_handler)  # `nohup` and a shell's `&` have these ignored
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    for name in (*IMPORTED, *IMPORTED_BY_WORKERS):
        importlib.import_module(name)
    warm()
    SOURCES.call("digits", None)  # most sweeps of tests learn them
    collect_seldom()
    leave_unsynced()
    running: dict[int, socket.socket] = {}
    holding: list[socket.socket] | None = None
    with _child_ends() as ended, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)  # noqa: T201
        while holding is None or holding:
            ready = select.select([listening, ended, *(holding or ())], [], [])[0]
            if listening in ready:
                connection, _ = listening.accept()
                if child := _forked(connection, [listening, ended, *running.values(), *(holding or ())]):
                    running[child] = connection
                else:
                    holding = [*(holding or ()), connection]
            if ended in ready:
                ended.recv(1 << 16)
                _tell_ends(running)
            holding = holding and [each for each in holding if each not in ready]


@contextlib.contextmanager
def _child_ends() -> Iterator[socket.socket]:
    """A socket that can be read whenever a child has ended."""
    told, tell = socket.socketpair()
    tell.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # a signal without a handler wakes nobody
    signal.set_wakeup_fd(tell.fileno())
    with told, tell:
        yield told


def _tell_ends(running: dict[int, socket.socket]) -> None:
    """Send the exit status of each child that has ended to whom it belongs."""
    while running:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        with running.pop(child) as connection, contextlib.suppress(OSError):
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _forked(connection: socket.socket, others: Iterable[socket.socket]) -> int:
    """Number of the child that does what a connection asks for; 0 where it only holds this process."""
    size, descriptors, *_ = socket.recv_fds(connection, 8, len(STANDARD))
    if size == HOLD:
        connection.sendall(b"1")
        return 0
    request = connection.makefile("rb").read(int.from_bytes(size, "big"))
    child = os.fork()
    if not child:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in (connection, *others):  # which end for others when their last copy is closed
            each.close()
        command, folder, environment = json.loads(request)
        be_the_command(command, folder, environment, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    with contextlib.suppress(OSError):
        connection.sendall(f"{child}\n".encode())
    return child


def be_the_command(command: list[str], folder: str, environment: dict[str, str], descriptors: list[int]) -> None:
    """The child: what `python` does with the command, from its first line to its exit status."""
    status = 1
    try:
        for place, descriptor in zip(STANDARD, descriptors, strict=True):
            os.dup2(descriptor, place)
            os.close(descriptor)  # a stream ends when its last copy is closed
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", errors="backslashreplace")  # noqa: SIM115
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = None  # looked up once, in another environment
        execute(command, folder)
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # as an interpreter ends that cannot write what is left
                status = 120
                os.write(2, f"Exception ignored in: {stream!r}\n".encode())
        os._exit(status)


def execute(command: list[str], folder: str) -> None:
    """`[-W action] -m module …`, `-c text …`, `- …` or `script …`."""
    if command[0] == "-W":
        warnings.simplefilter(command[1])  # type: ignore[arg-type]
        command = command[2:]
    kind, *arguments = command
    searched = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[:] = list(dict.fromkeys([*searched, *sys.path]))
    if kind == "-m":
        sys.path.insert(0, folder)
        sys.argv = arguments
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    elif kind in ("-c", "-"):
        sys.path.insert(0, folder)
        text, rest = (arguments[0], arguments[1:]) if kind == "-c" else (sys.stdin.read(), arguments)
        sys.argv = [kind, *rest]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(text, "<string>" if kind == "-c" else "<stdin>", "exec"), main.__dict__)
    else:
        sys.path.insert(0, str(Path(kind).parent))
        sys.argv = command
        runpy.run_path(kind, run_name="__main__")


if __name__ == "__main__":
    serve(sys.argv[1])
