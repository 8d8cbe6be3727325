"""Ray: the contract of executors, groups on GPUs, the user's own modules, and sweeps that lose workers, machines and
the program.

Three processes on this machine that take each other for machines. Starting them takes longer than all that is tried on
them, so that one test has all of it. `LRENSEMBLE_CLUSTER=20` plays twenty rounds of a sweep of sixteen members; one of
six is played otherwise.
"""

from __future__ import annotations

import json
import os
import platform
import random
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.executors.contract import CONTRACT
from tests.executors.ray_sweeps import (
    arrays_are_shared,
    data_were_read_once,
    dead_machines_are_passed_over,
    files,
    machines_come_and_leave,
    metrics_were_told,
    own_sweep,
    searches_look,
    stopped_workers_write_nothing,
    stops_and_goes_on,
)
from tests.executors.worker_tasks import prepare, prepare_meeting
from tests.forked import ForkedProcess
from tests.ray_clusters import NODE, cluster_of, kill_node, workers_of

from lrensemble.config import Experiment, to_record
from lrensemble.errors import LREnsembleError, StorageError, WorkerError
from lrensemble.executors import EXECUTORS, Crashed
from lrensemble.executors.ray import connection
from lrensemble.executors.ray.connection import check_answers, files_of, first_line
from lrensemble.executors.ray.worker import placed, seconds_together
from lrensemble.train import tune

WITH_RAY = pytest.mark.skipif(
    find_spec("ray") is None or os.name != "posix", reason="Ray is not installed: pip install 'lrensemble[ray]'"
)

STARTS_WORKERS = pytest.mark.skipif(" " in sys.executable, reason="Ray starts no workers where this path has a space")

ROUNDS = int(os.environ.get("LRENSEMBLE_CLUSTER", "1"))
RUNS, LEASE = 16 if "LRENSEMBLE_CLUSTER" in os.environ else 6, 10
SWEEP: dict[str, Any] = {
    "data": "digits",
    "split": {"val": 0.2, "test": 0.35},
    "model": "mlp(width=8)",
    "policy": [{"name": "cosine", "peak": [0.01 * (1 + n) for n in range(RUNS)]}],
    "train": {"epochs": 3, "batch_size": 50, "optimizer": "adamw"},
}

PROGRAM = """
import json, sys
from pathlib import Path
import torch
from lrensemble.config import Experiment, to_record
from lrensemble.train import Began, Ended, tune

torch.set_num_threads(1)
experiment, folder, executor = to_record(Experiment, json.loads(sys.argv[1]), "test"), Path(sys.argv[2]), sys.argv[3]
for event in tune(experiment, folder, execution="one-by-one", save_steps=8, executor=executor):
    if isinstance(event, Began):
        print("began", event.run.order, flush=True)
    elif isinstance(event, Ended):
        print("ended", event.run.order, event.status, flush=True)
"""


