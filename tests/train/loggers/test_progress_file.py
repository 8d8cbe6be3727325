"""`progress.jsonl`: what happens in a sweep as lines of JSON, also from several processes, and never as content."""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lrensemble.config import Experiment
from lrensemble.errors import StorageError
from lrensemble.files import append_line
from lrensemble.pool import Pool
from lrensemble.train import Ended, Epoch, tune

MakeExperiment = Callable[..., Experiment]


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("execution", ["one-by-one", "fused", "workers"])
def test_every_event_that_matters_is_a_line(experiment: MakeExperiment, tmp_path: Path, execution: str) -> None:
    before = datetime.now(UTC)
    epochs = {}
    for event in tune(experiment(model="mlp(width=7)", train={"epochs": 1}), tmp_path, execution=execution):
        if isinstance(event, Epoch):
            epochs[event.run] = event
    found = lines(tmp_path)
    members = {member.id: member for member in Pool.open(tmp_path).members()}
    assert found[0]["event"] == "planned"
    assert (found[0]["runs"], found[0]["remaining"], len(members)) == (3, 0, 3)
    assert sum(job["runs"] for job in found[0]["jobs"]) == 3
    assert found[0]["jobs"][0]["execution"] == execution
    for id_, member in members.items():
        began, epoch, ended = [line for line in found if line.get("run") == id_]
        assert [line["event"] for line in (began, epoch, ended)] == ["began", "epoch", "ended"]
        assert began["name"] == ended["name"] == member.name
        assert (ended["status"], ended["scores"]) == ("finished", member.scores["val"])
        assert {key: epoch[key] for key in ("epoch", "epochs", "step")} == {"epoch": 1, "epochs": 1, "step": 8}
        assert epoch["train_loss"] == member.history()[0]["train_loss"]
        assert epoch["samples_per_second"] == epochs[id_].samples_per_second
    times = [datetime.fromisoformat(line["time"]) for line in found]
    assert times == sorted(times)
    assert (times[0] - before).total_seconds() > -0.002
    assert len({(line["host"], line["process"]) for line in found}) == 1


def test_a_sweep_that_finds_all_done_adds_nothing(experiment: MakeExperiment, tmp_path: Path) -> None:
    list(tune(experiment(train={"epochs": 1}), tmp_path))
    before = (tmp_path / "progress.jsonl").read_bytes()
    assert [event.status for event in tune(experiment(train={"epochs": 1}), tmp_path) if isinstance(event, Ended)] == [
        "exists"
    ] * 3
    assert (tmp_path / "progress.jsonl").read_bytes() == before


def test_short_epochs_do_not_fill_the_disk(experiment: MakeExperiment, tmp_path: Path) -> None:
    """Forty epochs that take a second or two: the first is told, and then one a second at most."""
    sweep = experiment(policy=["constant(peak=0.01)"], train={"epochs": 40})
    seconds = [event.seconds for event in tune(sweep, tmp_path) if isinstance(event, Epoch)]
    told = [line["epoch"] for line in lines(tmp_path) if line["event"] == "epoch"]
    assert told[0] == 1
    assert len(told) <= 2 + seconds[-1]
    assert len(told) < len(seconds) == 40


def test_what_is_not_finite_is_null(experiment: MakeExperiment, tmp_path: Path) -> None:
    sweep = experiment(policy=["constant(peak=1e30)"], train={"optimizer": "sgd"})
    list(tune(sweep, tmp_path))
    *_, ended = lines(tmp_path)
    assert (ended["event"], ended["status"], ended["scores"]) == ("ended", "diverged", {})
    assert "NaN" not in (tmp_path / "progress.jsonl").read_text()


def test_a_line_that_cannot_be_written_is_one_warning(
    experiment: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "progress.jsonl").symlink_to(tmp_path / "elsewhere")
    events = list(tune(experiment(train={"epochs": 1}), tmp_path / "pool"))
    assert [event.status for event in events if isinstance(event, Ended)] == ["finished"] * 3
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning.startswith("progress.jsonl failed (StorageError: ")
    assert warning.endswith(
        "is a link, and links inside a pool are not followed to write or to remove; take it away, "
        "or put what it leads to in its place) and is told nothing more; training goes on"
    )
    assert not (tmp_path / "elsewhere").exists()


def test_half_a_line_harms_nobody(experiment: MakeExperiment, tmp_path: Path) -> None:
    list(tune(experiment(train={"epochs": 1}), tmp_path))
    (tmp_path / "progress.jsonl").write_bytes(b'{"half": \xff')
    assert len(Pool.open(tmp_path).members()) == 3
    list(tune(experiment(policy=["linear(peak=0.01)"], train={"epochs": 1}), tmp_path))
    assert len(Pool.open(tmp_path).members()) == 4


def write_many(path: Path, name: str) -> None:
    for count in range(200):
        append_line(path, json.dumps({"name": name, "count": count, "text": name * 500}))


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    processes = [multiprocessing.get_context("spawn").Process(target=write_many, args=(path, name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = lines(tmp_path)
    assert {name: [line["count"] for line in found if line["name"] == name] for name in "abc"} == {
        name: list(range(200)) for name in "abc"
    }
    assert all(line["text"] == line["name"] * 500 for line in found)


def test_half_a_line_that_a_kill_has_left_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_text('{"whole": 1}\n{"hal')
    append_line(path, '{"next": 2}')
    append_line(path, '{"next": 3}')
    assert path.read_text().split("\n") == ['{"whole": 1}', '{"hal', '{"next": 2}', '{"next": 3}', ""]


LOCK = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.readline()
"""


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_who_keeps_the_lock_delays_a_line_and_does_not_stop_it(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    command = [sys.executable, "-c", LOCK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        append_line(path, "while it is locked")
        assert path.read_text() == "while it is locked\n"
        process.communicate("\n")


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write .*gone/progress\.jsonl: No such file or directory"):
        append_line(tmp_path / "gone" / "progress.jsonl", "{}")
