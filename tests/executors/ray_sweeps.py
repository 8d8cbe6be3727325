"""What a cluster promises of sweeps: they are interrupted and go on, machines come and leave, searches look at members,
workers that were stopped for too long write nothing, modules of the user's own are sent, and data are read once.
"""

from __future__ import annotations

import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.executors.worker_tasks import prepare, prepare_with_array
from tests.forked import ForkedProcess
from tests.ray_clusters import NODE, kill_node, workers_of

from lrensemble.config import Experiment, load_experiment, to_record
from lrensemble.executors import EXECUTORS, Crashed
from lrensemble.pool import Pool
from lrensemble.train import Ended, tune

SECONDS = 240
"""Seconds after which something that is waited for does not come; on a busy machine."""

ONE_RUN = """
data = "digits"
model = "mlp(width=8)"
policy = ["cosine(peak=0.02)"]
[split]
val = 0.2
test = 0.35
[train]
epochs = 40
batch_size = 8
"""

COUNTER, STATUS = re.compile(r"ray_lrensemble_(\w+_total)\{"), re.compile(r'status="(\w+)"')
"""Line of Prometheus's that counts, and what it says of how runs ended."""

WAYS_TO_STOP = {"SIGTERM": 143, "SIGINT": 130, "hours": 124}
"""How a sweep is asked to end, and its exit status then."""

PARTITION = """
import sys
from lrensemble.config import load_experiment
from lrensemble.train import Elsewhere, Ended, tune

experiment, folder, executor = load_experiment(sys.argv[1]), *sys.argv[2:]
for event in tune(experiment, folder, execution="one-by-one", save_steps=20, executor=executor):
    if isinstance(event, Elsewhere | Ended):
        print(type(event).__name__, getattr(event, "status", ""), flush=True)
"""


def files(folder: Path) -> dict[str, bytes]:
    """Weights and predictions of the members, to the last bit."""
    found = {str(path.relative_to(folder)): path for path in folder.glob("members/*/*") if path.suffix != ".json"}
    return {name: path.read_bytes() for name, path in found.items()}


def until(happened: Callable[[], object], process: ForkedProcess | None = None) -> None:
    """Wait for something; fail where a process ends before, or it takes too long."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it does not come"
        assert process is None or process.poll() is None, process.communicate() if process else ""
        time.sleep(0.02)


def whole_run(folder: Path) -> tuple[Path, dict[str, bytes]]:
    """Experiment of one run, and the files of its member where nothing disturbs it."""
    experiment = folder / "one.toml"
    experiment.write_text(ONE_RUN)
    list(tune(load_experiment(experiment), folder / "one-whole", execution="one-by-one"))
    return experiment, files(folder / "one-whole")


def stops_and_goes_on(spec: str, forking: Path, folder: Path, ways: list[str]) -> None:
    """The program is interrupted: its workers save, its status says so, and the same command goes on."""
    experiment, expected = whole_run(folder)
    pool, held = folder / "stopped", folder / "stopped" / "unfinished"
    command = ["-m", "lrensemble", "tune", experiment, "--out", pool, "--executor", spec, "--execution", "one-by-one"]
    for way in ways:
        with ForkedProcess(forking, [*command, *(["--hours", 0.001] if way == "hours" else [])]) as process:
            if way != "hours":
                # Seen in the pool: the program hears of it when a run of two seconds may be over.
                until(lambda: [each for each in held.glob("[0-9a-g]*/[0-9a-f]*") if "free-" not in each.name], process)
                process.send_signal(getattr(signal, way))
            output = process.communicate(timeout=SECONDS)
        assert process.returncode == WAYS_TO_STOP[way], (way, output)
        if way != "hours":  # in which a worker may not even have started
            assert list(pool.glob("unfinished/*/free-*/state.safetensors")), "it has saved, and holds nothing any more"
        assert not files(pool)
    with ForkedProcess(forking, command) as process:
        output = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, output
    assert files(pool) == expected


def dead_machines_are_passed_over(cluster: Any, spec: str) -> None:
    """A machine that has just died is listed by Ray for some seconds, and bars nobody from the others."""
    others = len(EXECUTORS.call(spec).places(["cpu"]))
    kill_node(node := cluster.add_node(num_cpus=1, **NODE))
    cluster.worker_nodes.discard(node)
    assert len(EXECUTORS.call(spec).places(["cpu"])) <= others + 1


def machines_come_and_leave(cluster: Any, folder: Path) -> None:
    """Items that no machine has room for are done by one that comes; one that leaves gives its item to another."""
    executor = EXECUTORS.call(f"ray(address='{cluster.address}', cpus=3)")
    nodes = list[Any]()

    def come_and_leave() -> bool:
        if not nodes:
            nodes.append(cluster.add_node(num_cpus=3, **NODE))
        elif len(nodes) == 1 and (folder / "held 0").exists():
            nodes.append(cluster.add_node(num_cpus=3, **NODE))
            cluster.remove_node(nodes[0])
        return False

    messages = list(executor.map(partial(prepare, folder), ["held 0"], stop=come_and_leave))
    cluster.remove_node(nodes[1])
    told = [message for message in messages if not isinstance(message, Crashed)]
    assert len(told) == len(messages)
    processes = {process for _, _, process in told}
    assert len(processes) == 2, "begun on the one, done on the other"


def searches_look(spec: str, folder: Path) -> None:
    """Pruning and the objective of the team ask the program: one trial at a time, they are those of a serial search."""
    pytest.importorskip("optuna")
    search: dict[str, Any] = {
        "data": "digits",
        "split": {"val": 0.2, "test": 0.35},
        "model": "mlp(width=8)",
        "policy": ["cosine"],
        "train": {"epochs": 4, "batch_size": 50, "optimizer": "adamw"},
        "sweep": {
            "strategy": "optuna(trials=5, seed=1, objective='ensemble', "
            "pruner=successive_halving(min_resource=1, reduction_factor=2))",
            "space": {"policy.peak": "log_uniform(low=1e-5, high=0.1)"},
        },
    }
    found = dict[str, dict[str, str]]()
    for name, executor in (("search-whole", "in_process"), ("search", spec)):
        events = tune(to_record(Experiment, search, "test"), folder / name, execution="one-by-one", executor=executor)
        found[name] = {event.run.id: event.status for event in events if isinstance(event, Ended)}
    assert sorted(set(found["search-whole"].values())) == ["finished", "pruned"]
    assert found["search"] == found["search-whole"]
    assert files(folder / "search") == files(folder / "search-whole")


def stopped_workers_write_nothing(cluster: Any, spec: str, forking: Path, folder: Path) -> None:
    """A worker that is stopped beyond its lease loses its run to another process; what it writes then is refused."""
    experiment, expected = folder / "one.toml", files(folder / "one-whole")
    pool = folder / "partition"
    with ForkedProcess(forking, ["-c", PARTITION, experiment, pool, spec], LRENSEMBLE_LEASE="2") as program:
        until(lambda: list(pool.glob("unfinished/*/*/state.safetensors")), program)
        (worker,) = workers_of(cluster)
        worker.suspend()
        try:
            with ForkedProcess(
                forking, ["-c", PARTITION, experiment, pool, "in_process"], LRENSEMBLE_LEASE="2"
            ) as other:
                output, _ = other.communicate(timeout=SECONDS)
            assert "Ended finished" in output
            assert files(pool) == expected
            before = {path: path.stat().st_mtime_ns for path in pool.glob("members/**/*")}
        finally:
            worker.resume()
        output, _ = program.communicate(timeout=SECONDS)
    assert program.returncode == 0
    assert output.splitlines() == ["Elsewhere ", "Ended exists"]
    assert {path: path.stat().st_mtime_ns for path in pool.glob("members/**/*")} == before
    assert not list(pool.glob("unfinished/*")), "nothing is left behind"


def arrays_are_shared(spec: str) -> None:
    """Arrays of a preparation are views of the machine's object store, which nobody can write to."""
    array = np.arange(300_000, dtype=np.int64)
    (message,) = EXECUTORS.call(spec).map(partial(prepare_with_array, array), ["sum 0"])
    assert not isinstance(message, Crashed)
    assert message[:2] == ("44999850000", "read-only, a view")


