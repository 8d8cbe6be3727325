"""TensorBoard and MLflow read, with their own readers, what was written for them."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrensemble.config import Experiment
from lrensemble.errors import TrainingError
from lrensemble.pool import Pool
from lrensemble.train import Step, tune

MakeExperiment = Callable[..., Experiment]
EPOCH_STEPS = 8


def accumulated(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    reader.Reload()
    return reader


def scalars(reader: Any, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in reader.Scalars(tag)]


def text(reader: Any, tag: str) -> str:
    (event,) = reader.Tensors(f"{tag}/text_summary")
    (value,) = event.tensor_proto.string_val
    return str(value.decode())


@pytest.mark.parametrize("execution", ["one-by-one", "fused", "workers"])
def test_tensorboard_reads_every_member(experiment: MakeExperiment, tmp_path: Path, execution: str) -> None:
    pytest.importorskip("tensorboard")
    pool = tmp_path / "runs" / "pool"
    list(tune(experiment(model="mlp(width=7)"), pool, execution=execution, loggers=["tensorboard"]))
    folders = {path.name.split()[0]: path for path in (tmp_path / "runs" / "tensorboard").iterdir()}
    members = Pool.open(pool).members()
    assert folders.keys() == {member.id for member in members}
    for member in members:
        assert folders[member.id].name == f"{member.id} {member.name}"
        reader, history = accumulated(folders[member.id]), member.history()
        for tag in ("rate", "train_loss", "val_accuracy", "val_nll", "epoch"):
            assert [step for step, _ in scalars(reader, tag)] == [8, 16]
            assert [value for _, value in scalars(reader, tag)] == pytest.approx([line[tag] for line in history])
        assert [text(reader, tag) for tag in ("pool", "member", "name", "status")] == [
            str(pool),
            member.id,
            member.name,
            "finished",
        ]


def test_tensorboard_has_the_recipe_as_hyper_parameters(experiment: MakeExperiment, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    sweep = experiment(policy=["constant(peak=0.01)"])
    list(tune(sweep, tmp_path / "pool", loggers=[f"tensorboard(folder='{tmp_path / 'board'}', every=5)"]))
    (folder,) = (tmp_path / "board").iterdir()
    reader = accumulated(folder)
    assert [step for step, _ in scalars(reader, "loss")] == [5, 10, 15]
    assert [step for step, _ in scalars(reader, "rate")] == [5, 8, 10, 15, 16]
    plugin = reader.PluginTagToContent("hparams")
    given = HParamsPluginData.FromString(plugin["_hparams_/session_start_info"]).session_start_info.hparams
    assert given["policy.name"].string_value == "constant"
    assert given["train.batch_size"].number_value == 100
    assert HParamsPluginData.FromString(plugin["_hparams_/session_end_info"]).HasField("session_end_info")


def test_tensorboard_goes_on_after_an_interruption(experiment: MakeExperiment, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    sweep = experiment(policy=["constant(peak=0.01)"])
    events = tune(sweep, tmp_path / "pool", save_steps=1, loggers=["tensorboard"])
    while not (isinstance(event := next(events), Step) and event.step == EPOCH_STEPS + 2):
        pass
    events.close()
    list(tune(sweep, tmp_path / "pool", loggers=["tensorboard"]))
    (folder,) = (tmp_path / "tensorboard").iterdir()
    reader = accumulated(folder)
    assert [step for step, _ in scalars(reader, "val_nll")] == [8, 16]
    assert [event.tensor_proto.string_val[0] for event in reader.Tensors("status/text_summary")] in (
        [b"interrupted", b"finished"],
        [b"finished"],
    )


def mlflow_client(uri: str) -> Any:
    tracking = pytest.importorskip("mlflow.tracking")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Warning)
        return tracking.MlflowClient(tracking_uri=uri)


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """MLflow's store in a folder, which it keeps for who asks; a database takes it twenty seconds to make."""
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return f"file:{tmp_path / 'mlruns'}"


def check_runs(uri: str, pool: Path) -> None:
    client, members = mlflow_client(uri), Pool.open(pool).members(include_diverged=True)
    home = client.get_experiment_by_name("lrensemble").experiment_id
    runs = {run.data.tags["lrensemble.member"]: run for run in client.search_runs([home])}
    assert runs.keys() == {member.id for member in members}
    for member in members:
        run = runs[member.id]
        assert run.info.run_name == member.name
        assert run.data.tags["lrensemble.pool"] == str(pool.resolve())
        assert run.data.tags["lrensemble.status"] == member.status
        assert run.info.status == ("FINISHED" if member.status == "finished" else "FAILED")
        assert run.data.params["train.batch_size"] == "100"
        assert member.recipe is not None
        assert run.data.params["policy.peak"] == str(member.recipe["policy"]["peak"])
        finished = [line for line in member.history() if line["val_nll"] is not None]
        for key in ("rate", "train_loss", "val_accuracy", "val_nll"):
            points = [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, key)]
            assert points == [(line["step"], pytest.approx(line[key])) for line in finished], key


def test_mlflow_reads_every_member(experiment: MakeExperiment, tmp_path: Path, in_a_folder: str) -> None:
    policies = ["constant(peak=0.01)", "constant(peak=1e30)", "linear(peak=0.1)"]
    sweep = experiment(model="mlp(width=7)", policy=policies, train={"optimizer": "sgd"})
    list(tune(sweep, tmp_path / "pool", execution="fused", loggers=[f"mlflow(uri='{in_a_folder}')"]))
    check_runs(in_a_folder, tmp_path / "pool")


def test_mlflow_goes_on_in_the_run_that_was_interrupted(
    experiment: MakeExperiment, tmp_path: Path, in_a_folder: str
) -> None:
    sweep, logger = experiment(policy=["constant(peak=0.01)"]), f"mlflow(uri='{in_a_folder}')"
    events = tune(sweep, tmp_path / "it's", save_steps=1, loggers=[logger])
    while not (isinstance(event := next(events), Step) and event.step == EPOCH_STEPS + 2):
        pass
    events.close()
    client = mlflow_client(in_a_folder)
    home = client.get_experiment_by_name("lrensemble").experiment_id
    (run,) = client.search_runs([home])
    assert (run.info.status, run.data.tags["lrensemble.status"]) == ("KILLED", "interrupted")
    list(tune(sweep, tmp_path / "it's", loggers=[logger]))
    check_runs(in_a_folder, tmp_path / "it's")


@pytest.mark.long
def test_mlflow_in_a_database(experiment: MakeExperiment, tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    list(tune(experiment(), tmp_path / "pool", loggers=[f"mlflow(uri='{uri}')"]))
    check_runs(uri, tmp_path / "pool")


def test_an_mlflow_that_cannot_be_used_is_told_before_any_training(experiment: MakeExperiment, tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    with pytest.raises(TrainingError, match="logger mlflow cannot use nowhere://: "):
        tune(experiment(), tmp_path, loggers=["mlflow(uri='nowhere://')"])
