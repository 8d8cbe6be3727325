"""Connection to a cluster of Ray, and what its machines must have in common with this one."""

from __future__ import annotations

import importlib.util
import logging
import os
import platform
import re
import socket
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from lrensemble.environment import versions
from lrensemble.errors import MissingExtraError, WorkerError

logger = logging.getLogger(__name__)

COMPARED = ("lrensemble", "torch")
"""Libraries that must have the same version everywhere: members and their bits depend on it."""

SECONDS_TO_ANSWER = 10.0
"""Seconds that an address has to answer; Ray would ask there for minutes."""

HTTP2_SETTINGS = bytes([0, 0, 0, 4])
"""Frame of HTTP/2 without content, as far as its type: three bytes of length, and the type SETTINGS."""

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HTTP2_SETTINGS + bytes(5)
"""First bytes of a client."""

SECONDS_TO_LOOK = 120
"""Seconds that a machine has to start a worker that tells its versions."""


@dataclass
class _Connection:
    """The connection that this module has made; Ray has one a process."""

    address: str | None = None
    modules: tuple[str, ...] = ()


_made = _Connection()


def connected(address: str, modules: Sequence[str] | None = None) -> Any:
    """Ray's module, connected to a cluster; a connection that the program has made itself is used as it is.

    Args:
        address: of the cluster; `auto` for the one that this machine is part of, `local` to start one here.
        modules: names of the user's own modules, which are sent to the workers; those that were, where none are given.

    Raises:
        MissingExtraError: Ray is not installed.
        WorkerError: no such cluster, or one whose machines have other versions than this one.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtraError("executor ray needs Ray; pip install 'lrensemble[ray]'") from None
    if address.startswith("ray://"):
        raise WorkerError(
            f"executor ray cannot use {address}: a client is no part of the cluster; start this on a machine of it, or "
            "by `ray job submit`, with address='auto'"
        )
    if any(sign.isspace() for sign in sys.executable):
        raise WorkerError(
            f"executor ray cannot be used with {sys.executable}: Ray starts no workers by an interpreter whose path "
            "has a space; make the virtual environment in another folder"
        )
    modules = (_made.modules if _made.address == address else ()) if modules is None else tuple(modules)
    if ray.is_initialized():
        if _made.address is None or (address, modules) == (_made.address, _made.modules):
            return ray
        ray.shutdown()
    _made.address = None
    check_answers(address)
    sent: dict[str, Any] = {
        "env_vars": {name: value for name, value in os.environ.items() if name.startswith("LRENSEMBLE_")},
        "py_modules": [str(path) for path in files_of(modules)],
    }
    _log_what_ray_says()
    try:
        used = {key: value for key, value in sent.items() if value}  # Ray fails of some that are empty
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", runtime_env=used)
    except Exception as error:  # whatever a cluster that is not there raises
        raise other_versions(address, str(error)) or unreachable(address, first_line(error)) from None
    _made.address, _made.modules = address, modules
    check_machines(ray)
    return ray


def _log_what_ray_says() -> None:
    """Log Ray's messages on machines and workers that die: it prints them to standard output, among the results.

    It has no public way to be kept from that: what `log_to_driver` turns off is the output of workers. Where a version
    has no such part, it prints.
    """
    try:
        worker: Any = import_module("ray._private.worker")
    except ImportError:
        return

    def log(data: Mapping[str, Any], *_more: object, **_options: object) -> None:
        logger.info("Ray: %s", " ".join(" ".join(data["lines"]).split()))

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = log


def check_answers(address: str) -> None:
    """Refuse an address at which nobody listens, or who listens there speaks no gRPC: Ray would ask for minutes.

    Args:
        address: `HOST:PORT`; all others are looked up by Ray, but for `auto`, which `RAY_ADDRESS` may say.

    Raises:
        WorkerError: nobody does, or something that is no cluster.
    """
    named = (os.environ.get("RAY_ADDRESS") or address) if address == "auto" else address
    match = re.fullmatch(r"\[?(?P<host>[^\[\]]+)\]?:(?P<port>\d{1,5})", named, re.ASCII)
    if match is None:
        return
    try:
        with socket.create_connection((match["host"], int(match["port"])), timeout=SECONDS_TO_ANSWER) as connection:
            begins = _begins_http2(connection)
    except (OSError, OverflowError) as error:
        raise unreachable(named, f"nobody answers there ({error})") from None
    if not begins:
        raise unreachable(
            named, "something else than Ray listens there; the port of a cluster's head is 6379 by default"
        )


def _begins_http2(connection: socket.socket) -> bool:
    """Whether the other side begins HTTP/2, on which gRPC is built: its first frame is of SETTINGS (RFC 9113, 3.4).

    With TLS, which Ray speaks where `RAY_USE_TLS` says so, nobody is asked.
    """
    if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
        return True
    begun = b""
    with suppress(OSError):  # it says nothing for too long, or hangs up
        connection.sendall(HTTP2_PREFACE)
        while len(begun) < len(HTTP2_SETTINGS) and (more := connection.recv(len(HTTP2_SETTINGS) - len(begun))):
            begun += more
    return begun[3:] == HTTP2_SETTINGS[3:]


def other_versions(address: str, message: str) -> WorkerError | None:
    """Error of a cluster that Ray refuses to join for its Ray or Python; None where Ray says something else."""
    found = dict[str, list[str]]()
    for name, version in re.findall(r"^\s*(Ray|Python): (\S+)$", message, re.MULTILINE):
        found.setdefault(name, []).append(version)
    if [len(versions) for versions in found.values()] != [2, 2]:
        return None
    there, here = (f"Ray {found['Ray'][side]} with Python {found['Python'][side]}" for side in (0, 1))
    return WorkerError(
        f"executor ray cannot use the cluster {address!r}: it runs {there}, and {platform.node()} {here}; install "
        "the same on all machines, to the last figure"
    )


def unreachable(address: str, reason: str) -> WorkerError:
    """Error of a cluster that is not there, with what starts one."""
    return WorkerError(
        f"executor ray cannot reach the cluster {address!r}: {reason}; `ray start --head` starts one, "
        "`ray start --address=HOST:6379` adds a machine, and address='local' is one of this machine alone"
    )


def files_of(modules: Iterable[str]) -> list[Path]:
    """Folders and files of those modules that are the user's own: not of Python, nor installed with it."""
    installed = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found = list[Path]()
    for name in dict.fromkeys(module.partition(".")[0] for module in modules):
        with suppress(ImportError, ValueError):
            spec = importlib.util.find_spec(name)
            if name == "lrensemble" or spec is None or not spec.origin or spec.origin in ("built-in", "frozen"):
                continue
            path = Path(spec.origin).resolve()
            if not any(path.is_relative_to(place) for place in installed):
                found.append(path.parent if path.name == "__init__.py" else path)
    return found