OWN = """
import os
from pathlib import Path
import numpy as np
from lrensemble.data import Samples

def rows(folder):
    with Path(os.environ["LRENSEMBLE_TEST_READS"]).open("a") as file:
        file.write(f"{os.getpid()}\\n")
    drawn = np.random.default_rng(0)
    return Samples(drawn.normal(size=(300, 5)).astype(np.float32), np.arange(300) % 3, ("a", "b", "c"))

def flat(total, *, peak=0.1):
    return lambda step: peak
"""


def own_sweep(spec: str, folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    """Names of the members of a sweep with rows and rates of the user's own, which tells the cluster what happens."""
    folder.mkdir()
    (folder / "own_parts.py").write_text(OWN)
    patch.syspath_prepend(str(folder))
    patch.setenv("LRENSEMBLE_TEST_READS", str(folder / "reads"))
    sweep = {
        "data": "own_parts:rows",
        "split": {"val": 0.2, "test": 0.3},
        "model": "mlp(width=4)",
        "policy": ["own_parts:flat(peak=0.05)", "cosine(peak=0.02)"],
        "train": {"epochs": 1, "batch_size": 50},
        "plugins": ["own_parts"],
    }
    experiment = to_record(Experiment, sweep, "test")
    list(tune(experiment, folder / "pool", executor=spec, execution="one-by-one", loggers=["ray"]))
    return [member.name for member in Pool.open(folder / "pool").members()]


def data_were_read_once(folder: Path) -> None:
    """The program has read the data of `own_sweep`, and no worker has."""
    assert (folder / "reads").read_text().split() == [str(os.getpid())]


def metrics_were_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The cluster was told of `own_sweep`; where its machines export (`ray[default]`), it can be read from one."""
    import ray

    assert "logger ray failed" not in caplog.text
    exporting = [node for node in ray.nodes() if node["Alive"] and node["MetricsExportPort"] > 0]
    if not exporting:
        pytest.skip("this Ray exports no metrics: pip install 'ray[default]'")
    expected = {"runs_total finished": 2.0, "steps_total": 6.0}  # 150 rows each, in batches of 50
    deadline = time.monotonic() + SECONDS
    # Ray collects one metric after another, perhaps in the middle of what is counted.
    while (found := _exported(exporting, f'pool="{folder.name}/pool"')) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == expected


def _exported(nodes: list[dict[str, Any]], pool: str) -> dict[str, float]:
    """Counters of a pool that some machines export, by name and status."""
    found = dict[str, float]()
    for node in nodes:
        with suppress(OSError):
            address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
            with urllib.request.urlopen(address, timeout=10) as answer:
                for line in answer.read().decode().splitlines():
                    if pool in line and (match := COUNTER.match(line)):
                        found[" ".join(filter(None, (match[1], *STATUS.findall(line))))] = float(line.split()[-1])
    return found
