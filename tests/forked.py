"""`python -m lrensemble`, from a process that has imported all of it and forks a child for every command.

A fresh interpreter computes for seconds before it does anything. A child has its own folder, environment, descriptors
and exit status, and no imports to wait for. What depends on how an interpreter starts (encodings, descriptors that are
closed, modules that stand in the place of others) is tested with a fresh one.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.crash.forks import IMPORTED, warm

ROOT = Path(__file__).parents[1]
STANDARD = (0, 1, 2)


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Path]:
    """The socket of a process that waits for commands."""
    address = folder / "socket"
    environment = os.environ | {
        "NUMBA_THREADING_LAYER": "workqueue",  # the one that survives a fork
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
    }
    command = [sys.executable, "-m", "tests.forked", str(address)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield address
        process.terminate()


def run(
    address: Path, arguments: Sequence[object], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """The command with these arguments, as `subprocess.run` returns it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open() as nothing:
        descriptors = [nothing.fileno(), out.fileno(), err.fileno()]
        status = end(address, [str(each) for each in arguments], str(folder), environment, STANDARD, descriptors)
        for file in (out, err):
            file.seek(0)
        texts = [file.read().decode(errors="surrogateescape") for file in (out, err)]
    return subprocess.CompletedProcess([str(each) for each in arguments], status, *texts)


def end(
    address: Path,
    arguments: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    places: Sequence[int],
    descriptors: Sequence[int],
) -> int:
    """Exit status of a command that has these descriptors in the places of its standard streams."""
    request = json.dumps([list(arguments), folder, dict(environment), list(places)]).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(address))
        socket.send_fds(connection, [len(request).to_bytes(8, "big")], descriptors)
        connection.sendall(request)
        return int(connection.makefile().readline())


def serve(address: str) -> None:
    """Fork a child for every connection, and answer with its exit status."""
    for name in IMPORTED:
        importlib.import_module(name)
    warm()
    gc.freeze()
    running: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)  # noqa: T201
        while True:
            if select.select([listening], [], [], 0.01 if running else None)[0]:
                connection, _ = listening.accept()
                size, descriptors, *_ = socket.recv_fds(connection, 8, len(STANDARD))
                request = connection.makefile("rb").read(int.from_bytes(size, "big"))
                child = os.fork()
                if not child:
                    listening.close()
                    arguments, folder, environment, places = json.loads(request)
                    be_the_command(arguments, folder, environment, places, descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
                running[child] = connection
            ended, status = os.waitpid(-1, os.WNOHANG) if running else (0, 0)
            if ended:
                with running.pop(ended) as connection, contextlib.suppress(OSError):
                    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def be_the_command(
    arguments: list[str], folder: str, environment: dict[str, str], places: list[int], descriptors: list[int]
) -> None:
    """The child: what `python -m lrensemble` does from its first line to its exit status."""
    status = 70
    try:
        for place in STANDARD:
            if place in places:
                os.dup2(descriptors[places.index(place)], place)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", errors="backslashreplace")  # noqa: SIM115
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = None  # looked up once, in another environment
        sys.path.insert(0, folder)
        sys.argv = ["lrensemble", *arguments]
        runpy.run_module("lrensemble", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
