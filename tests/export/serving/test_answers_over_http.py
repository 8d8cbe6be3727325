"""A real server: the paths of the protocol, the same answers as in Python, and a line for all that is wrong."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.export.serving.conftest import CLASSES, SHAPE, Client, ensemble_of, request_of, rows_of, serving

from lrensemble.export import Ensemble
from lrensemble.export.networks import Networks
from lrensemble.export.serving import Served, server

ROW = rows_of(1)


def test_what_the_server_says_of_itself(client: Client) -> None:
    for path in ("/v2", "/v2/"):
        found = client.ask("GET", path).record
        assert (found["name"], found["extensions"]) == ("lrensemble", ["binary_tensor_data"])
    assert client.ask("GET", "/v2/health/live").record == {"live": True}
    assert client.ask("GET", "/v2/health/ready").record == {"ready": True}
    for version in ("", "/versions/1"):
        assert client.ask("GET", f"/v2/models/pets{version}/ready").record == {"name": "pets", "ready": True}
        assert client.ask("GET", f"/v2/models/pets{version}").record == {
            "name": "pets",
            "versions": ["1"],
            "platform": "lrensemble_bundle",
            "inputs": [{"name": "inputs", "datatype": "UINT8", "shape": [-1, 2, 5, 3]}],
            "outputs": [
                {"name": "probabilities", "datatype": "FP64", "shape": [-1, 4]},
                {"name": "label", "datatype": "INT64", "shape": [-1]},
                {"name": "class_name", "datatype": "BYTES", "shape": [-1]},
            ],
        }


def test_it_answers_as_python_does(client: Client, pets: Ensemble) -> None:
    rows = rows_of(40)
    found = client.infer(request_of(rows) | {"id": "42"})
    assert found.status == 200, found.body
    assert (found.record["id"], found.record["model_name"], found.record["model_version"]) == ("42", "pets", "1")
    expected = pets.predict_proba(rows)
    assert len(set(expected.argmax(axis=1))) > 1
    np.testing.assert_allclose(found.values("probabilities"), expected, rtol=0, atol=1e-12)
    assert found.values("class_name").tolist() == pets.predict(rows).tolist()
    assert [CLASSES[index] for index in found.values("label")] == pets.predict(rows).tolist()
    assert "parameters" not in found.record


def test_outputs_that_are_asked_for(client: Client) -> None:
    asked = [{"name": "label"}, {"name": "class_name"}, {"name": "label"}]
    found = client.infer(request_of(ROW) | {"outputs": asked}).record
    assert [each["name"] for each in found["outputs"]] == ["label", "class_name"]
    assert "id" not in found


def test_tensors_as_bytes(client: Client, pets: Ensemble) -> None:
    rows = rows_of(3)
    given = {"name": "inputs", "shape": list(rows.shape), "datatype": "UINT8"}
    asked = [{"name": "class_name", "parameters": {"binary_data": True}}, {"name": "label"}]
    head = json.dumps(
        {
            "inputs": [given | {"parameters": {"binary_data_size": rows.size}}],
            "outputs": [*asked, {"name": "probabilities", "parameters": {"binary_data": True}}],
        }
    ).encode()
    found = client.infer(head + rows.tobytes(), Inference_Header_Content_Length=str(len(head)))
    assert found.status == 200, found.body
    length = int(found.headers["inference-header-content-length"])
    outputs = json.loads(found.body[:length])["outputs"]
    words = b"".join(len(each.encode()).to_bytes(4, "little") + each.encode() for each in pets.predict(rows).tolist())
    assert [each.get("parameters") for each in outputs] == [
        {"binary_data_size": len(words)},
        None,
        {"binary_data_size": 8 * 3 * len(CLASSES)},
    ]
    assert found.body[length:].startswith(words)
    probs = np.frombuffer(found.body[length + len(words) :], "<f8").reshape(3, len(CLASSES))
    np.testing.assert_allclose(probs, pets.predict_proba(rows), rtol=0, atol=1e-12)
    by_default = {"inputs": [given | {"data": rows.tolist()}], "parameters": {"binary_data_output": True}}
    found = client.infer(by_default)
    assert b'"data"' not in found.body
    assert found.headers["content-type"] == "application/octet-stream"


def given(**more: Any) -> dict[str, Any]:
    return request_of(ROW, **more)


NESTED: Any = 1
for _ in range(150):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("", 400, "the body is no JSON (which has no NaN): EOF while parsing a value"),
        ("{", 400, "the body is no JSON"),
        (b"\xff\xfe{", 400, "the body is no JSON"),
        ("[" * 100_000, 400, "recursion limit exceeded"),
        ('{"inputs":' + "9" * 5000 + "}", 400, "number out of range"),
        ([], 400, "the body is no JSON object"),
        ({}, 400, "the request: inputs: is missing"),
        ({"inputs": []}, 400, "the inputs are none; the ensemble takes one, 'inputs'"),
        ({"inputs": given()["inputs"] * 2}, 400, "the inputs are 'inputs', 'inputs'; the ensemble takes one"),
        (given(name="images"), 400, "the inputs are 'images'; the ensemble takes one, 'inputs'"),
        (given(name="x" * 10_000), 400, "the ensemble takes one, 'inputs'"),
        (given(datatype="FP32"), 400, "input 'inputs' is 'FP32'; the ensemble takes UINT8"),
        (given(shape=[1, 30]), 400, "input 'inputs' has shape [1, 30]; the ensemble takes [rows, 2, 5, 3]"),
        (given(shape=[0, *SHAPE], data=[]), 400, "input 'inputs' has shape [0, 2, 5, 3]"),
        (given(shape=[-1, *SHAPE]), 400, "the request: inputs.0.shape.0: "),
        (given(shape=[1.5, *SHAPE]), 400, "the request: inputs.0.shape.0: "),
        (given(shape=[1024, *SHAPE]), 400, "holds 1 rows, and its shape [1024, 2, 5, 3] 1,024"),
        (given(shape=[10**18, *SHAPE]), 413, "1,000,000,000,000,000,000 rows in one request; 1,024 are taken at most"),
        (given(shape=[10**18] * 60_000), 400, "the ensemble takes [rows, 2, 5, 3]"),
        (given(data=NESTED), 400, "data of input 'inputs' is not nested"),
        (given(data="abc"), 400, "the request: inputs.0.data: Input should be a valid list"),
        (given(data=[float("nan")] * 30), 400, "the body is no JSON (which has no NaN)"),
        (given(data=None), 400, "either data or the parameter binary_data_size"),
        (given(data=None, parameters={"binary_data_size": 30}), 400, "is 30, and 0 bytes follow the JSON"),
        (given(dtype="UINT8"), 400, "the request: inputs.0.dtype: no such key; did you mean 'datatype'?"),
        (given() | {"outputs": [{"name": "logits"}]}, 400, "no output named 'logits'; there are probabilities, label"),
        (given() | {"id": 7}, 400, "the request: id: Input should be a valid string"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(client: Client, body: Any, status: int, message: str) -> None:
    found = client.infer(body)
    assert message in found.error
    assert found.status == status
    assert len(found.body) < 1000


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/", 404, "GET /: Not Found; paths begin with /v2, or are /metrics"),
        ("GET", "/v2/models/cats", 404, "no model named 'cats'; this server has 'pets'"),
        ("GET", "/v2/models/pets/versions/2", 404, "model 'pets' has no version '2'; it has '1'"),
        ("GET", "/v2/models/pets/infer", 405, "Method Not Allowed; it takes POST"),
        ("POST", "/v2/models/pets", 405, "Method Not Allowed; it takes GET and HEAD"),
        ("POST", "/v2/models/cats/infer", 404, "no model named 'cats'"),
    ],
)
def test_other_paths(client: Client, method: str, path: str, status: int, message: str) -> None:
    found = client.ask(method, path)
    assert found.status == status
    assert message in found.error


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Content-Encoding": "gzip"}, 415, "Content-Encoding is 'gzip'; send the body as it is"),
        ({"Inference-Header-Content-Length": "1000000"}, 400, "give the bytes of the JSON, at most "),
        ({"Inference-Header-Content-Length": "-1"}, 400, "give the bytes of the JSON, at most "),
        ({"Inference-Header-Content-Length": "0" * 5000}, 400, "give the bytes of the JSON, at most "),
        ({"Inference-Header-Content-Length": "10"}, 400, "the body is no JSON"),
    ],
)
def test_headers(client: Client, headers: dict[str, str], status: int, message: str) -> None:
    found = client.infer(given(), **headers)
    assert found.status == status
    assert message in found.error


def test_bytes_that_nobody_has_announced(client: Client) -> None:
    head = json.dumps(given()).encode()
    found = client.infer(head + b"xyz", Inference_Header_Content_Length=str(len(head)))
    assert (found.status, found.error) == (400, "3 bytes follow the JSON, and no input says binary_data_size")


def test_what_is_too_large_is_refused_before_it_is_kept(pets: Ensemble) -> None:
    with serving(Served("pets", Networks(pets)), body_bytes=1000) as small:
        assert small.infer(given()).status == 200
        line = "the body has more than 1,000 bytes; send fewer rows at a time"
        for body in (b"x" * 1001, b"x" * 5000):
            whole = small.infer(body)
            pieces = small.infer(iter([body[:700], body[700:]]), Transfer_Encoding="chunked")
            assert [(each.status, each.error) for each in (whole, pieces)] == [(413, line)] * 2
        asked_first = small.infer(b"", Content_Length="10000000000", Expect="100-continue")
        assert (asked_first.status, asked_first.error) == (413, line)
        with contextlib.suppress(OSError):  # whoever goes on is cut off
            assert small.infer(iter([b"x" * 1000] * 1000), Transfer_Encoding="chunked").status == 413
        assert small.infer(given()).status == 200


def test_rows_far_outside_are_told_or_refused(client: Client, pets: Ensemble) -> None:
    divided = rows_of(3) % 2
    reason = "far outside of what was trained on: values go from 0 to 1 where training had 0 to 255"
    told = client.infer(request_of(np.concatenate([divided, rows_of(2)])))
    assert told.status == 200
    assert told.record["parameters"]["outside_rows"] == 3
    assert f"3 of 5 rows {reason}" in told.record["parameters"]["warning"]
    with serving(Served("pets", Networks(pets), strict=True)) as strict:
        refused = strict.infer(request_of(divided))
        assert refused.status == 400
        assert f"3 of 3 rows {reason}" in refused.error
        assert strict.infer(given()).status == 200


@pytest.mark.parametrize(("dtype", "datatype"), [("float32", "FP32"), ("float64", "FP64")])
def test_features_and_values(dtype: str, datatype: str) -> None:
    ensemble = ensemble_of(dtype, (3,), kind="values", names=("width", "height"))
    rows = np.random.default_rng(0).normal(size=(6, 3)).astype(dtype)
    with serving(Served("pets", Networks(ensemble))) as values:
        found = values.infer(request_of(rows, datatype))
        assert found.status == 200, found.body
        np.testing.assert_allclose(found.values("values"), ensemble.predict(rows), rtol=0, atol=1e-12)
        assert [each["name"] for each in values.ask("GET", "/v2/models/pets").record["outputs"]] == ["values"]
        request = request_of(rows, datatype)
        request["inputs"][0]["data"][1][2] = large = 1e39 if dtype == "float32" else 1e308
        refused = values.infer(request)
        message = "row 1 holds a value that is not finite" if dtype == "float32" else "no finite number for row 1"
        assert (refused.status, message in refused.error) == (400, True), (large, refused.body)


@contextlib.contextmanager
def held(pets: Ensemble, **limits: Any) -> Iterator[tuple[Client, threading.Event, threading.Event]]:
    """A server whose thread stops in each prediction until it may go on."""
    begun, go = threading.Event(), threading.Event()

    def wait(_module: Any, _given: Any) -> None:
        begun.set()
        assert go.wait(30)

    handle = pets.register_forward_pre_hook(wait)
    try:
        with serving(Served("pets", Networks(pets)), **limits) as client:
            try:
                yield client, begun, go
            finally:
                go.set()
    finally:
        handle.remove()


def test_who_finds_the_queue_full_comes_again(pets: Ensemble) -> None:
    with held(pets, queue=2) as (client, begun, go), ThreadPoolExecutor() as threads:
        first = threads.submit(client.infer, given())
        assert begun.wait(30)
        second = threads.submit(client.infer, given())
        while b"lrensemble_requests_inside 2.0" not in client.ask("GET", "/metrics").body:
            time.sleep(0.01)
        refused = client.infer(given())
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert refused.error == "2 requests are being answered, and no more are taken; come again"
        assert client.ask("GET", "/v2/health/live").status == 200
        go.set()
        assert [first.result().status, second.result().status] == [200, 200]
        assert client.infer(given()).status == 200


def test_what_takes_too_long_is_given_up(pets: Ensemble) -> None:
    with held(pets, seconds=0.5) as (client, _, go):
        found = client.infer(given())
        assert (found.status, found.headers["retry-after"]) == (504, "1")
        assert "not predicted within 0.5 seconds" in found.error
        slow = client.infer(b"", Content_Length="10")
        assert (slow.status, slow.error) == (408, "the body has not come within 0.5 seconds; send it faster")
        go.set()


def test_who_hangs_up_leaves_nothing(pets: Ensemble) -> None:
    with serving(Served("pets", Networks(pets))) as client:
        head = b"POST /v2/models/pets/infer HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n"
        with socket.create_connection(("127.0.0.1", client.port)) as connection:
            connection.sendall(head + b"{")
        while "lrensemble_requests_total499" not in metrics_of(client):
            time.sleep(0.01)
        assert metrics_of(client)["lrensemble_requests_inside"] == 0
        assert client.infer(given()).status == 200


def test_half_a_head_keeps_no_connection(pets: Ensemble) -> None:
    """A connection that asks again and again is kept meanwhile."""
    with serving(Served("pets", Networks(pets)), seconds=0.1) as client:
        asking = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        half = socket.create_connection(("127.0.0.1", client.port), timeout=0.05)
        with contextlib.closing(asking), contextlib.closing(half):
            half.sendall(b"POST /v2/models/pets/infer HTTP/1.1\r\nHo")
            asking.connect()
            kept, found = asking.sock, b"open"
            for _ in range(600):
                asking.request("GET", "/v2/health/live")
                assert json.loads(asking.getresponse().read()) == {"live": True}
                assert asking.sock is kept
                with contextlib.suppress(TimeoutError):
                    found = half.recv(1)
                    break
            assert found == b""


def test_who_reads_no_answer_keeps_no_connection(pets: Ensemble) -> None:
    """Nor the rest of the answer, in memory."""
    with serving(Served("pets", Networks(pets)), seconds=0.1, system_bytes=4096) as client, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", client.port))
        deaf.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n" * 200)
        assert client.server is not None
        connections = client.server.server_state.connections
        while not any(each.transport.get_write_buffer_size() for each in connections):
            time.sleep(0.01)
        while connections:
            time.sleep(0.01)
        assert client.infer(given()).status == 200


def test_open_connections_are_told_when_it_ends(pets: Ensemble, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their next request may be on the way: it is answered, and the answer says that it is the last."""
    monkeypatch.setattr(server, "LAST_REQUESTS", 60.0)
    with serving(Served("pets", Networks(pets))) as client:
        kept, new = (http.client.HTTPConnection("127.0.0.1", client.port, timeout=60) for _ in range(2))
        kept.request("GET", "/v2")
        assert kept.getresponse().read()
        new.connect()
        assert client.server is not None
        client.server.should_exit = True
        with contextlib.suppress(ConnectionError):
            while client.ask("GET", "/v2/health/live"):  # until others find nobody
                pass
        for connection in (kept, new):
            connection.request("POST", "/v2/models/pets/infer", json.dumps(given()))
            response = connection.getresponse()
            assert (response.status, response.getheader("connection")) == (200, "close")
            connection.close()


