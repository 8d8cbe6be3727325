"""Ray's autoscaler, with its own provider of machines that are processes of this one: `fake_multinode`."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.executors.ray_sweeps import files, until
from tests.ray_clusters import ENVIRONMENT, NODE, SECONDS_TO_START, within

from lrensemble.config import Experiment, to_record
from lrensemble.pool import Pool
from lrensemble.train import tune

RUNS = 3
SWEEP: dict[str, Any] = {
    "data": "digits",
    "split": {"val": 0.2, "test": 0.35},
    "model": "mlp(width=8)",
    "policy": [{"name": "cosine", "peak": [0.01 * (1 + n) for n in range(RUNS)]}],
    "train": {"epochs": 2, "batch_size": 50},
}


@pytest.mark.long
@pytest.mark.skipif(find_spec("ray") is None or os.name != "posix", reason="Ray is not installed")
@pytest.mark.skipif(" " in sys.executable, reason="Ray starts no workers where this path has a space")
def test_machines_are_started_for_a_sweep_leave_when_idle_and_are_started_again(tmp_path: Path) -> None:
    experiment = to_record(Experiment, SWEEP, "test")
    list(tune(experiment, tmp_path / "whole", execution="one-by-one"))
    with autoscaling_head() as address:
        import ray

        for name in ("first", "second"):
            list(tune(experiment, tmp_path / name, execution="one-by-one", executor=f"ray(address='{address}')"))
            assert len(Pool.open(tmp_path / name).members()) == RUNS
            assert files(tmp_path / name) == files(tmp_path / "whole")
            if name == "first":
                assert with_cores(ray.nodes()), "it had none when the sweep began"
                until(lambda: not with_cores(ray.nodes()))
        assert len(with_cores(ray.nodes())) >= 1


def with_cores(nodes: list[dict[str, Any]]) -> list[str]:
    """Machines that are alive and can train, by Ray's names."""
    return [node["NodeID"] for node in nodes if node["Alive"] and node["Resources"].get("CPU", 0)]


@contextmanager
def autoscaling_head() -> Iterator[str]:
    """Address of a head without cores that starts up to two machines of one core where work waits.

    `ray.cluster_utils.AutoscalingCluster` would stop all of Ray on this machine, and reads a file that Ray's wheels
    do not have.
    """
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: paths of sockets have at most 107 bytes
    with pytest.MonkeyPatch.context() as patch, within(2 * SECONDS_TO_START), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = {"HOME": str(folder), "RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
        for name, value in {**ENVIRONMENT, **own}.items():
            patch.setenv(name, value)
        import ray
        from ray.util import get_node_ip_address

        with socket.socket() as free:
            free.bind(("", 0))
            address = f"{get_node_ip_address()}:{free.getsockname()[1]}"
        (folder / "cluster.json").write_text(json.dumps(configuration(address)))
        options = {"port": address.rpartition(":")[2], "num-cpus": 0, "temp-dir": folder / "r", "include-dashboard": 0}
        options |= {"object-store-memory": NODE["object_store_memory"], "autoscaling-config": folder / "cluster.json"}
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
        command += [f"--{name}={value}" for name, value in options.items()]
        try:
            with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as head:
                try:
                    while not listens(address):
                        assert head.poll() is None, (folder / "log").read_text()
                        time.sleep(0.1)
                    yield address
                finally:
                    ray.shutdown()
                    kill_all_at_home(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def configuration(address: str) -> dict[str, Any]:
    """Configuration of a cluster whose machines leave after six seconds without work."""
    provider = {
        "type": "fake_multinode",
        "head_node_id": "f" * 51 + "0" * 5,
        "gcs_address": address,
        "use_node_id_as_ip": True,
        "disable_node_updaters": True,
        "disable_launch_config_check": True,
    }
    machine = {"node_config": {}, "min_workers": 0}
    commands = ["initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands"]
    commands += ["head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files"]
    return {
        **{name: list[str]() for name in commands},
        **{name: dict[str, Any]() for name in ("auth", "docker", "file_mounts", "head_node", "worker_nodes")},
        "file_mounts_sync_continuously": False,
        "upscaling_speed": 1.0,
        "cluster_name": "processes",
        "max_workers": 2,
        "idle_timeout_minutes": 0.1,
        "provider": provider,
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"node_config": {}, "resources": {"CPU": 0}, "max_workers": 0},
            "trainer": {**machine, "resources": {"CPU": 1, "object_store_memory": 80 * 2**20}, "max_workers": 2},
        },
    }


def listens(address: str) -> bool:
    """Whether somebody listens there."""
    host, _, port = address.rpartition(":")
    with suppress(OSError):
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    return False


def kill_all_at_home(folder: Path) -> None:
    """Kill the processes that were started with this folder as their home: machines are nobody's children."""
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            if each.pid != os.getpid() and each.environ().get("HOME") == str(folder):
                each.kill()
