"""Ensembles of untrained networks, and servers of them that answer real requests."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lrensemble import models
from lrensemble.cli.listening import listen
from lrensemble.export import Description, Ensemble
from lrensemble.export.networks import Networks
from lrensemble.export.serving import Limits, Served
from lrensemble.export.serving.routes import Service
from lrensemble.export.serving.server import Server
from lrensemble.spec import to_spec

CLASSES = ("ant", "bee", "čmelák", "dog")
SHAPE = (2, 5, 3)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def record(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The one line of a refusal."""
        (line,) = self.record.values()
        assert list(self.record) == ["error"]
        assert "\n" not in line
        assert "Traceback" not in line
        return str(line)

    def values(self, name: str) -> Any:
        (found,) = [each for each in self.record["outputs"] if each["name"] == name]
        return np.reshape(found["data"], found["shape"])


@dataclass(frozen=True)
class Client:
    """One connection for each request, as most clients have."""

    port: int
    server: Server | None = None
    """What answers, where it is in this process."""

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(connection):
            content = json.dumps(body) if isinstance(body, dict | list) else body
            own = headers or {}
            connection.request(method, path, content, own, encode_chunked="Transfer-Encoding" in own)
            response = connection.getresponse()
            return Answer(response.status, response.read(), {k.lower(): v for k, v in response.getheaders()})

    def infer(self, body: Any, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", "/v2/models/pets/infer", body, named)


Serve = Callable[..., AbstractContextManager[Client]]


@contextlib.contextmanager
def serving(served: Served, *, system_bytes: int = 0, **limits: Any) -> Iterator[Client]:
    """A server in a thread of this process, at a port of its own; `system_bytes` of an answer wait in the system."""
    server = Server(Service(served, Limits(**limits)))
    with listen("127.0.0.1", (0,)) as found:
        if system_bytes:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, system_bytes)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [found]})
        thread.start()
        try:
            yield Client(found.getsockname()[1], server)
        finally:
            server.should_exit = True
            thread.join(timeout=30)


def ensemble_of(dtype: str = "uint8", shape: tuple[int, ...] = SHAPE, **target: Any) -> Ensemble:
    """Two small networks with random weights, whose inputs were bytes, or numbers about zero."""
    of_bytes = dtype == "uint8"
    ones = (1.0,) * len(target.get("names", ()))
    low, high, mean, std = (0.0, 255.0, 127.5, 73.0) if of_bytes else (-3.0, 3.0, 0.0, 1.0)
    seen = {"low": (low,) * shape[0], "high": (high,) * shape[0], "mean": (mean,) * shape[0], "std": (std,) * shape[0]}
    description = Description.model_validate(
        {
            "target": target or {"kind": "classes", "names": CLASSES},
            "task": "pets",
            "inputs": {"shape": shape, "dtype": dtype, "mean": (mean,) * shape[0], "std": (std,) * shape[0]}
            | {"seen": seen | ({"contrast": (40.0, 90.0)} if len(shape) == 3 else {})},
            "parts": [
                {"id": name, "name": name, "model": "mlp(width=7)", "form": "values" if target else "log_probs"}
                | ({"scale": {"mean": ones, "std": ones}} if target else {})
                for name in ("a", "b")
            ],
            "weights": (0.5, 0.5),
            "consensus": "mean",
            "method": "all",
        }
    )
    outputs = description.target.width
    members = [models.build(to_spec("mlp(width=7)"), shape, outputs, seed=seed) for seed in (1, 2)]
    for member in members:  # far enough apart that all classes occur
        member.to(torch.float64 if dtype == "float64" else torch.float32)
        member.load_state_dict({name: 4 * value for name, value in member.state_dict().items()})
    return Ensemble(members, description)


def rows_of(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Images [sample, *SHAPE] of bytes."""
    return np.random.default_rng(seed).integers(0, 256, size=(count, *SHAPE), dtype=np.uint8)


def request_of(rows: NDArray[Any], datatype: str = "UINT8", **more: Any) -> dict[str, Any]:
    """A request whose values are nested as their shape."""
    given = {"name": "inputs", "shape": list(rows.shape), "datatype": datatype, "data": rows.tolist()}
    return {"inputs": [given | more]}


@pytest.fixture(scope="session")
def pets() -> Ensemble:
    torch.set_num_threads(1)
    return ensemble_of()


@pytest.fixture(scope="session")
def bundle(pets: Ensemble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "pets"
    pets.save(folder)
    return folder


@pytest.fixture(scope="session")
def client(pets: Ensemble) -> Iterator[Client]:
    """A server of the pets."""
    with serving(Served("pets", Networks(pets))) as found:
        yield found
