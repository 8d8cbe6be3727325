"""One module that predicts as the team was scored, and that survives being written, moved and read."""

import importlib
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.conftest import Python
from tests.export.conftest import CLASSES, SHAPE, TeamBy

from lrensemble.config import Experiment, Inputs
from lrensemble.consensus import CONSENSUS
from lrensemble.data import load
from lrensemble.errors import DataError, ExportError, LREnsembleError, UntrustedError
from lrensemble.evaluate import predict
from lrensemble.export import Description, Ensemble, Part, chosen_team, ensemble_of
from lrensemble.export.programs import run_batched, run_each
from lrensemble.metrics import serving
from lrensemble.pool import MemberRecord, Pool
from lrensemble.spec import Spec

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


@pytest.fixture
def bundle(ensemble: Ensemble, tmp_path: Path) -> Path:
    ensemble.save(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.parametrize("name", serving(CONSENSUS, "classes"))
def test_an_ensemble_predicts_as_its_team_was_scored(
    pool: Pool, team_by: TeamBy, experiment: Experiment, name: str
) -> None:
    team = team_by("greedy(size=5, bootstrap=2)" if name in ("mean", "tempered") else "all", name)
    dataset = load(experiment.data, experiment.split)
    made = ensemble_of(pool, team)
    for split in ("val", "test"):
        expected = predict(pool, team, split)
        found = made.predict_proba(dataset.inputs[dataset.rows[split]])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
        named = made.classes_[expected.argmax(axis=1)]
        assert (made.predict(dataset.inputs[dataset.rows[split]]) == named).mean() > 0.99


def test_preprocessing_is_part_of_it(ensemble: Ensemble, experiment: Experiment, images: Images) -> None:
    dataset = load(experiment.data, experiment.split)
    rows = dataset.rows["val"]
    torch.testing.assert_close(ensemble.prepare(dataset.inputs[rows]), dataset.batch(rows)[0], rtol=0, atol=0)
    np.testing.assert_array_equal(
        ensemble.predict_proba(images[0]), ensemble.predict_proba(images[0].astype(np.float32))
    )


def test_weights_and_temperature_count(ensemble: Ensemble, images: Images) -> None:
    plain = ensemble.predict_proba(images[0])
    changes = {"weights": (0.0, 1.0, 0.0, 0.0)}
    one = Ensemble(list(ensemble.members), ensemble.description.model_copy(update=changes))
    alone = one.member_log_probs(torch.from_numpy(images[0]))[1].double().exp()
    np.testing.assert_allclose(one.predict_proba(images[0]), alone.numpy(), atol=1e-12)
    soft = Spec("tempered", {"temperature": 3.0})
    softened = Ensemble(list(ensemble.members), ensemble.description.model_copy(update={"consensus": soft}))
    roots = plain ** (1 / 3)
    np.testing.assert_allclose(softened.predict_proba(images[0]), roots / roots.sum(axis=1, keepdims=True), atol=1e-12)


def test_one_program_gives_what_each_member_gives(ensemble: Ensemble, images: Images) -> None:
    prepared = ensemble.prepare(torch.from_numpy(images[0]))
    groups = [[0, 2], [1, 3]]
    assert [str(part.model) for part in ensemble.description.parts] == ["cnn(width=3)", "mlp(width=7)"] * 2
    torch.testing.assert_close(
        torch.stack(run_batched(list(ensemble.members), groups, prepared)),
        torch.stack(run_each(list(ensemble.members), prepared)),
    )
    other = not ensemble.description.batched
    turned = Ensemble(list(ensemble.members), ensemble.description.model_copy(update={"batched": other}))
    np.testing.assert_allclose(turned.predict_proba(images[0]), ensemble.predict_proba(images[0]), atol=1e-6)
    assert turned.with_faster_execution().description.batched in (True, False)


def test_arrays_of_another_byte_order_are_the_same_and_masked_ones_are_refused(
    ensemble: Ensemble, images: Images
) -> None:
    given = np.asarray(images[0][:5], dtype=np.float64)
    expected = ensemble.predict_proba(given)
    for kind in (">f8", ">f4", np.longdouble):
        np.testing.assert_allclose(ensemble.predict_proba(given.astype(kind)), expected, rtol=0, atol=1e-6)
    asked = torch.tensor(given, requires_grad=True)
    np.testing.assert_allclose(ensemble.predict_proba(asked), expected, rtol=0, atol=1e-6)
    with pytest.raises(DataError, match="array: some values are masked, and so are none"):
        ensemble.predict_proba(np.ma.masked_array(given, given == given.max()))
    with pytest.raises(DataError, match="array: rows differ in length"):
        ensemble.predict_proba([[1.0, 2.0], [3.0]])  # type: ignore[arg-type]
    with pytest.raises(DataError, match="inputs are complex128; give numbers"):
        ensemble.predict_proba(torch.tensor(given).to(torch.complex128))


def test_it_never_trains(ensemble: Ensemble) -> None:
    assert not any(module.training for module in ensemble.train().modules())
    assert not any(parameter.requires_grad for parameter in ensemble.parameters())


@pytest.mark.parametrize("shape", [(3, *SHAPE[1:]), (*SHAPE[:2], 7), (2, 3)])
def test_inputs_of_another_shape_are_refused(ensemble: Ensemble, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"the ensemble takes \[sample, 2, 6, 5\]"):
        ensemble.predict(np.zeros((3, *shape), dtype=np.uint8))


LOADED = """
import sys
from pathlib import Path
import numpy as np
from lrensemble import Ensemble
folder, inputs, out = map(Path, sys.argv[1:])
np.save(out, Ensemble.load(folder).predict_proba(np.load(inputs)))
"""


@pytest.mark.parametrize("batched", [False, True])
def test_a_bundle_moved_and_loaded_in_another_process_predicts_the_same_bits(
    ensemble: Ensemble, images: Images, tmp_path: Path, batched: bool, python: Python
) -> None:
    made = Ensemble(list(ensemble.members), ensemble.description.model_copy(update={"batched": batched}))
    made.save(tmp_path / "bundle")
    shutil.move(tmp_path / "bundle", tmp_path / "elsewhere")
    np.save(tmp_path / "inputs.npy", images[0])
    arguments = [tmp_path / "elsewhere", tmp_path / "inputs.npy", tmp_path / "out.npy"]
    done = python("-c", LOADED, *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), made.predict_proba(images[0]))


