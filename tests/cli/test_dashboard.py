"""`lrensemble dashboard`, by itself and beside a sweep: how it ends, with viewers too, and what it refuses."""

import json
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import Command, check_output
from tests.forked import ForkedProcess
from tests.report.live.serving import Viewer
from tests.report.pages import collapsed_pool

from lrensemble.config import Experiment, to_record
from lrensemble.pool import Failure
from lrensemble.train import Ended, tune

SERVED = ["-m", "lrensemble", "dashboard", "pool", "--port", "0", "--json"]
LONG = """
data = "digits"
model = "tests.cli.unhurried:unhurried"
policy = [{name = "cosine", peak = [0.05, 0.1]}]
[train]
epochs = 4000
batch_size = 100
"""
SHORT: dict[str, Any] = {
    "data": "digits",
    "model": "mlp(width=8)",
    "policy": [{"name": "cosine", "peak": [0.2, 1e30, 0.1]}],
    "train": {"epochs": 3, "batch_size": 100},
}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_it_ends_by_a_signal_while_somebody_looks(
    forking: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    collapsed_pool(tmp_path / "pool")
    with ForkedProcess(forking, SERVED, errors=True, folder=tmp_path) as process:
        line = process.stdout.readline()
        check_output("dashboard", line)
        viewers = [Viewer(json.loads(line)["address"].rstrip("/")) for _ in range(3)]
        viewers[0].until("5 members so far")
        process.send_signal(number)
        for viewer in viewers:
            assert viewer.rest().endswith(b"0\r\n\r\n")
            viewer.close()
        _, err = process.communicate(timeout=180)
    assert process.returncode == status
    assert err.splitlines()[-1] == "interrupted; the dashboard has ended, and the pools are as they were"
    assert "Traceback" not in err


def test_beside_a_sweep_it_ends_with_its_standard_input(forking: Path, tmp_path: Path) -> None:
    with ForkedProcess(forking, [*SERVED, "--while-stdin"], folder=tmp_path) as process:
        assert json.loads(process.stdout.readline())["pools"] == ["pool"], "which is yet to be made"
        process.stdin.close()
        assert process.wait(180) == 0


def test_a_sweep_has_it_beside_and_takes_it_along(forking: Path, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(LONG)
    sweep = ["-m", "lrensemble", "tune", "e.toml", "--out", "pool", "--dashboard", "--execution", "one-by-one"]
    with ForkedProcess(forking, sweep, errors=True, folder=tmp_path) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "shows pool while it is trained" in line)
        host, port = line.split()[0].removeprefix("http://").rstrip("/").split(":")
        viewer = Viewer(f"http://{host}:{port}")
        viewer.until("digits: under way")
        process.send_signal(signal.SIGTERM)
        viewer.rest()
        viewer.close()
        _, err = process.communicate(timeout=180)
    assert process.returncode == 143
    assert err.splitlines()[-1] == "interrupted; the same command continues where it stopped"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=10)


def test_a_port_that_is_taken_and_several_pools_in_one_study_are_refused(command: Command, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = command("dashboard", tmp_path / "pool", "--port", taken.getsockname()[1])
    assert outcome.status == 2
    assert "in use" in outcome.err
    assert len(outcome.err.splitlines()) == 1
    outcome = command("dashboard", tmp_path / "a", tmp_path / "b", "--optuna", tmp_path / "study.log")
    assert outcome.status == 2
    assert "--optuna takes one pool, and 2 are given" in outcome.err


def test_a_file_that_is_no_study_is_kept(command: Command, tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    pool, other = collapsed_pool(tmp_path / "pool"), tmp_path / "experiment.toml"
    other.write_text('data = "digits"\n')
    somebodys = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / "own.log")))
    optuna.create_study(storage=somebodys, study_name="own").add_trial(optuna.trial.create_trial(value=1.0))
    kept = (tmp_path / "own.log").read_bytes()
    for path, why in (
        (other, f"{other} is no study of Optuna's and would be lost; give another file"),
        (tmp_path / "own.log", "holds studies that are not of a pool's members; give another file"),
        (tmp_path / "no" / "study.log", f"there is no folder {tmp_path / 'no'} for study.log; make it, or give"),
        (tmp_path, f"{tmp_path} is a folder; give a file, {tmp_path / 'study.log'} say"),
    ):
        outcome = command("dashboard", pool.folder, "--optuna", path)
        assert outcome.status == 2
        assert why in outcome.err.splitlines()[-1]
    assert other.read_text() == 'data = "digits"\n'
    assert (tmp_path / "own.log").read_bytes() == kept
    assert not (tmp_path / "no").exists()


def test_a_pool_is_written_as_a_study(command: Command, tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    pool = collapsed_pool(tmp_path / "pool")
    pool.record_failure(Failure(id="f1", name="shaky", traceback="Traceback\nValueError: no"))
    assert command("dashboard", pool.folder, "--optuna", tmp_path / "study.log").status == 0
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "study.log"))
    (study,) = optuna.get_all_study_summaries(optuna.storages.JournalStorage(backend))
    assert study.study_name == "hand, val accuracy"
    loaded = optuna.load_study(study_name=study.study_name, storage=optuna.storages.JournalStorage(backend))
    assert {each.user_attrs["name"]: each.state.name for each in loaded.trials}["shaky"] == "FAIL"
    assert loaded.trials[1].params == {"policy.peak": 0.2}
    assert len(loaded.trials) == 7


def test_a_study_follows_a_sweep_to_its_end(forking: Path, tmp_path: Path) -> None:
    """Who has the file open, as optuna-dashboard does, sees members as they arrive; it ends with the sweep."""
    optuna = pytest.importorskip("optuna")
    pool, path = tmp_path / "pool", tmp_path / "study.log"
    events = tune(to_record(Experiment, SHORT, "test"), pool, execution="one-by-one", save_steps=4)
    ends = (each for each in events if isinstance(each, Ended))
    next(ends)
    with ForkedProcess(forking, ["-m", "lrensemble", "dashboard", pool, "--optuna", path], errors=True) as process:
        assert process.stderr is not None
        lines = (line for line in process.stderr if "trial" in line)
        assert "holds 1 trial; " in (first := next(lines))
        assert first.endswith("shows it, and those to come; Ctrl-C ends it\n")
        reader = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))

        def trials() -> list[Any]:
            (name,) = optuna.get_all_study_names(reader)
            found: list[Any] = optuna.load_study(study_name=name, storage=reader).trials
            return found

        assert [each.user_attrs["name"] for each in trials()] == ["cosine(peak=0.2)"]
        assert next(ends).status == "diverged"
        assert "holds 2 trials; " in next(lines)
        assert [each.state.name for each in trials()] == ["COMPLETE", "FAIL"]
        assert len(list(ends)) == 1
        assert process.wait(180) == 0
    assert [each.state.name for each in trials()] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert len(trials()[2].intermediate_values) == 3, "the score after each epoch"
