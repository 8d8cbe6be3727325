"""Load of `lrensemble serve`, beside the ensemble's ONNX file behind the simplest server, and called directly.

Every server is a process of its own; this one asks it over connections that stay open, each with one request under way.
A request holds rows of a test set; answers are checked to be there, to say 200 and to give the class that the ensemble
gives in this process, so what is lost or mixed up is counted.

    python -m benchmarks.serving --bundle FOLDER --onnx FILE --rows FILE.npz [--seconds 60] [--save FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.measure import show
from numpy.typing import NDArray

from lrensemble.export import Ensemble
from lrensemble.export.readers import read
from lrensemble.networks.onnx import session_of

CASES = ((1, 1), (1, 16), (1, 64), (16, 16))
"""Rows of a request, and connections."""
REQUESTS = 256
"""Requests that are made before the clock runs, and sent in turn."""


@dataclass
class Load:
    """What came of one case."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds of each request that was answered."""
    lost: int = 0
    """Requests without an answer of 200."""
    wrong: int = 0
    """Answers with another class."""
    cpu: float = float("nan")
    """Seconds of the processor that the server took; it hardly depends on what else the machine does."""


@dataclass(frozen=True)
class Asked:
    """A request, ready to be sent, and the classes that are right."""

    content: bytes
    labels: list[int]


def requests_of(rows: NDArray[Any], labels: NDArray[np.int64], count: int, *, plain: bool, path: str) -> list[Asked]:
    """Requests of so many rows each."""
    found = []
    for place in range(REQUESTS):
        chosen = np.arange(place * count, (place + 1) * count) % len(rows)
        head: dict[str, Any] = {"shape": [count, *rows.shape[1:]], "datatype": "UINT8", "name": "inputs"}
        given = {"data": rows[chosen].ravel().tolist()}
        body = json.dumps(head | given if plain else {"inputs": [head | given]}, separators=(",", ":")).encode()
        start = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        found.append(Asked(start + body, labels[chosen].tolist()))
    return found


async def _one(port: int, requests: list[Asked], until: float, first: int, load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    place = first
    while time.perf_counter() < until:
        asked = requests[place % len(requests)]
        place += 7
        began = time.perf_counter()
        try:
            writer.write(asked.content)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1]) if length else 0)
        except (OSError, asyncio.IncompleteReadError):
            load.lost += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
            continue
        load.latencies.append(time.perf_counter() - began)
        load.lost += not head.startswith(b"HTTP/1.1 200")
        load.wrong += _labels(body) != asked.labels
    writer.close()


def _labels(body: bytes) -> list[int] | None:
    found = re.search(rb'"label"[^}]*"data":\[([\d,]*)\]', body)
    return None if found is None else [int(each) for each in found[1].split(b",")]


def loaded(port: int, pid: int, requests: list[Asked], connections: int, seconds: float) -> Load:
    """Ask a server for so many seconds over so many connections."""

    async def all_of_them() -> Load:
        load, began = Load(), time.perf_counter()
        ones = (_one(port, requests, began + seconds, 31 * place, load) for place in range(connections))
        await asyncio.gather(*ones)
        load.seconds = time.perf_counter() - began
        return load

    before = cpu_seconds(pid)
    load = asyncio.run(all_of_them())
    load.cpu = cpu_seconds(pid) - before
    return load


