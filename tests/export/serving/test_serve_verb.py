"""`lrensemble serve`: a process that answers as `predict` does, ends in good order, and refuses in a line."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.command import Command, check_output
from tests.export.serving.conftest import Client, request_of, rows_of
from tests.forked import ForkedProcess

from lrensemble.export import Ensemble
from lrensemble.spec import Spec

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@contextmanager
def started(forking: Path, folder: Path, *options: object) -> Iterator[tuple[ForkedProcess, Client]]:
    words = ["-m", "lrensemble", "serve", folder, "--port", 0, "--json", *options]
    with ForkedProcess(forking, words, errors=True) as process:
        line = process.stdout.readline()
        try:
            check_output("serve", line)
            address = json.loads(line)["address"]
            yield process, Client(int(address.rpartition(":")[2]))
        finally:
            process.kill()


def test_the_same_as_predict_until_it_is_told_to_stop(
    forking: Path,
    bundle: Path,
    command: Command,
    tmp_path: Path,
) -> None:
    rows = rows_of(12)
    np.save(tmp_path / "rows.npy", rows)
    predicted: Any = command("predict", bundle, tmp_path / "rows.npy", "--json").record
    with started(forking, bundle) as (process, client):
        found = client.infer(request_of(rows))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert found.status == 200, found.body
    assert found.values("class_name").tolist() == [each["label"] for each in predicted["predictions"]]
    probabilities = [each["probabilities"] for each in predicted["predictions"]]
    np.testing.assert_allclose(found.values("probabilities"), probabilities, rtol=0, atol=1e-12)
    assert (process.returncode, out) == (0, "")
    address = f"http://127.0.0.1:{client.port}/v2/models/pets"
    assert err.splitlines() == [f"pets answers at {address}; Ctrl-C ends it", "all that had come is answered"]


def test_sigterm_loses_nothing(forking: Path, bundle: Path) -> None:
    """Readiness is gone at once, and whoever still comes in the time of grace is answered."""
    statuses = list[int]()
    stopped = threading.Event()

    def go_on(client: Client) -> None:
        body = request_of(rows_of(50))
        while not stopped.is_set():
            statuses.append(client.infer(body).status)

    with started(forking, bundle, "--grace", 1) as (process, client):
        threads = [threading.Thread(target=go_on, args=(client,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(statuses) < 10:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        while (ready := client.ask("GET", "/v2/health/ready")).status == 200:
            time.sleep(0.01)
        assert (ready.status, ready.record) == (503, {"ready": False})
        assert client.ask("GET", "/v2/models/pets/ready").record == {"name": "pets", "ready": False}
        assert client.ask("GET", "/v2/health/live").status == 200
        seen = len(statuses)
        while len(statuses) < seen + 10 and all(thread.is_alive() for thread in threads):
            time.sleep(0.01)  # on a machine so busy that the grace ends first, a client without a server has failed
        stopped.set()
        for thread in threads:
            thread.join()
        assert process.wait(60) == 0
    assert set(statuses) == {200}


def test_memory_is_flat(forking: Path, bundle: Path) -> None:
    """A short one of `python -m benchmarks.serving`, which asks for a minute."""
    body = json.dumps(request_of(rows_of(500)))
    wrong = json.dumps(request_of(rows_of(500), datatype="FP32"))

    def resident(client: Client) -> float:
        (line,) = re.findall(rb"^process_resident_memory_bytes (\S+)", client.ask("GET", "/metrics").body, re.MULTILINE)
        return float(line) / 2**20

    with started(forking, bundle) as (_, client), ThreadPoolExecutor(8) as threads:
        sizes = []
        for _ in range(3):
            found = threads.map(lambda place: client.infer(body if place % 3 else wrong).status, range(60))
            assert Counter(found) == {200: 40, 400: 20}
            sizes.append(resident(client))
    assert sizes[2] - sizes[0] < 10, "MiB; the bodies of a round are 25"


def test_ctrl_c(forking: Path, bundle: Path) -> None:
    with started(forking, bundle, "--grace", 600) as (process, _):
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_mistakes_are_told_in_one_line(command: Command, bundle: Path, pets: Ensemble, tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "ensemble.json").write_text("{}")
    parts = tuple(part.model_copy(update={"model": Spec("theirs:make")}) for part in pets.description.parts)
    Ensemble(list(pets.members), pets.description.model_copy(update={"parts": parts})).save(tmp_path / "theirs")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, message in (
            ((tmp_path,), "it has no config.json; make one with lrensemble export"),
            ((tmp_path / "team",), "is a team of language models, and serve answers for networks that take arrays"),
            (
                (tmp_path / "theirs",),
                "theirs:make: its code is not imported unasked; if you trust it, add",
            ),
            ((bundle, "--port", port), f"cannot listen at 127.0.0.1, port {port}: Address already in use"),
            ((bundle, "--host", "no such host"), "cannot listen at no such host, port 8000"),
            ((bundle, "--batch-rows", 0), "Input should be greater than or equal to 1"),
        ):
            outcome = command("serve", *arguments)
            assert (outcome.status, outcome.out) == (2, ""), arguments
            assert message in outcome.err
            assert outcome.err.count("\n") == 1
