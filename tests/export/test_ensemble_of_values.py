"""Ensembles of values: in the units of the data, as they were scored, in every format; variants that are refused."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.cli.command import Command

from lrensemble.config import Experiment, to_record
from lrensemble.data import Dataset, load
from lrensemble.errors import ExportError
from lrensemble.evaluate import choose, predict, save
from lrensemble.export import Ensemble, ensemble_of
from lrensemble.export.compared import compare
from lrensemble.files import seal
from lrensemble.pool import Pool
from lrensemble.train import tune

FORMS = ("values", "gaussian", "both")
FORMS_THAT_DIFFER = pytest.mark.parametrize(
    "pool", [pytest.param("values", marks=pytest.mark.long), "gaussian", "both"], indirect=True
)
"""For what takes seconds: members of both forms say no more than those of values alone."""


def experiment_of(form: str) -> Experiment:
    sweep: dict[str, Any] = {"space": {"train.form": ["values", "gaussian"]}} if form == "both" else {}
    content = {
        "data": "diabetes",
        "model": "mlp(width=6)",
        "policy": ["constant(peak=0.01)", "constant(peak=0.03)"],
        "train": {"epochs": 3, "batch_size": 32} | ({} if form == "both" else {"form": form}),
        "sweep": sweep,
    }
    return to_record(Experiment, content, "test")


@pytest.fixture(scope="module", params=FORMS)
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    folder = tmp_path_factory.mktemp(request.param) / "pool"
    list(tune(experiment_of(request.param), folder))
    found = Pool.open(folder)
    save(found, choose(found, "all", folds=2))
    return found


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    experiment = experiment_of("values")
    return load(experiment.data, experiment.split)


@pytest.fixture(scope="module")
def ensemble(pool: Pool) -> Ensemble:
    return ensemble_of(pool, choose(pool, "all", folds=0))


def of_distributions(pool: Pool) -> bool:
    return all(member.form == "gaussian" for member in pool.members())


def test_it_predicts_as_its_team_was_scored(pool: Pool, ensemble: Ensemble, dataset: Dataset) -> None:
    team = choose(pool, "all", folds=0)
    for split in ("val", "test"):
        expected = predict(pool, team, split)
        inputs = dataset.raw(dataset.rows[split])
        found = ensemble.predict_dense(inputs)
        assert found.shape == expected.shape == (len(inputs), 2 if of_distributions(pool) else 1)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        np.testing.assert_array_equal(ensemble.predict(inputs), found[:, :1])
    assert 50 < ensemble.predict(inputs).mean() < 300, "in the units of the data"
    if of_distributions(pool):
        np.testing.assert_allclose(ensemble.predict_std(inputs) ** 2, found[:, 1:])
    else:
        with pytest.raises(ExportError, match="does not say how sure it is"):
            ensemble.predict_std(inputs)
    with pytest.raises(ExportError, match="predicts values and has no probabilities"):
        ensemble.predict_proba(inputs)


def test_a_bundle_reads_back(ensemble: Ensemble, dataset: Dataset, tmp_path: Path) -> None:
    ensemble.save(tmp_path / "bundle")
    loaded = Ensemble.load(tmp_path / "bundle")
    inputs = dataset.raw(dataset.rows["test"])
    np.testing.assert_array_equal(loaded.predict_dense(inputs), ensemble.predict_dense(inputs))
    assert loaded.description.target.kind == "values"


def outputs_of(ensemble: Ensemble, dataset: Dataset) -> tuple[torch.Tensor, list[np.ndarray]]:
    inputs = dataset.raw(dataset.rows["test"])
    expected = [ensemble.predict(inputs)]
    if ensemble.description.of_distributions:
        expected.append(ensemble.predict_std(inputs))
    return inputs, expected


@FORMS_THAT_DIFFER
def test_as_one_program_of_torch(
    pool: Pool, command: Command, ensemble: Ensemble, dataset: Dataset, tmp_path: Path
) -> None:
    outcome = command("export", pool.folder, "--format", "torch", "-m", "all", "--out", tmp_path / "e.pt2")
    assert outcome.status == 0, outcome.err
    inputs, expected = outputs_of(ensemble, dataset)
    found = torch.export.load(tmp_path / "e.pt2").module()(inputs)
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), two, rtol=1e-5)


@FORMS_THAT_DIFFER
def test_as_one_file_of_onnx(
    pool: Pool, command: Command, ensemble: Ensemble, dataset: Dataset, tmp_path: Path
) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    outcome = command("export", pool.folder, "--format", "onnx", "-m", "all", "--out", tmp_path / "e.onnx")
    assert outcome.status == 0, outcome.err
    inputs, expected = outputs_of(ensemble, dataset)
    session = runtime.InferenceSession(tmp_path / "e.onnx")
    assert [output.name for output in session.get_outputs()] == ["values", "std"][: len(expected)]
    for one, two in zip(session.run(None, {"inputs": inputs.numpy()}), expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4)


def test_files_are_predicted(
    pool: Pool, command: Command, ensemble: Ensemble, dataset: Dataset, tmp_path: Path
) -> None:
    ensemble.save(tmp_path / "bundle")
    inputs = dataset.raw(dataset.rows["test"])[:5].numpy()
    np.savez(tmp_path / "some.npz", x=inputs)
    outcome = command("predict", tmp_path / "bundle", tmp_path / "some.npz")
    assert outcome.status == 0, outcome.err
    rows = list(csv.reader(io.StringIO(outcome.out)))
    (name,) = pool.task.target.names
    sure = of_distributions(pool)
    assert rows[0] == ["file", "row", name, *([f"std:{name}"] if sure else [])]
    assert [float(row[2]) for row in rows[1:]] == ensemble.predict(inputs)[:, 0].tolist()
    record = json.loads(command("predict", tmp_path / "bundle", tmp_path / "some.npz", "--json").out)
    assert record["outputs"] == [name]
    assert [row["values"] for row in record["predictions"]] == ensemble.predict(inputs).tolist()
    if sure:
        assert [row["std"] for row in record["predictions"]] == ensemble.predict_std(inputs).tolist()
    else:
        assert {row["std"] for row in record["predictions"]} == {None}


@pytest.mark.parametrize("variant", ["cascade", "uniform-soup", "greedy-soup", "student"])
def test_variants_that_go_by_accuracy_are_refused(pool: Pool, command: Command, tmp_path: Path, variant: str) -> None:
    outcome = command("export", pool.folder, "-m", "all", "--variant", variant, "--out", tmp_path / "out")
    assert outcome.status == 2
    name = variant.rpartition("-")[2]
    assert f"a {name} goes by confidence or accuracy, and this team predicts values" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_of_values_a_pruned_team_is_compared(pool: Pool, tmp_path: Path) -> None:
    own = Pool.open(shutil.copytree(pool.folder, tmp_path / "pool"))
    save(own, choose(own, "all", folds=2))
    found = {each.name: each for each in compare(own, method="all").variants}
    assert found["cascade"].not_made.startswith("a cascade goes by confidence or accuracy")
    assert found["greedy-soup"].not_made.startswith("a soup goes by confidence or accuracy")
    test, team = found["pruned"].test, found["team"].test
    if found["team"].networks == 2:
        assert found["pruned"].not_made.startswith("a team of 2 is not pruned")
        return
    assert test is not None
    assert team is not None
    gain = found["pruned"].gain_over_team["rmse"].value
    assert gain == pytest.approx((team.by("rmse") or 0) - (test.by("rmse") or 0))
    assert found["pruned"].latency is not None


def test_a_bundle_of_the_first_format_predicts_classes(tmp_path: Path) -> None:
    """It names classes where a target stands today, and neither form nor scale of a member."""
    experiment = to_record(
        Experiment,
        {
            "data": "digits",
            "model": "mlp(width=5)",
            "policy": ["constant(peak=0.1)"],
            "train": {"epochs": 1, "batch_size": 200},
        },
        "test",
    )
    list(tune(experiment, tmp_path / "pool"))
    pool = Pool.open(tmp_path / "pool")
    made = ensemble_of(pool, choose(pool, "best", folds=0))
    made.save(tmp_path / "bundle")
    path = tmp_path / "bundle" / "config.json"
    content = json.loads(path.read_bytes())
    content["ensemble"]["classes"] = content["ensemble"].pop("target")["names"]
    for part in content["ensemble"]["parts"]:
        del part["form"], part["scale"]
    path.write_bytes(seal({key: value for key, value in content.items() if key != "checksum"} | {"format": 1}))
    inputs = np.random.default_rng(0).integers(0, 17, size=(4, *made.description.inputs.shape)).astype(np.float32)
    np.testing.assert_array_equal(Ensemble.load(tmp_path / "bundle").predict_proba(inputs), made.predict_proba(inputs))
