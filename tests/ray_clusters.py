"""Clusters of Ray on this machine: processes that take each other for machines."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[1]
SECONDS_TO_START = 300
NODE = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
HEAD = {**NODE, "num_cpus": 0, "include_log_monitor": False, "no_monitor": True}
"""Without cores, and without what adds machines and what shows what workers print."""
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_memory_monitor_refresh_ms": "0",  # it counts what others on this machine have
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "10",  # fewer seconds than by default, and more than a busy machine needs
    "RAY_raylet_start_wait_time_s": "120",  # on a busy machine
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
}


@contextmanager
def cluster_of(*nodes: dict[str, Any]) -> Iterator[Any]:
    """A head without cores, and nodes with these resources; `address` is what `ray(address=…)` takes.

    Nothing is written outside a folder that is removed with the cluster.
    """
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: paths of sockets have at most 107 bytes
    with pytest.MonkeyPatch.context() as patch, within(SECONDS_TO_START), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in {**ENVIRONMENT, "HOME": str(folder)}.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        before = signal.getsignal(signal.SIGTERM)
        cluster = Cluster(initialize_head=True, head_node_args={"temp_dir": str(folder / "r"), **HEAD})
        try:
            for node in nodes:
                cluster.add_node(wait=False, **NODE, **node)
            cluster.wait_for_nodes()
            signal.alarm(0)
            yield cluster
        finally:
            import ray

            ray.shutdown()
            cluster.shutdown()
            signal.signal(signal.SIGTERM, before)
            shutil.rmtree(folder, ignore_errors=True)


def workers_of(cluster: Any) -> list[psutil.Process]:
    """Workers that have a task now."""
    raylets = [psutil.Process(node.all_processes["raylet"][0].process.pid) for node in cluster.worker_nodes]
    return [each for raylet in raylets for each in raylet.children(recursive=True) if is_at_work(each)]


def is_at_work(process: psutil.Process) -> bool:
    """Whether a process has a task, as its title tells."""
    try:
        return "ray::do" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def kill_node(node: Any) -> list[int]:
    """Kill a node as a machine without power: its raylet and all of its workers, which would outlive that."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    victims = [raylet, *raylet.children(recursive=True)]
    for each in victims:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    return [each.pid for each in victims]


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """A block that fails once it has taken so long; `signal.alarm(0)` in it ends the limit."""

    def fail(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