@contextmanager
def process(*words: object) -> Iterator[tuple[int, int]]:
    """Port and process id of a server, which prints its address first, in JSON."""
    with subprocess.Popen([sys.executable, *map(str, words)], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        address = json.loads(started.stdout.readline())["address"]
        try:
            yield int(address.rpartition(":")[2]), started.pid
        finally:
            started.terminate()


def cpu_seconds(pid: int) -> float:
    """Seconds of the processor that a process has taken, on Linux."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Resident memory of a process in MiB, on Linux."""
    (found,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(found) / 1024


def plain(file: Path) -> None:
    """The simplest server: one session of ONNX Runtime, one request after another, no checks."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from lrensemble.cli.listening import address_of, listen

    session = session_of(file.read_bytes())

    async def infer(request: Request) -> JSONResponse:
        given = await request.json()
        rows = np.array(given["data"], dtype=np.uint8).reshape(given["shape"])
        probabilities, label = session.run(None, {"inputs": rows})
        outputs = (("probabilities", probabilities), ("label", label))
        return JSONResponse({"outputs": [{"name": name, "data": each.ravel().tolist()} for name, each in outputs]})

    with listen("127.0.0.1", (0,)) as found:
        print(json.dumps({"address": address_of(found)}), flush=True)
        application = Starlette(routes=[Route("/infer", infer, methods=["POST"])])
        uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False)).run(sockets=[found])


def line(server: str, rows: int, connections: int, load: Load) -> tuple[str, ...]:
    """A line of the table."""
    answered = len(load.latencies)
    p50, p99 = 1000 * np.quantile(load.latencies, (0.5, 0.99))
    rates = (f"{answered / load.seconds:,.0f}", f"{answered * rows / load.seconds:,.0f}")
    counts = (f"{answered:,}", str(load.lost), str(load.wrong))
    cpu = f"{1000 * load.cpu / answered:.2f}"
    return server, str(rows), str(connections), *rates, f"{p50:.2f}", f"{p99:.2f}", cpu, *counts


def direct(file: Path, rows: NDArray[Any], seconds: float) -> Iterator[tuple[str, ...]]:
    """ONNX Runtime called in this process, on one thread, for each number of rows."""
    session = session_of(file.read_bytes())
    for count in sorted({each for each, _ in CASES}):
        load, began, cpu = Load(), time.perf_counter(), time.process_time()
        while (now := time.perf_counter()) < began + seconds:
            place = len(load.latencies) * count % (len(rows) - count)
            session.run(None, {"inputs": rows[place : place + count]})
            load.latencies.append(time.perf_counter() - now)
        load.seconds = time.perf_counter() - began
        load.cpu = time.process_time() - cpu
        yield line("ONNX Runtime, called directly", count, 1, load)


def main() -> None:
    """Measure all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, help="folder of lrensemble export")
    parser.add_argument("--onnx", type=Path, required=True, help="the same team as an ONNX file")
    parser.add_argument("--rows", type=Path, help=".npz or .npy file of raw inputs")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each case")
    parser.add_argument("--long", type=float, default=60.0, help="seconds of the last case, whose memory is watched")
    parser.add_argument("--options", default="", help="further options of lrensemble serve")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--plain", action="store_true", help="be the simplest server")
    given = parser.parse_args()
    if given.plain:
        plain(given.onnx)
        return
    ensemble = Ensemble.load(given.bundle)
    rows = np.concatenate(list(read(given.rows, ensemble.description.inputs)))[:4096]
    labels = ensemble.predict_dense(rows).argmax(axis=1)
    found = list(direct(given.onnx, rows, given.seconds))
    url = f"/v2/models/{given.bundle.name}/infer"
    ours = ("-m", "lrensemble", "serve", given.bundle, "--port", 0, "--json", *given.options.split())
    simplest = ("-m", "benchmarks.serving", "--onnx", given.onnx, "--plain")
    for server, words, path in (
        ("ONNX Runtime behind the simplest server", simplest, "/infer"),
        ("lrensemble serve", ours, url),
    ):
        with process(*words) as (port, pid):
            for count, connections in CASES:
                requests = requests_of(rows, labels, count, plain=path == "/infer", path=path)
                loaded(port, pid, requests, connections, 1.0)  # warmed
                found.append(line(server, count, connections, loaded(port, pid, requests, connections, given.seconds)))
    with process(*ours) as (port, pid):
        requests = requests_of(rows, labels, 1, plain=False, path=url)
        loaded(port, pid, requests, 32, given.long / 6)
        before = memory(pid)
        last = loaded(port, pid, requests, 32, given.long)
        after = memory(pid)
        found.append(line(f"lrensemble serve, {given.long:g} s", 1, 32, last))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
    batches, of_rows = (
        float(re.findall(rf"^lrensemble_batch_rows_{name} (\S+)", text, re.MULTILINE)[0]) for name in ("count", "sum")
    )
    heads = ("server", "rows a request", "connections", "requests/s", "rows/s", "p50 ms", "p99 ms")
    axes = "x".join(map(str, rows.shape[1:]))
    title = f"Load of a team of {len(ensemble.members)} on inputs of {axes} (python -m benchmarks.serving)"
    show(title, (*heads, "CPU ms a request", "answered", "lost", "wrong class"), found, given.save)
    print(
        f"memory {before:.1f} MiB before and {after:.1f} MiB after the last; {of_rows / batches:.1f} rows a batch in it"
    )


if __name__ == "__main__":
    main()
