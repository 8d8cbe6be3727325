"""Runs of MLflow in a folder and in a database, and models by their flavours."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.adopt.given.digits import rows, trained
from tests.adopt.given.mlflow import log
from tests.adopt.given.optuna import build

import lrensemble
from lrensemble.errors import AdoptError, MissingExtraError
from lrensemble.export import Ensemble

pytest.importorskip("mlflow")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlflow")
    log(f"file:{folder}/mlruns", folder)
    return folder


@pytest.fixture
def store(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of a store of one's own with two runs."""
    from mlflow.tracking import MlflowClient

    shutil.copytree(written, tmp_path / "written")
    monkeypatch.chdir(tmp_path / "written")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        return MlflowClient(tracking_uri=f"file:{Path.cwd()}/mlruns")


def expected() -> Any:
    inputs = torch.tensor(rows()["x_test"], dtype=torch.float32) / 16
    return torch.stack([trained(0, rate)(inputs).softmax(1) for rate in (0.1, 0.3)]).mean(0).detach().numpy()


def check(result: Any) -> None:
    assert [member.name for member in result] == ["rate 0.1", "rate 0.3"]
    member = result.pool.members()[0]
    assert {key: member.facts[key] for key in ("lr", "width", "experiment", "file")} == {
        "lr": 0.1,
        "width": 16,
        "experiment": "digits",
        "file": "model.pt",
    }
    assert member.network.model.arguments == {"width": 16}
    assert [each["step"] for each in member.history()] == [1, 5]


@pytest.mark.usefixtures("store")
def test_runs_in_a_folder_become_a_team(caplog: pytest.LogCaptureFixture) -> None:
    result = lrensemble.adopt("pool", "mlruns", builder=build, data=rows(), std=16)
    check(result)
    assert not caplog.records, "what was logged is what the networks score here"

    lrensemble.select("pool", "all", consensus="mean")
    lrensemble.export("pool", "bundle", method="all")
    found = Ensemble.load("bundle")(torch.tensor(rows()["x_test"])).detach().numpy()
    np.testing.assert_allclose(found, expected(), rtol=1e-5, atol=1e-7)


@pytest.mark.usefixtures("store")
def test_another_preprocessing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    lrensemble.adopt("pool", "mlflow:file:mlruns", builder=build, data=rows())
    assert "rate 0.1: its tool logged val_nll" in caplog.text
    assert "logged loss" not in caplog.text


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # MLflow's own, of its database
def test_runs_in_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log(f"sqlite:///{tmp_path}/ml.db", tmp_path)
    uri = f"mlflow:sqlite:///{tmp_path}/ml.db"
    check(lrensemble.adopt("pool", uri, builder=build, experiment="digits", data=rows(), std=16))


def test_what_is_left_out_is_told(store: Any, caplog: pytest.LogCaptureFixture) -> None:
    home = store.get_experiment_by_name("digits").experiment_id
    store.create_run(home, run_name="hangs")
    store.set_terminated(store.create_run(home, run_name="bare").info.run_id)
    result = lrensemble.adopt("pool", "mlruns", builder=build, data=rows(), std=16)
    assert len(result) == 2
    assert "runs that did not finish are left out: hangs (running)" in caplog.text
    assert "runs without a model: bare" in caplog.text


@pytest.mark.usefixtures("store")
def test_stores_that_cannot_be_adopted_are_refused_in_one_line() -> None:
    artifacts = next(Path("mlruns").glob("*/*/artifacts"))
    shutil.copytree(artifacts / "model", artifacts / "last")
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("mlruns", {}, "has the models last/model.pt, model/model.pt; say which: artifact=NAME"),
        ("mlruns", {"experiment": "digts"}, "has no experiment 'digts'; it has Default, digits"),
        ("mlruns", {"artifact": "other.pt"}, "has no finished run with a model that is known here"),
        ("mlflow:none", {}, "none is no folder of MLflow's"),
        ("mlflow:sqlite:///none.db", {}, "there is no file none.db"),
    ]
    for given, options, message in refused:
        with pytest.raises(AdoptError, match=re.escape(message)) as caught:
            lrensemble.adopt("pool", given, builder=build, data=rows(), **options)
        assert "\n" not in str(caught.value)
    assert not Path("none").exists()
    assert not Path("none.db").exists()
    assert len(lrensemble.adopt("pool", "mlruns", artifact="model/model.pt", builder=build, data=rows(), std=16)) == 2


