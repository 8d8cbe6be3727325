"""Files of images in a request: the class that the same picture has in Python, or one line that says why not."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.export.serving.conftest import Client, ensemble_of, serving
from tests.export.test_image_inputs import KINDS, SIZE, by_hand, scene, write

from lrensemble.export import Ensemble
from lrensemble.export.networks import Networks
from lrensemble.export.serving import Served

image = pytest.importorskip("PIL.Image", reason="pillow is not installed")

PIXELS = 3000
"""Pixels of a request that the server of these tests takes."""


@pytest.fixture(scope="module")
def photographs() -> Ensemble:
    untold = ensemble_of("uint8", (3, SIZE, SIZE))
    inputs = untold.description.inputs.model_copy(update={"image_size": SIZE})
    return Ensemble(list(untold.members), untold.description.model_copy(update={"inputs": inputs}))


@pytest.fixture(scope="module")
def client(photographs: Ensemble) -> Iterator[Client]:
    with serving(Served("pets", Networks(photographs)), request_pixels=PIXELS) as found:
        yield found


def request_of_files(files: list[bytes], **more: Any) -> dict[str, Any]:
    data = [base64.b64encode(file).decode() for file in files]
    return {"inputs": [{"name": "inputs", "shape": [len(files)], "datatype": "BYTES", "data": data} | more]}


def encoded(pixels: Any, kind: str) -> bytes:
    file = io.BytesIO()
    image.fromarray(pixels).save(file, kind)
    return file.getvalue()


SMALL = encoded(scene(0, 9, 13, seed=1), "png")


def test_files_have_the_class_that_they_have_in_python(client: Client, photographs: Ensemble, tmp_path: Path) -> None:
    shapes = ((9, 13), (20, 8), (SIZE, SIZE), (17, 11))
    paths = [write(tmp_path, kind, scene(i % 2, *shapes[i % 4], seed=i)) for i, kind in enumerate(KINDS)]
    expected = photographs.predict_proba(np.stack([by_hand(path) for path in paths]))
    files = [path.read_bytes() for path in paths]
    found = client.infer(request_of_files(files))
    assert found.status == 200, found.body
    np.testing.assert_allclose(found.values("probabilities"), expected, rtol=0, atol=1e-12)
    assert len(set(found.values("label").tolist())) > 1
    body = b"".join(len(file).to_bytes(4, "little") + file for file in files)
    given = {"name": "inputs", "shape": [len(files)], "datatype": "BYTES"}
    head = json.dumps({"inputs": [given | {"parameters": {"binary_data_size": len(body)}}]}).encode()
    raw = client.infer(head + body, Inference_Header_Content_Length=str(len(head)))
    assert raw.record["outputs"] == found.record["outputs"]


def test_the_server_says_that_it_takes_them(client: Client) -> None:
    (takes,) = client.ask("GET", "/v2/models/pets").record["inputs"]
    assert (takes["datatype"], takes["parameters"]) == ("UINT8", {"image_files": "BYTES"})


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (request_of_files([SMALL, b"GIF89a"]), 400, "row 1: not a readable image"),
        (request_of_files([b""]), 400, "row 0: not a readable image (it begins as none of a known format: PNG, JPEG"),
        (request_of_files([encoded(scene(0, 6, 6, seed=0), "eps")]), 400, "it begins as none of a known format"),
        (request_of_files([SMALL, encoded(np.full((8, 8), 40_000, np.uint16), "png")]), 400, "row 1: pixels of more"),
        (request_of_files([encoded(np.zeros((55, 55), np.uint8), "png")]), 413, "have 3,025 pixels; 3,000 are taken"),
        (request_of_files([SMALL] * 26), 413, "have 3,042 pixels; 3,000 are taken at most: send fewer at a time"),
        (request_of_files([SMALL], data=["é?"]), 400, "element 0 of input 'inputs' is no base64"),
        (request_of_files([SMALL], data=[7]), 400, "element 0 of input 'inputs' is no base64"),
        (request_of_files([SMALL], shape=[2]), 400, "holds 1 values, and its shape [2] 2"),
        (request_of_files([SMALL], shape=[1, 1]), 400, "has shape [1, 1]; BYTES takes [rows]"),
        (request_of_files([]), 400, "has shape [0]; BYTES takes [rows]"),
        (request_of_files([SMALL], shape=[1025]), 413, "1,025 rows in one request; 1,024 are taken at most"),
        (request_of_files([SMALL], datatype="FP32"), 400, "the ensemble takes UINT8, or BYTES: files of images"),
    ],
)
def test_what_cannot_be_taken_is_told_in_a_line(client: Client, body: Any, status: int, message: str) -> None:
    found = client.infer(body)
    assert message in found.error
    assert found.status == status


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (b"\x05\0\0\0abc", "element 0 of input 'inputs' is 5 bytes and its length in four more, and 7 bytes are left"),
        (b"\0\0\0\0" * 9, "more elements follow for input 'inputs', and its shape [2] has 2"),
        (b"\x01\0\0\0a", "1 elements follow for input 'inputs', and its shape [2] has 2"),
    ],
)
def test_bytes_that_are_not_framed(client: Client, rest: bytes, message: str) -> None:
    given = {"name": "inputs", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(rest)}}
    head = json.dumps({"inputs": [given]}).encode()
    found = client.infer(head + rest, Inference_Header_Content_Length=str(len(head)))
    assert (found.status, found.error) == (400, message)


def test_ensembles_of_numbers_take_no_files() -> None:
    with serving(Served("pets", Networks(ensemble_of("float32", (3,))))) as client:
        found = client.infer(request_of_files([SMALL]))
        assert (found.status, found.error) == (400, "input 'inputs' is 'BYTES'; the ensemble takes FP32")