def test_a_bundle_holds_no_pickle_and_no_path(bundle: Path) -> None:
    assert sorted(path.name for path in bundle.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    text = (bundle / "config.json").read_text()
    assert str(bundle.parent) not in text
    assert json.loads(text)["ensemble"]["target"] == {"kind": "classes", "names": list(CLASSES)}


def damage(bundle: Path, how: str) -> None:
    config, weights = bundle / "config.json", bundle / "model.safetensors"
    if how == "no weights":
        weights.unlink()
    elif how == "no config":
        config.unlink()
    elif how == "a flipped bit":
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
    elif how == "an edited weight":
        config.write_text(config.read_text().replace("0.25", "0.26", 1))
    elif how == "another json":
        config.write_text('{"architectures": ["Bert"]}')
    elif how == "half a json":
        config.write_text(config.read_text()[:100])
    else:
        config.write_text(config.read_text().replace('"format": 2', '"format": 3'))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no weights", r"model\.safetensors is damaged: it is missing"),
        ("no config", r"no ensemble at .*: it has no config\.json"),
        ("a flipped bit", r"model\.safetensors is damaged: its SHA-256"),
        ("an edited weight", r"config\.json is damaged: its checksum"),
        ("another json", r"config\.json is of no ensemble"),
        ("half a json", "not JSON"),
        ("a later format", "has format 3; this version of lrensemble reads 1 and 2"),
    ],
)
def test_a_damaged_or_foreign_bundle_is_refused_in_one_line(bundle: Path, how: str, message: str) -> None:
    damage(bundle, how)
    with pytest.raises(LREnsembleError, match=message) as caught:
        Ensemble.load(bundle)
    assert "\n" not in str(caught.value)


def test_the_weights_of_another_bundle_are_refused(bundle: Path, pool: Pool, team_by: TeamBy, tmp_path: Path) -> None:
    ensemble_of(pool, team_by("best")).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model.safetensors", bundle)
    with pytest.raises(ExportError, match=r"model\.safetensors is damaged: its SHA-256"):
        Ensemble.load(bundle)