@pytest.mark.usefixtures("store")
def test_a_store_from_elsewhere_sends_nobody_elsewhere() -> None:
    for path in Path("mlruns").glob("*/*/meta.yaml"):
        path.write_text(re.sub("artifact_uri: .*", "artifact_uri: s3://bucket/run", path.read_text()))
    with pytest.raises(AdoptError, match="artifacts are at s3://bucket/run: a store on this disk sends nobody"):
        lrensemble.adopt("pool", "mlruns", builder=build, data=rows())


def a_model(folder: Path, flavours: str) -> Path:
    folder.mkdir()
    (folder / "MLmodel").write_text(f"flavors:\n{flavours}  python_function: {{loader_module: mlflow}}\n")
    return folder


@pytest.mark.parametrize(
    ("flavours", "message"),
    [
        ("  pytorch: {model_data: data}\n", r"\(flavour pytorch\), and reading it would run .*state_dict"),
        ("  sklearn: {pickled_model: model.pkl}\n", r"\(flavour sklearn\), .*serialization_format='skops'"),
        ("  lightgbm: {data: model.pkl}\n", r"\(flavour lightgbm\)"),
        ("  onnx: {data: ../a.onnx}\n", r"names \.\./a\.onnx, which lies elsewhere"),
        ("  - nothing\n", "is no description of a model of MLflow"),
        ("", r"\(flavour python_function\)"),
    ],
)
def test_pickled_models_are_refused_with_what_to_do(flavours: str, message: str, tmp_path: Path) -> None:
    folder = a_model(tmp_path / "model", flavours)
    with pytest.raises(AdoptError, match=message) as caught:
        lrensemble.adopt(tmp_path / "pool", folder, data=rows())
    assert "\n" not in str(caught.value)


def test_a_model_of_onnx_by_its_folder(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    sides = [onnx.helper.make_tensor_value_info(name, 1, [None, size]) for name, size in (("x", 64), ("y", 10))]
    weights = onnx.numpy_helper.from_array(np.eye(64, 10, dtype=np.float32), "w")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "g", sides[:1], sides[1:], [weights]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, a_model(tmp_path / "of ten", "  onnx: {data: model.onnx}\n") / "model.onnx")
    result = lrensemble.adopt(tmp_path / "pool", tmp_path / "of ten", gives="logits", data=rows())
    assert [member.name for member in result] == ["of ten"]
    expected = torch.tensor(rows()["x_val"][:, :10], dtype=torch.float32).softmax(1).numpy()
    found = np.exp(result.pool.members()[0].predictions("val").dense(10))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # MLflow's own, of its types
@pytest.mark.usefixtures("store")
def test_models_of_onnx_that_a_run_logged() -> None:
    onnx = pytest.importorskip("mlflow.onnx")
    import mlflow

    from lrensemble.adopt.conversion import converted

    content = converted(trained(0), (64,), "net")
    model = pytest.importorskip("onnx").load_model_from_string(content)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        mlflow.set_tracking_uri(Path("mlruns").resolve().as_uri())
        mlflow.set_experiment("graphs")
        with mlflow.start_run(run_name="graph"):
            onnx.log_model(model, name="net")
        mlflow.set_tracking_uri("")
    result = lrensemble.adopt("pool", "mlruns", experiment="graphs", gives="logits", data=rows(), std=16)
    assert [member.name for member in result] == ["graph"]
    assert result[0].scores["accuracy"] > 0.7
    folder = next(Path("mlruns").glob("*/models/*/artifacts"))
    again = lrensemble.adopt("pool", folder, name="graph", gives="logits", data=rows(), std=16)
    assert [member.new for member in again] == [False]


@pytest.mark.usefixtures("store")
def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lrensemble\[mlflow\]'"):
        lrensemble.adopt("pool", "mlruns", builder=build, data=rows())
