"""What is shipped says what it is: in the metadata of its files, in its model card and to `lrensemble show`."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.cli.command import Command
from tests.export.conftest import CLASSES, SHAPE

from lrensemble.config import Experiment, Inputs
from lrensemble.errors import ExportError
from lrensemble.evaluate import Team, choose, evaluate, load, read_result, save, write_result
from lrensemble.evaluate.result import Result
from lrensemble.export import Description, Ensemble, ensemble_of, write_ensemble
from lrensemble.export.card import card_of
from lrensemble.export.metadata import inputs_of
from lrensemble.export.onnx import export_onnx
from lrensemble.export.origin import digest_of
from lrensemble.export.torch_program import export_torch
from lrensemble.files import proves_itself, seal
from lrensemble.pool import Pool
from lrensemble.spec import Spec
from lrensemble.train import tune

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, experiment: Experiment) -> tuple[Pool, Team, Result]:
    """A pool of its own, with one team and its evaluation."""
    folder = tmp_path_factory.mktemp("judged") / "pool"
    list(tune(experiment, folder))
    pool = Pool.open(folder)
    team = choose(pool, "all", consensus="mean", folds=2)
    save(pool, team)
    write_result(evaluate(pool, load(pool)), folder / "result.json")
    return pool, team, read_result(folder / "result.json")


@pytest.fixture(scope="module")
def ensemble(judged: tuple[Pool, Team, Result]) -> Ensemble:
    return ensemble_of(*judged[:2])


@pytest.fixture
def bundle(ensemble: Ensemble, tmp_path: Path) -> Path:
    ensemble.save(tmp_path / "ensemble")
    return tmp_path / "ensemble"


def team_result(result: Result) -> dict[str, float]:
    (found,) = (each for each in result.teams.values() if each.method == "all")
    assert found.test.accuracy is not None
    assert found.val.accuracy is not None
    gain = found.gain["accuracy"]
    scores = {"accuracy": found.test.accuracy, "val": found.val.accuracy}
    return scores | {"gain": gain.value, "low": gain.low, "high": gain.high}


def check_metadata(metadata: dict[str, str], judged: tuple[Pool, Team, Result]) -> None:
    pool, team, result = judged
    assert json.loads(metadata["classes"]) == list(CLASSES)
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", metadata["version"])
    assert metadata["pool"] == digest_of(pool)
    members = json.loads(metadata["members"])
    recipes = {member.id: member.recipe for member in pool.members()}
    assert {member["id"]: member["recipe"] for member in members} == recipes
    assert [member["weight"] for member in members] == list(team.weights)
    judgement = json.loads(metadata["origin"])["judgement"]
    expected = team_result(result)
    assert judgement["test"]["accuracy"] == expected["accuracy"]
    gain = judgement["gain"]["accuracy"]
    assert (gain["value"], gain["low"], gain["high"]) == (expected["gain"], expected["low"], expected["high"])
    inputs = json.loads(metadata["inputs"])
    assert (inputs["shape"], inputs["axes"][0]) == (["rows", *SHAPE], "row")


def test_an_onnx_file(ensemble: Ensemble, judged: tuple[Pool, Team, Result], images: Images, tmp_path: Path) -> None:
    ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'lrensemble[onnx]'")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'lrensemble[onnx]'")
    export_onnx(ensemble, tmp_path / "floats.onnx", dtype="float32")
    session = ort.InferenceSession(tmp_path / "floats.onnx")
    metadata = session.get_modelmeta().custom_metadata_map
    check_metadata(metadata, judged)
    assert json.loads(metadata["inputs"])["dtype"] == "float32"
    assert session.get_inputs()[0].type == "tensor(float)"
    probs = session.run(None, {"inputs": images[0].astype(np.float32)})[0]
    np.testing.assert_allclose(probs, ensemble.predict_proba(images[0]), rtol=0, atol=1e-5)


def test_another_type_is_for_bytes(ensemble: Ensemble, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'lrensemble[onnx]'")
    floats = ensemble.description.inputs.model_copy(update={"dtype": "float32"})
    other = Ensemble(list(ensemble.members), ensemble.description.model_copy(update={"inputs": floats}))
    with pytest.raises(ExportError, match="dtype = 'uint8' is for images of bytes, and this ensemble takes float32"):
        export_onnx(other, tmp_path / "a.onnx", dtype="uint8")


def test_a_torch_file(ensemble: Ensemble, judged: tuple[Pool, Team, Result], tmp_path: Path) -> None:
    export_torch(ensemble, tmp_path / "ensemble.pt2")
    extra = {"metadata.json": ""}
    torch.export.load(tmp_path / "ensemble.pt2", extra_files=extra)
    check_metadata(json.loads(extra["metadata.json"]), judged)


def test_images_of_files_are_described() -> None:
    inputs = Inputs(shape=(3, 8, 8), dtype="uint8", mean=(0.0,) * 3, std=(1.0,) * 3, image_size=8)
    found = inputs_of(inputs)
    assert (found["range"], found["mode"]) == ([0.0, 255.0], "RGB")
    assert "the shorter side scaled to 8 (bicubic" in found["images"]
    unscaled = inputs_of(inputs.model_copy(update={"image_size": None}))
    assert "taken as they are, at 8x8 pixels" in unscaled["images"]
    assert "images" not in inputs_of(Inputs(shape=(4,), dtype="float32", mean=(0.0,) * 4, std=(1.0,) * 4))


def test_the_bundle_keeps_it_and_older_bundles_open(bundle: Path, ensemble: Ensemble, images: Images) -> None:
    assert Ensemble.load(bundle).description == ensemble.description
    content = json.loads((bundle / "config.json").read_text())
    described = content["ensemble"]
    for key in ("origin", "variant", "figures"):
        del described[key]
    for part in described["parts"]:
        del part["recipe"]
    del described["inputs"]["image_size"]
    del content["checksum"], content["format"]
    (bundle / "config.json").write_bytes(seal(content))
    assert proves_itself(json.loads((bundle / "config.json").read_text()))
    older = Ensemble.load(bundle)
    np.testing.assert_array_equal(older.predict_proba(images[0]), ensemble.predict_proba(images[0]))
    assert "Not measured on test rows" in card_of(older.description)


def test_the_card_says_what_was_measured(bundle: Path, judged: tuple[Pool, Team, Result]) -> None:
    card = (bundle / "README.md").read_text()
    expected = team_result(judged[2])
    assert f"| {expected['accuracy']:.4f} | {expected['gain']:+.4f} ({expected['low']:+.4f} to" in card
    assert judged[2].verdict.text in card
    for member in judged[0].members():
        assert f"`{member.name}`" in card
    assert "`<b>cat</b>`" in card


def test_the_hub_reads_the_card(bundle: Path, judged: tuple[Pool, Team, Result]) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    data = hub.ModelCard.load(bundle / "README.md").data
    assert (data.library_name, data.pipeline_tag, data.license) == ("lrensemble", "image-classification", None)
    assert data.model_name == judged[0].task.name
    scores = {each.metric_type: each.metric_value for each in data.eval_results}
    assert scores["accuracy"] == pytest.approx(team_result(judged[2])["accuracy"], abs=1e-6)
    assert {each.dataset_type for each in data.eval_results} == {"npz"}


def test_a_cheaper_variant_does_not_claim_the_scores_of_its_team(
    judged: tuple[Pool, Team, Result], tmp_path: Path
) -> None:
    pool, team, _ = judged
    write_ensemble(pool, team, Spec("bundle"), Spec("cascade"), tmp_path / "cascade")
    card = (tmp_path / "cascade" / "README.md").read_text()
    assert "model-index" not in card
    assert re.search(
        r"Of this cascade: accuracy 0\.\d{4} on val, where the team has 0\.\d{4}\. What follows is of the", card
    )


@pytest.mark.parametrize("name", ["a | b", "`code`", "line\nbreak", "---", "\x7f\u202e", '"quoted": [', "é ∀ 🐜"])
def test_strange_names_stay_names(ensemble: Ensemble, name: str, tmp_path: Path) -> None:
    target = ensemble.description.target.model_copy(update={"names": (name, *CLASSES[1:])})
    parts = (ensemble.description.parts[0].model_copy(update={"name": name}), *ensemble.description.parts[1:])
    changes = {"task": name, "target": target, "parts": parts}
    card = card_of(ensemble.description.model_copy(update=changes))
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    (tmp_path / "README.md").write_text(card)
    assert hub.ModelCard.load(tmp_path / "README.md").data.library_name == "lrensemble"
    (row,) = [line for line in card.splitlines() if line.startswith("| `") and "cnn(width=3)" in line][:1]
    assert row.count(" | ") == 5


def test_show(bundle: Path, judged: tuple[Pool, Team, Result], command: Command) -> None:
    outcome = command("show", bundle, "--format", "csv")
    assert outcome.status == 0, outcome.err
    assert digest_of(judged[0]) in outcome.out
    assert f"scores of the team,accuracy,{team_result(judged[2])['val']:.4g}," in outcome.out
    shown = Description.model_validate_json(command("show", bundle, "--json").out)
    assert shown == Ensemble.load(bundle).description
    outcome = command("show", judged[0].folder)
    assert (outcome.status, outcome.out) == (2, "")
    assert "is a pool; say which of its members to show" in outcome.err
    shutil.rmtree(bundle)
    assert command("show", bundle).status == 2
