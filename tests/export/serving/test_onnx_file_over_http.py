"""An exported ONNX file behind HTTP: the answers of the ensemble that it was made of, or one line that says why not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.cli.command import Command
from tests.export.serving.conftest import CLASSES, Client, ensemble_of, request_of, serving
from tests.export.serving.test_images_over_http import encoded, request_of_files
from tests.export.test_image_inputs import scene

import lrensemble
from lrensemble.environment import cores
from lrensemble.errors import DataError, ExportError
from lrensemble.export import Ensemble
from lrensemble.export.metadata import with_metadata
from lrensemble.export.networks import Networks
from lrensemble.export.onnx import export_onnx
from lrensemble.export.onnx_file import OnnxFile
from lrensemble.export.serving import Served

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lrensemble[onnx]'")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'lrensemble[onnx]'")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'lrensemble[onnx]'")

HEIGHT, WIDTH = 5, 4


@pytest.fixture(scope="module")
def photographs() -> Ensemble:
    """An ensemble of images of one size, which training did not scale."""
    torch.set_num_threads(1)
    return ensemble_of("uint8", (3, HEIGHT, WIDTH))


@pytest.fixture(scope="module")
def file(photographs: Ensemble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "pets.onnx"
    export_onnx(photographs, path)
    return path


@pytest.fixture(scope="module")
def client(file: Path) -> Iterator[Client]:
    with serving(Served.load(file)) as found:
        yield found


def images(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, size=(count, 3, HEIGHT, WIDTH), dtype=np.uint8)


def test_it_is_served_and_predicts_files_without_torch(file: Path, photographs: Ensemble, tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=images(5))
    script = f"""
import sys
from pathlib import Path
import numpy as np
from lrensemble.cli.predict import predict
from lrensemble.export.serving import Served

