"""Studies of Optuna: finished ones with their artifacts, and the callback that keeps networks while one runs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import torch
from tests.adopt.given.digits import rows
from tests.adopt.given.optuna import build, fitted, loss_of, uploading
from tests.cli.command import Command
from tests.conftest import Python

import lrensemble
from lrensemble.adopt.optuna import Keep
from lrensemble.errors import AdoptError, MissingExtraError
from lrensemble.export import Ensemble

optuna = pytest.importorskip("optuna")
optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("artifacts").mkdir()
    return tmp_path


@pytest.fixture
def store(here: Path) -> Any:
    return optuna.artifacts.FileSystemArtifactStore(str(here / "artifacts"))


def a_study(name: str = "digits", storage: Any = None) -> Any:
    return optuna.create_study(study_name=name, sampler=optuna.samplers.RandomSampler(seed=0), storage=storage)


def own_probabilities(study: Any, number: int) -> Any:
    trial = study.trials[number]
    network = build((64,), 10, width=trial.params["width"])
    network.load_state_dict(torch.load(f"{number}.pt", weights_only=True))
    with torch.no_grad():
        return network(torch.tensor(rows()["x_test"], dtype=torch.float32) / 16).softmax(1).numpy()


def test_a_finished_study_becomes_a_team_that_predicts_as_its_networks_do(
    store: Any, caplog: pytest.LogCaptureFixture
) -> None:
    study = a_study()
    study.optimize(uploading(store), n_trials=3)
    result = lrensemble.adopt("pool", study, store=store, builder=build, metric="nll", data=rows(), std=16)

    assert [member.name for member in result] == ["digits trial 0", "digits trial 1", "digits trial 2"]
    assert not caplog.records, "what the objective returned is what the networks score here"
    for member, trial in zip(result.pool.members(), study.trials, strict=True):
        assert member.scores["val"]["nll"] == pytest.approx(trial.value, rel=1e-5)
        assert member.facts == {"file": f"{trial.number}.pt", **trial.params, "trial": trial.number, "study": "digits"}
        assert member.network is not None
        assert member.network.model.arguments == {"width": trial.params["width"]}
        assert member.seconds == pytest.approx(trial.duration.total_seconds())

    lrensemble.select("pool", "all", consensus="mean")
    lrensemble.export("pool", "bundle", method="all")
    found = Ensemble.load("bundle")(torch.tensor(rows()["x_test"])).detach().numpy()
    expected = np.mean([own_probabilities(study, number) for number in range(3)], axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_a_study_by_the_url_of_its_storage_on_the_command_line(store: Any, here: Path, command: Command) -> None:
    storage = optuna.storages.RDBStorage(f"sqlite:///{here}/o.db")
    try:
        a_study("one", storage).optimize(uploading(store), n_trials=1)
        a_study("two", storage)
    finally:
        storage.remove_session()
        storage.engine.dispose()
    np.savez("rows.npz", **rows())
    source = ["adopt", "pool", "--from", f"optuna:sqlite:///{here}/o.db", "--data", "rows.npz", "--std", "16"]
    source += ["--builder", "tests.adopt.given.optuna:build", "--option", "store=artifacts"]

    unclear, unknown = command(*source), command(*source, "--option", "study=three")
    assert (unclear.status, unknown.status) == (2, 2)
    assert "has the studies one, two; say which: study=NAME" in " ".join(unclear.err.split())
    assert "has no study 'three'; it has one, two" in " ".join(unknown.err.split())
    assert command(*source, "--option", "study=one").status == 0
    assert [member.name for member in lrensemble.Pool.open("pool").members()] == ["one trial 0"]


def test_a_journal_file_and_files_by_the_number_of_the_trial(here: Path) -> None:
    journal = optuna.storages.journal.JournalFileBackend(str(here / "study.log"))
    study = a_study("digits", optuna.storages.JournalStorage(journal))

    def objective(trial: Any) -> float:
        network = fitted(trial)
        torch.save(network.state_dict(), f"net-{trial.number}.pt")
        return loss_of(network)

    study.optimize(objective, n_trials=2)
    result = lrensemble.adopt("pool", "optuna:study.log", file="net-{number}.pt", builder=build, data=rows(), std=16)
    assert [member.name for member in result] == ["digits trial 0", "digits trial 1"]


def test_what_is_left_out_is_told(store: Any, caplog: pytest.LogCaptureFixture) -> None:
    upload, study = uploading(store), a_study()

    def objective(trial: Any) -> float:
        if trial.number == 1:
            trial.report(0.7, 5)
            raise optuna.TrialPruned
        if trial.number == 2:
            raise ValueError("of the user's")
        if trial.number == 3:
            return 1.0
        trial.report(0.5, 1)
        return float(upload(trial)) + 0.5

    study.optimize(objective, n_trials=4, catch=ValueError)
    result = lrensemble.adopt("pool", study, store="artifacts", builder=build, metric="nll", data=rows(), std=16)

    assert len(result) == 1
    assert "trials that were not completed are left out (pruned: 1; fail: 2)" in caplog.text
    assert "study digits: trials 3 left no network" in caplog.text
    assert "digits trial 0: its tool logged nll" in caplog.text, "the value is not what the network scores"
    assert list(result.pool.members()[0].history()) == [{"step": 1, "nll": 0.5}]


def test_studies_that_cannot_be_adopted_are_refused_in_one_line(store: Any) -> None:
    study = a_study()

    def objective(trial: Any) -> float:
        for name in ("a.pt", "b.pt", "notes.md"):
            Path(name).write_text("")
            optuna.artifacts.upload_artifact(artifact_store=store, file_path=name, study_or_trial=trial)
        return 0.0

    study.optimize(objective, n_trials=1)
    Path("text.db").write_text("no database")
    refused: list[tuple[Any, dict[str, Any], str]] = [
        (study, {}, "say where the trials' networks are: store="),
        (study, {"store": store}, "trial 0 has the artifacts a.pt, b.pt; say which: file=NAME"),
        (study, {"store": store, "file": "a.pt"}, "a.pt is empty"),
        (study, {"store": store, "file": "c.pt"}, "has no completed trial with a network here"),
        (study, {"store": store, "metric": "fid"}, "no score here is called 'fid'; metric is one of accuracy, nll"),
        (study, {"store": store, "metric": ["nll", "accuracy"]}, "has 1 objectives; metric names each of them"),
        ("optuna:sqlite:///none.db", {"store": store}, "there is no file none.db"),
        ("optuna:none.log", {"store": store}, "none.log is no file; give the URL of the study's storage"),
        ("optuna:sqlite:///text.db", {"store": store}, "is no storage of Optuna that can be read"),
    ]
    for given, options, message in refused:
        with pytest.raises(AdoptError) as caught:
            lrensemble.adopt("pool", given, builder=build, data=rows(), **options)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not Path("none.db").exists()
    assert not Path("none.log").exists()
    assert not list(lrensemble.Pool.open("pool").members())


def test_without_optuna_the_extra_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lrensemble\[search\]'"):
        lrensemble.adopt("pool", f"optuna:{here}/o.log", store="artifacts", builder=build, data=rows())


@pytest.mark.usefixtures("here")
def test_the_callback_keeps_networks_and_tells_what_does_not_fit(caplog: pytest.LogCaptureFixture) -> None:
    keep, study = Keep("pool", data=rows(), builder=build, std=16, metric="nll"), a_study()

    def objective(trial: Any) -> float:
        if trial.number == 2:
            return 0.0
        member = keep.network(trial, fitted(trial))
        if trial.number == 3:
            raise optuna.TrialPruned
        return float(member.scores["nll"]) + int(trial.number == 1)

    study.optimize(objective, n_trials=4, callbacks=[keep])
    assert [member.name for member in keep.result] == ["digits trial 0", "digits trial 1", "digits trial 3"]
    assert all(member.difference is not None and member.difference < 1e-5 for member in keep.result)
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "digits trial 1",
        "digits trial 2 left no network; call keep.network(trial, model) in the objective",
        "digits trial 3 ended as pruned, and its network stays a member",
    ]
    assert "the objective returned nll" in caplog.text
    members = lrensemble.Pool.open("pool").members()
    assert [member.facts["width"] for member in members] == [keep_width(study, member) for member in members]
    assert repr(keep) == "<Keep: 3 networks kept in pool>"


def keep_width(study: Any, member: Any) -> Any:
    return study.trials[member.facts["trial"]].params["width"]


@pytest.mark.usefixtures("here")
def test_what_was_kept_and_is_adopted_again_is_one_member() -> None:
    keep, study = Keep("pool", data=rows(), builder=build, std=16), a_study()

    def objective(trial: Any) -> float:
        network = fitted(trial)
        keep.network(trial, network)
        torch.save(network.state_dict(), f"{trial.number}.pt")
        return 0.0

    study.optimize(objective, n_trials=1, callbacks=[keep])
    result = lrensemble.adopt("pool", study, file="{number}.pt", builder=build, data=rows(), std=16)
    assert [member.new for member in result] == [False]


@pytest.mark.usefixtures("here")
def test_a_keeper_of_wrong_data_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(AdoptError, match="data have no x_val"):
        Keep("pool", data={"y_val": rows()["y_val"]}, builder=build)
    with pytest.raises(AdoptError, match="no score here is called 'fid'"):
        Keep("pool", data=rows(), builder=build, metric="fid")


KILLED = """
    import os, signal
    import optuna
    from tests.adopt.given.digits import rows
    from tests.adopt.given.optuna import build, fitted
    from lrensemble.adopt.optuna import Keep

    keep = Keep("pool", data=rows(), builder=build, std=16)

    def objective(trial):
        keep.network(trial, fitted(trial))
        if trial.number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.0

    optuna.create_study(study_name="s").optimize(objective, n_trials=3, callbacks=[keep])
"""


def test_a_process_that_is_killed_in_a_trial_loses_none(here: Path, python: Python) -> None:
    ended = python("-c", dedent(KILLED), folder=here)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert [member.name for member in lrensemble.Pool.open("pool").members()] == ["s trial 0", "s trial 1"]