def machines(ray: Any) -> list[dict[str, Any]]:
    """Machines of the cluster that are alive, as Ray tells of them."""
    return [node for node in ray.nodes() if node["Alive"]]


def check_machines(ray: Any) -> None:
    """Refuse a cluster on whose machines something has another version than here.

    Raises:
        WorkerError: with the machine and both versions.
    """
    asked = {}
    for node in machines(ray):
        if node["Resources"].get("CPU", 0) > 0:
            name = node.get("NodeName") or node.get("NodeManagerHostname", "?")
            options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": on_machine(node["NodeID"])}
            asked[node["NodeID"]] = name, ray.remote(_look()).options(**options).remote()
    own = versions()
    for node_id, (name, reference) in asked.items():
        try:
            found = ray.get(reference, timeout=SECONDS_TO_LOOK)
        except ray.exceptions.RayError as error:
            if node_id not in {node["NodeID"] for node in machines(ray)}:
                continue  # it has died: Ray lists a machine for some seconds after
            raise WorkerError(f"executor ray cannot start a worker on {name}: {first_line(error)}") from None
        for library in (*COMPARED, "python"):
            here, there = own[library], found[library]
            if library == "python":
                here, there = ".".join(here.split(".")[:2]), ".".join(there.split(".")[:2])
            if here != there:
                raise WorkerError(
                    f"{name} of the cluster has {library} {there or 'not at all'}, and {platform.node()} has {library} "
                    f"{here}; install the same on all machines"
                )


def _look() -> Any:
    """Function that tells versions where it runs; its code is sent, since lrensemble need not be there."""

    def look() -> dict[str, str]:
        from importlib import metadata

        found = {"python": sys.version.split()[0]}
        for name in COMPARED:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                found[name] = ""
        return found

    return look


def on_machine(node: str) -> Any:
    """Strategy by which a task or an actor runs on one machine."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)


def first_line(error: BaseException) -> str:
    """Beginning of what Ray says; its messages go on for a page, in colours."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[\d;]*m", "", str(error)).splitlines() if line.strip()]
    return " ".join(lines[:2]) or type(error).__name__