served = Served.load(Path({str(file)!r}))
rows = np.zeros((2, 3, {HEIGHT}, {WIDTH}), dtype=np.uint8)
print(served.ensemble.in_blocks(rows).shape, served.ensemble.outside(rows).rows.shape)
predict(Path({str(file)!r}), [Path({str(tmp_path / "rows.npz")!r})])
print("torch" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, _, *table, last = found.stdout.splitlines()
    assert (first, last) == ("(2, 4) (2,)", "False")
    said = [[float(cell) for cell in line.split(",")[3:]] for line in table]
    np.testing.assert_allclose(said, photographs.predict_proba(images(5)), rtol=0, atol=1e-6)


def test_bytes_may_come_as_floats_that_hold_them(file: Path, photographs: Ensemble) -> None:
    rows = images(5).astype(np.float32)
    said = lrensemble.predict(file, rows).said
    np.testing.assert_allclose(said, photographs.predict_proba(rows), rtol=0, atol=1e-6)
    for other in (rows + 0.5, rows + 256, np.full_like(rows, np.nan)):
        with pytest.raises(DataError, match="the ONNX file takes uint8, and these inputs are float32"):
            lrensemble.predict(file, other)
    with pytest.raises(ExportError, match="gives what the whole team says, and nothing of its members"):
        lrensemble.predict(file, images(5), disagreement=True)


def test_rows_have_the_answers_of_the_ensemble(client: Client, photographs: Ensemble) -> None:
    rows = images(33)
    found = client.infer(request_of(rows))
    assert found.status == 200, found.body
    expected = photographs(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(found.values("probabilities"), expected, rtol=0, atol=1e-5)
    assert found.values("label").tolist() == expected.argmax(axis=1).tolist()
    assert len(set(found.values("class_name"))) > 1
    assert found.values("class_name").tolist() == [CLASSES[place] for place in expected.argmax(axis=1)]


def test_it_says_of_itself_what_the_bundle_says(client: Client, photographs: Ensemble) -> None:
    of_file = client.ask("GET", "/v2/models/pets").record
    with serving(Served("pets", Networks(photographs))) as other:
        of_bundle = other.ask("GET", "/v2/models/pets").record
    assert (of_file.pop("platform"), of_bundle.pop("platform")) == ("onnxruntime_onnx", "lrensemble_bundle")
    assert of_file == of_bundle


def test_files_of_images_and_rows_far_outside(client: Client) -> None:
    pixels = scene(1, HEIGHT, WIDTH, seed=3)
    by_file = client.infer(request_of_files([encoded(pixels, "png")]))
    by_row = client.infer(request_of(np.moveaxis(pixels, 2, 0)[None]))
    assert by_file.status == 200, by_file.body
    assert by_file.values("probabilities").tolist() == by_row.values("probabilities").tolist()
    flat = client.infer(request_of(np.full((2, 3, HEIGHT, WIDTH), 9, np.uint8) + (images(2) % 2)))
    assert flat.record["parameters"]["outside_rows"] == 2
    other = client.infer(request_of_files([encoded(scene(0, 9, 9, seed=1), "png")]))
    assert (other.status, "training scaled no image: make it that size" in other.error) == (400, True)


def test_floats_on_the_scale_of_bytes(photographs: Ensemble, tmp_path: Path) -> None:
    export_onnx(photographs, tmp_path / "floats.onnx", dtype="float32")
    rows = images(4)
    with serving(Served.load(tmp_path / "floats.onnx", name="pets")) as client:
        found = client.infer(request_of(rows.astype(np.float32), "FP32"))
        refused = client.infer(request_of(rows))
        divided = client.infer(request_of(rows.astype(np.float32) / 255, "FP32"))
    assert found.values("label").tolist() == photographs(torch.from_numpy(rows)).argmax(dim=1).tolist()
    assert (refused.status, refused.error) == (400, "input 'inputs' is 'UINT8'; the ensemble takes FP32")
    assert "divided by 255?" in divided.record["parameters"]["warning"]


@pytest.mark.parametrize("sure", [True, pytest.param(False, marks=pytest.mark.long)])
def test_values_and_how_sure_they_are(tmp_path: Path, sure: bool) -> None:
    ensemble = ensemble_of("float32", (3,), kind="values", names=("weight", "height"))
    if sure:
        parts = tuple(part.model_copy(update={"form": "gaussian"}) for part in ensemble.description.parts)
        networks = [torch.nn.Linear(3, 4) for _ in parts]
        ensemble = Ensemble(networks, ensemble.description.model_copy(update={"parts": parts}))
    rows = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    export_onnx(ensemble, tmp_path / "file.onnx")
    with serving(Served.load(tmp_path / "file.onnx", name="pets")) as client:
        found = client.infer(request_of(rows, "FP32"))
    np.testing.assert_allclose(found.values("values"), ensemble.predict(rows), rtol=1e-5, atol=1e-5)
    if sure:
        np.testing.assert_allclose(found.values("std"), ensemble.predict_std(rows), rtol=1e-5)


def changed(file: Path, path: Path, metadata: dict[str, str]) -> Path:
    path.write_bytes(with_metadata(file.read_bytes(), metadata))
    return path


def test_other_files_are_refused_in_a_line(command: Command, file: Path, tmp_path: Path) -> None:
    session: Any = OnnxFile.load(file).session
    metadata = session.get_modelmeta().custom_metadata_map
    described = json.loads(metadata["description"])
    more = {**described, "target": {"kind": "classes", "names": [*CLASSES, "emu"]}}
    (tmp_path / "text.onnx").write_bytes(b"no graph")
    for path, message in (
        (changed(file, tmp_path / "theirs.onnx", {}), "does not say what goes in: it is no ONNX file of lrensemble"),
        (changed(file, tmp_path / "cut.onnx", {"description": "{"}), "cut.onnx is damaged: "),
        (changed(file, tmp_path / "empty.onnx", {"description": "{}"}), "empty.onnx is damaged: "),
        (changed(file, tmp_path / "more.onnx", {"description": json.dumps(more)}), "graph is not of the inputs and"),
        (tmp_path / "text.onnx", "this is no ONNX graph that ONNX Runtime can run"),
        (tmp_path / "none.onnx", f"no ensemble at {tmp_path / 'none.onnx'}"),
    ):
        outcome = command("serve", path)
        assert (outcome.status, outcome.out) == (2, ""), path
        assert message in outcome.err
        assert outcome.err.count("\n") == 1


def test_what_it_names_is_not_imported(file: Path, tmp_path: Path) -> None:
    """No network is built of its description, so no code that a stranger names there is looked at."""
    metadata = OnnxFile.load(file).session.get_modelmeta().custom_metadata_map
    described = json.loads(metadata["description"])
    described["parts"][0]["model"] = described["consensus"] = {"name": "tests.export.serving.no_such_module:evil"}
    path = changed(file, tmp_path / "evil.onnx", {**metadata, "description": json.dumps(described)})
    assert OnnxFile.load(path).description.parts[0].model.name == "tests.export.serving.no_such_module:evil"


def test_large_networks_have_all_cores(file: Path, tmp_path: Path) -> None:
    """60 values to 7 units, 7 to 7 and 7 to 4, two operations for each weight, in two networks."""
    metadata = OnnxFile.load(file).session.get_modelmeta().custom_metadata_map
    assert int(metadata["operations"]) == 2 * 2 * (60 * 7 + 7 * 7 + 7 * 4)
    for operations, threads in ((6_249_999, 1), (6_250_000, cores())):  # 50 million for eight rows
        path = changed(file, tmp_path / f"{operations}.onnx", {**metadata, "operations": str(operations)})
        assert OnnxFile.load(path).session.get_session_options().intra_op_num_threads == threads