@WITH_RAY
@STARTS_WORKERS
def test_a_cluster(
    subtests: pytest.Subtests,
    forking: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("LRENSEMBLE_LEASE", str(LEASE))
    with cluster_of({"num_cpus": 2, "num_gpus": 2}, {"num_cpus": 1}) as cluster:
        spec = f"ray(address='{cluster.address}')"
        for promise in CONTRACT:
            with subtests.test(promise.__name__):
                (folder := tmp_path / promise.__name__).mkdir()
                promise(EXECUTORS.call(spec), folder)
        with subtests.test("items whose workers die are handed out again until attempts end"):
            crashes(spec, tmp_path)
        with subtests.test("each item has a GPU of its own"):
            own_gpus(cluster.address, tmp_path)
        with subtests.test("arrays are shared by the workers of a machine"):
            arrays_are_shared(spec)
        with subtests.test("a mailbox that dies is one line"):
            lost_mailbox(spec, tmp_path)
        with subtests.test("modules of the user's own are sent"):
            names = own_sweep(spec, own := tmp_path / "else where", monkeypatch)
            assert names == ["own_parts:flat(peak=0.05)", "cosine(peak=0.02)"]
        with subtests.test("data are read once"):
            data_were_read_once(own)
        with subtests.test("metrics are told to the cluster"):
            metrics_were_told(own, caplog)
        with subtests.test("a sweep loses a worker, the program and a machine"):
            losses(cluster, spec, forking, tmp_path)


@pytest.mark.long
@WITH_RAY
@STARTS_WORKERS
def test_a_cluster_for_longer(
    subtests: pytest.Subtests, forking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRENSEMBLE_LEASE", str(LEASE))
    with cluster_of({"num_cpus": 2}) as cluster:
        spec = f"ray(address='{cluster.address}')"
        with subtests.test("searches look at members"):
            searches_look(spec, tmp_path)
        with subtests.test("an interrupted sweep saves and goes on"):
            stops_and_goes_on(spec, forking, tmp_path, ["SIGTERM", "SIGINT", "hours"])
        with subtests.test("a machine that has just died is passed over"):
            dead_machines_are_passed_over(cluster, spec)
        # Whose lines are compared, among which Ray would print that the machine has died.
        with subtests.test("workers that were stopped for too long write nothing"):
            stopped_workers_write_nothing(cluster, spec, forking, tmp_path)
        with subtests.test("machines come and leave"):
            machines_come_and_leave(cluster, tmp_path)


def crashes(spec: str, folder: Path) -> None:
    messages = list(EXECUTORS.call(spec).map(partial(prepare, folder), ["killed 0", "killed-once 1", "plain 2"]))
    told = Counter(message[0] for message in messages if not isinstance(message, Crashed))
    assert told["plain 2"] == 1
    assert 1 <= told["killed-once 1"] <= 2, "what was on its way dies with the worker"
    assert told["killed 0"] <= 2
    (crash,) = (message for message in messages if isinstance(message, Crashed))
    assert crash.item == 0
    assert "WorkerCrashedError" in str(crash)


def lost_mailbox(spec: str, folder: Path) -> None:
    def kill_it() -> bool:
        for each in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if each.cmdline()[:1] == ["ray::Mailbox"]:
                    each.kill()
        return False

    with pytest.raises(WorkerError, match="executor ray has lost its mailbox, a process of this machine: "):
        list(EXECUTORS.call(spec).map(partial(prepare, folder), ["sleep 0"], stop=kill_it))


def own_gpus(address: str, folder: Path) -> None:
    executor = EXECUTORS.call(f"ray(address='{address}', gpus=1)")
    places = executor.places(["cpu"])
    assert places == ("auto", "auto")
    assert EXECUTORS.call(f"ray(address='{address}', gpus=1, cpus=2)").places(["cpu"]) == ("auto",)
    messages = list(executor.map(partial(prepare_meeting, folder), ["a", "b"], devices=places))
    assert sorted(message[1] for message in messages if not isinstance(message, Crashed)) == ["0", "1"]


def losses(cluster: Any, spec: str, forking: Path, folder: Path) -> None:
    """All members: the same as those of a serial pool, and begun again no more often than something was killed."""
    whole, drawn = folder / "whole", random.Random(int(os.environ.get("LRENSEMBLE_SEED", "0")))
    list(tune(to_record(Experiment, SWEEP, "test"), whole, execution="one-by-one"))
    for number in range(ROUNDS):
        pool = folder / f"round-{number}"
        lines = play(cluster, spec, forking, pool, drawn)
        assert files(pool) == files(whole), f"round {number}"
        assert len(files(pool)) == 3 * RUNS
        ended = Counter(line[1] for line in lines if line[:1] == ["ended"] and line[2:] == ["finished"])
        assert max(ended.values()) == 1
        assert not [line for line in lines if line[2:] == ["failed"]]
        # A worker, the three of a program, and the two of a machine.
        assert sum(line[:1] == ["began"] for line in lines) <= RUNS + 6


def play(cluster: Any, spec: str, forking: Path, pool: Path, drawn: random.Random) -> list[list[str]]:
    """What two programs said, one after the other: the first loses a worker and is killed, the second a machine."""
    command = ["-c", PROGRAM, json.dumps(SWEEP), pool, spec]
    lines = list[list[str]]()
    if len(cluster.worker_nodes) < 2:  # the round before has killed one
        cluster.add_node(num_cpus=1, **NODE)
    node = sorted(cluster.worker_nodes, key=lambda each: each.node_id)[drawn.randrange(2)]
    with ForkedProcess(forking, command) as first:
        read(first, lines, drawn.randint(2, 3))
        for each in drawn.sample(found := workers_of(cluster), min(1, len(found))):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        read(first, lines, drawn.randint(2, 3))
        first.kill()
        read(first, lines, RUNS * 4)
    with ForkedProcess(forking, command) as second:
        read(second, lines, drawn.randint(2, 3))
        kill_node(node)
        cluster.worker_nodes.discard(node)
        read(second, lines, RUNS * 4)
        assert second.wait(timeout=120) == 0
    return lines


def read(process: ForkedProcess, lines: list[list[str]], count: int) -> None:
    """Read so many lines, or as many as there are to come."""
    for _ in range(count):
        if not (line := process.stdout.readline()):
            return
        lines.append(line.split())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("ray(gpus=0.5)", r"ray\(gpus=0.5\) is refused; give 1, and members share the GPU in a group, or 0"),
        ("ray(gpus=2)", r"ray\(gpus=2\) is refused"),
        ("ray(cpus=0)", "cpus = 0 is refused"),
    ],
)
def test_what_cannot_be_is_refused(spec: str, message: str) -> None:
    with pytest.raises(LREnsembleError, match=message):
        EXECUTORS.call(spec)