def test_a_folder_with_something_in_it_is_left_alone(ensemble: Ensemble, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.tex").write_text("years")
    with pytest.raises(ExportError, match="is there already"):
        ensemble.save(tmp_path / "taken")
    assert [path.name for path in tmp_path.rglob("*")] == ["taken", "thesis.tex"]


def test_code_is_imported_only_where_it_is_trusted(
    ensemble: Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    (tmp_path / "own_network.py").write_text(
        "from torch import nn\n\ndef flat(shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(60, classes))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    network = importlib.import_module("own_network").flat(SHAPE, len(CLASSES))
    part = Part(id="own", name="own", model=Spec("own_network:flat"))
    description = ensemble.description.model_copy(update={"parts": (part,), "weights": (1.0,)})
    Ensemble([network], description).save(tmp_path / "own")
    with pytest.raises(UntrustedError, match="names own_network:flat: its code is not imported unasked"):
        Ensemble.load(tmp_path / "own")
    loaded = Ensemble.load(tmp_path / "own", trust_code=True)
    assert loaded.predict(images[0]).shape == (len(images[0]),)


def test_a_pool_of_predictions_alone_has_no_ensemble(pool: Pool, tmp_path: Path, team_by: TeamBy) -> None:
    member = pool.members()[0]
    bare = Pool.create(tmp_path / "bare", pool.task, {split: pool.truth(split) for split in pool.task.splits})
    predictions = {split: member.predictions(split) for split in pool.task.splits}
    bare.add(MemberRecord(id="bare", order=0, name="a stranger"), predictions)
    team = team_by("best").model_copy(update={"team": ("bare",), "weights": (1.0,)})
    with pytest.raises(ExportError, match=r"member bare \(a stranger\) has predictions only"):
        ensemble_of(bare, team)


def test_a_member_that_does_not_say_how_it_normalises_is_refused(pool: Pool, tmp_path: Path, team_by: TeamBy) -> None:
    member = pool.members()[0]
    old = Pool.create(tmp_path / "old", pool.task, {split: pool.truth(split) for split in pool.task.splits})
    record = MemberRecord(id=member.id, order=0, name=member.name, recipe=member.recipe)
    predictions = {split: member.predictions(split) for split in pool.task.splits}
    old.add(record, predictions, weights=member.weights())
    team = team_by("best").model_copy(update={"team": (member.id,), "weights": (1.0,)})
    with pytest.raises(ExportError, match="does not say how its inputs are normalised"):
        ensemble_of(old, team)


def test_the_team_is_the_one_that_the_verdict_judges(pool: Pool, tmp_path: Path, team_by: TeamBy) -> None:
    teams = [team_by("best"), team_by("all"), team_by("greedy(size=5, bootstrap=2)")]
    shutil.copytree(pool.folder, tmp_path / "pool", ignore=shutil.ignore_patterns("selections"))
    copy = Pool.open(tmp_path / "pool")
    with pytest.raises(ExportError, match="has no chosen team"):
        chosen_team(copy)
    from lrensemble.evaluate import evaluate, load, save

    for team in teams:
        save(copy, team)
    result = evaluate(copy, load(copy))
    judged = result.verdict.method
    assert chosen_team(copy).team == (result.teams[judged].members if judged else (result.best_single.id,))
    assert chosen_team(copy, "greedy").method == "greedy(size=5, bootstrap=2)"
    with pytest.raises(ExportError, match="has no team by 'focal'; it has"):
        chosen_team(copy, "focal")


def test_as_many_parts_as_members(ensemble: Ensemble) -> None:
    with pytest.raises(ExportError, match="3 members, 4 parts and 4 weights"):
        Ensemble(list(ensemble.members)[:3], ensemble.description)


def test_inputs_name_one_mean_for_each_channel() -> None:
    with pytest.raises(ValueError, match="1 means and 2 deviations for 2 channels"):
        Inputs(shape=SHAPE, dtype="uint8", mean=(0.0,), std=(1.0, 1.0))


def test_the_description_reads_back(ensemble: Ensemble) -> None:
    text = ensemble.description.model_dump_json()
    assert Description.model_validate_json(text) == ensemble.description


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names of files are text here")
def test_a_path_that_is_not_utf8_serves_as_well(pool: Pool, team_by: TeamBy, tmp_path: Path, images: Images) -> None:
    place = tmp_path / os.fsdecode(b"pool \xff")
    shutil.copytree(pool.folder, place)
    here, there = tmp_path / "bundle", tmp_path / os.fsdecode(b"bundle \xff")
    for folder, out in ((pool.folder, here), (place, there)):
        made = ensemble_of(Pool.open(folder), team_by())
        description = made.description.model_copy(update={"batched": False})  # the faster execution is a matter of load
        Ensemble(list(made.members), description).save(out)
    wanted, found = (Ensemble.load(each).predict_proba(torch.from_numpy(images[0][:4])) for each in (here, there))
    assert np.array_equal(wanted, found)