def test_what_fails_here_is_told_without_its_inside(pets: Ensemble, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_module: Any, _given: Any) -> None:
        raise ZeroDivisionError("secret")

    handle = pets.register_forward_pre_hook(fail)
    with serving(Served("pets", Networks(pets))) as client:
        found = client.infer(given())
        assert (found.status, found.error) == (500, "the prediction failed (ZeroDivisionError); see the server's log")
        handle.remove()
        assert client.infer(given()).status == 200
    assert "a prediction failed: ZeroDivisionError: secret" in caplog.text


def metrics_of(client: Client) -> dict[str, float]:
    """Values by name and labels."""
    found = client.ask("GET", "/metrics")
    assert found.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(found.body.decode())
    return {
        each.name + "".join(each.labels.get(key, "") for key in ("status", "le")): each.value
        for family in families
        for each in family.samples
    }


def test_metrics_count_what_was_asked(pets: Ensemble) -> None:
    with serving(Served("pets", Networks(pets))) as client:
        for rows in (rows_of(3), rows_of(5) % 2):
            assert client.infer(request_of(rows)).status == 200
        client.infer("{")
        client.infer(given(datatype="FP32"))
        found = metrics_of(client)
    assert found["lrensemble_requests_total200"] == 2
    assert found["lrensemble_requests_total400"] == 2
    assert (found["lrensemble_rows_total"], found["lrensemble_outside_rows_total"]) == (8, 5)
    assert (found["lrensemble_batch_rows_count"], found["lrensemble_batch_rows_sum"]) == (2, 8)
    assert (found["lrensemble_batch_rows_bucket2.0"], found["lrensemble_batch_rows_bucket4.0"]) == (0, 1)
    assert found["lrensemble_request_seconds_count"] == 4
    assert found["lrensemble_batch_seconds_count"] == 2
    assert found["lrensemble_requests_inside"] == found["lrensemble_requests_waiting"] == 0
    assert found["process_resident_memory_bytes"] > 0


def test_many_at_once_and_none_is_lost(pets: Ensemble) -> None:
    rows = rows_of(64, seed=1)
    expected = pets.predict(rows).tolist()
    with serving(Served("pets", Networks(pets)), batch_rows=16) as client, ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda place: client.infer(request_of(rows[place % 64][None])), range(256)))
        counted = metrics_of(client)
    assert [each.values("class_name").tolist() for each in found] == [[expected[place % 64]] for place in range(256)]
    assert counted["lrensemble_requests_total200"] == counted["lrensemble_rows_total"] == 256
    assert counted["lrensemble_batch_rows_count"] <= 256