@WITH_RAY
def test_a_cluster_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(LREnsembleError, match="device cuda:0 is of this machine, and executor ray trains on others"):
        EXECUTORS.call("ray").places(["cuda:0"])
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/opt/my programs/bin/python")
        with pytest.raises(
            LREnsembleError, match="/opt/my programs/bin/python: Ray starts no workers by an interpreter"
        ):
            EXECUTORS.call("ray").places(["cpu"])
    if " " in sys.executable:
        return
    with pytest.raises(LREnsembleError, match="executor ray cannot use ray://there:1: a client is no part of the"):
        EXECUTORS.call("ray(address='ray://there:1')").places(["cpu"])


def test_an_address_where_nobody_answers_is_one_line_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        message = f"^executor ray cannot reach the cluster '{address}': nobody answers there .* starts one, "
        with pytest.raises(WorkerError, match=message):
            check_answers(address)
        check_answers("auto")
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(WorkerError, match=message):
            check_answers("auto")
    with pytest.raises(WorkerError, match=r"cannot reach the cluster '127\.0\.0\.1:99999': nobody answers there"):
        check_answers("127.0.0.1:99999")


@WITH_RAY
def test_a_cluster_of_another_python_is_named_with_all_versions() -> None:
    import ray
    from ray._private.utils import check_version_info

    with pytest.raises(RuntimeError) as refused:  # as `ray.init` does
        check_version_info({"ray_version": "1.0.0", "python_version": "3.9.1"}, "this machine")
    error = connection.other_versions("head:6379", str(refused.value))
    here = f"{platform.node()} Ray {ray.__version__} with Python {platform.python_version()}"
    assert str(error) == (
        f"executor ray cannot use the cluster 'head:6379': it runs Ray 1.0.0 with Python 3.9.1, and {here}; install "
        "the same on all machines, to the last figure"
    )
    assert connection.other_versions("head:6379", "Could not connect to it") is None


@WITH_RAY
def test_what_ray_says_is_logged_and_printed_by_a_ray_without_that_part(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = import_module("ray._private.worker")
    said = {"lines": ["A worker died\n  or was killed."], "pid": "raylet", "is_err": False}
    monkeypatch.setattr(worker, "print_to_stdstream", worker.print_to_stdstream)  # set back afterwards
    with caplog.at_level("INFO", logger=connection.__name__):
        connection._log_what_ray_says()
        worker.print_to_stdstream(said, ignore_prefix=False)
    assert caplog.messages == ["Ray: A worker died or was killed."]
    assert capsys.readouterr().out == ""
    monkeypatch.delattr(worker, "print_to_stdstream")
    connection._log_what_ray_says()
    assert not hasattr(worker, "print_to_stdstream")
    monkeypatch.setitem(sys.modules, "ray._private.worker", None)
    connection._log_what_ray_says()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00"])
def test_a_port_of_something_else_than_ray_is_one_line_at_once(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SECONDS_TO_ANSWER", 0.2)
    with answering(answer) as address, pytest.raises(WorkerError, match="something else than Ray listens there; the "):
        check_answers(address)


def test_one_that_says_nothing_is_not_waited_for_and_tls_is_left_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SECONDS_TO_ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system accepts for it
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(WorkerError, match=f"'{address}': something else than Ray listens there"):
            check_answers(address)
        monkeypatch.setenv("RAY_USE_TLS", "1")
        check_answers(address)


def test_what_begins_as_a_server_of_grpc_is_left_to_ray() -> None:
    with answering(bytes([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 64, 0])) as address:
        check_answers(address)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Address of a server that says this to the first who comes, and hangs up."""

    def serve() -> None:
        with suppress(OSError), server.accept()[0] as client:
            client.sendall(answer)
            client.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join(60)


def test_an_error_of_another_machine_says_which() -> None:
    full = StorageError("cannot write pool/members: no space left on device")
    assert str(placed(full, platform.node())) == "cannot write pool/members: no space left on device"
    assert str(placed(full, "the head")) == f"on {platform.node()}: cannot write pool/members: no space left on device"
    assert str(placed(OSError("not one of ours"), "the head")) == "not one of ours"


def test_the_more_workers_there_are_the_less_often_each_of_them_tells() -> None:
    assert [seconds_together(workers) for workers in (1, 4, 8, 30, 1000)] == [1, 1, 2, 7.5, 10]


def test_what_ray_says_is_kept_to_a_line_without_colours() -> None:
    error = RuntimeError("\x1b[36mray::do()\x1b[39m (pid=1)\n\n  it could not be\nand so on\n")
    assert first_line(error) == "ray::do() (pid=1) it could not be"
    assert first_line(RuntimeError()) == "RuntimeError"


def test_only_the_users_own_modules_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_file.py").touch()
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    named = ["own_file", "own_package.inner", "json", "numpy.linalg", "lrensemble.policies", "not_there", "own_file"]
    assert files_of(named) == [tmp_path.resolve() / "own_file.py", tmp_path.resolve() / "own_package"]
