"""Who is at work in a pool, and what processes that share one must have in common."""

import json
import logging
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from lrensemble.environment import versions
from lrensemble.errors import ConfigError, StorageError, TrainingError
from lrensemble.files import seal
from lrensemble.files.holder import Holder, this_process
from lrensemble.pool.processes import (
    FOLDER,
    check_others,
    check_shared,
    expected,
    joined,
    processes_at_work,
    processes_in,
)
from lrensemble.pool.processes.presence import EXPECTED

ELSEWHERE = Holder("0" * 8, 4711, 1)
"""A process of a machine that cannot be asked."""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*EXPECTED, "SLURM_ARRAY_TASK_ID", "SLURM_PROCID", "JOB_COMPLETION_INDEX", "LRENSEMBLE_LEASE"):
        monkeypatch.delenv(name, raising=False)


def put(pool: Path, holder: Holder = ELSEWHERE, *, silent: float = 0, **changes: object) -> Path:
    """The file of another process, last touched so many seconds ago."""
    said: dict[str, object] = {
        "host": "gpu-3",
        "process": holder.process,
        "began": "2026-11-27T12:00:00+00:00",
        "ahead": 0.0,
        "lease": 300,
        "versions": versions(),
        "shard": None,
    }
    path = pool / FOLDER / f"{holder}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(seal(said | changes))
    now = path.stat().st_mtime
    os.utime(path, (now - silent, now - silent))
    return path


def test_a_process_has_its_file_while_it_is_at_work_and_no_longer(tmp_path: Path) -> None:
    with joined(tmp_path, "2/8") as here:
        (path,) = (tmp_path / FOLDER).iterdir()
        assert path.name == f"{this_process()}.json"
        said = json.loads(path.read_bytes())
        assert (said["host"], said["process"], said["shard"]) == (platform.node(), os.getpid(), "2/8")
        assert said["versions"] == versions()
        assert abs(said["ahead"]) < 5
        assert here.ahead == said["ahead"]
        assert processes_in(tmp_path) == [], "of others"
    assert list(tmp_path.iterdir()) == []


def test_it_is_touched_now_and_then_and_written_again_where_it_is_gone(tmp_path: Path) -> None:
    with joined(tmp_path) as here:
        (path,) = (tmp_path / FOLDER).iterdir()
        os.utime(path, (1e9, 1e9))
        here.beat()
        assert path.stat().st_mtime == 1e9, "not at every step"
        here._last -= 31
        here.beat()
        assert path.stat().st_mtime > 1e9
        path.unlink()
        path.parent.rmdir()
        here._last -= 31
        here.beat()
        assert path.exists()


def test_who_died_here_or_was_silent_for_long_elsewhere_is_removed_by_the_next(tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    put(tmp_path, Holder(this_process().machine, int(dead.stdout), 1))
    long_silent = put(tmp_path, Holder("1" * 8, 1, 1), silent=2 * 3600)
    silent = put(tmp_path, Holder("2" * 8, 2, 1), silent=400)
    with joined(tmp_path):
        assert silent.exists()
        assert not long_silent.exists()
        assert len(list((tmp_path / FOLDER).iterdir())) == 2
    assert silent.exists(), "the folder stays as long as somebody has a file in it"


def test_those_at_work_are_counted_or_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes_at_work(tmp_path) == 1
    put(tmp_path)
    put(tmp_path, Holder("1" * 8, 1, 1), silent=301)
    put(tmp_path, Holder("2" * 8, 1, 1), silent=301, lease=400)
    assert [each.is_at_work for each in processes_in(tmp_path)] == [True, False, True]
    assert processes_at_work(tmp_path) == 3
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "20")
    assert (processes_at_work(tmp_path), processes_at_work(tmp_path, first=False)) == (20, 3)
    assert expected({"SLURM_ARRAY_TASK_COUNT": "20", "LRENSEMBLE_PROCESSES": "4"}) == 4
    assert expected({"SLURM_NTASKS": "many"}) == expected({}) == 1
    with pytest.raises(ConfigError, match=r"LRENSEMBLE_PROCESSES = '0' is refused; give the number of processes"):
        expected({"LRENSEMBLE_PROCESSES": "0"})


def test_what_cannot_be_read_is_nobody(tmp_path: Path) -> None:
    path = put(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    put(tmp_path, Holder("1" * 8, 1, 1), later="a field of a later version")
    (tmp_path / FOLDER / "notes.txt").write_text("mine")
    assert processes_in(tmp_path) == []


@pytest.mark.parametrize("name", ["lrensemble", "torch", "python"])
def test_other_versions_are_refused_or_told(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    put(tmp_path, versions=versions() | {name: "1.2.3"})
    line = f"process 4711 on gpu-3 trains in {tmp_path} with {name} 1.2.3, and this one has {name} {versions()[name]}"
    if name == "lrensemble":
        with pytest.raises(TrainingError) as caught:
            check_others(tmp_path, processes_in(tmp_path))
        assert str(caught.value) == f"{line}; install the same, or give another folder"
        return
    check_others(tmp_path, processes_in(tmp_path))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(line)
    if name == "torch":
        with pytest.raises(TrainingError, match="by which bits differ; install the same, or leave reproducible out"):
            check_others(tmp_path, processes_in(tmp_path), strict=True)


def test_who_is_not_at_work_is_asked_nothing(tmp_path: Path) -> None:
    put(tmp_path, silent=301, versions={"lrensemble": "0"})
    check_others(tmp_path, processes_in(tmp_path))


def test_another_clock_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, ahead=100.0)
    check_others(tmp_path, processes_in(tmp_path), ahead=75.0)
    assert not caplog.records, "less than a tenth of the lease"
    check_others(tmp_path, processes_in(tmp_path), ahead=30.0)
    (record,) = caplog.records
    assert record.getMessage().startswith(
        f"the clock of gpu-3 is 70 s ahead of that of {platform.node()}; claims go by"
    )


def test_files_of_the_future_are_refused(tmp_path: Path) -> None:
    put(tmp_path, silent=-100)
    with pytest.raises(
        StorageError, match=r"files of process 4711 on gpu-3 in .* are 100 s in the future: the file sys"
    ):
        check_others(tmp_path, processes_in(tmp_path))


def test_a_folder_of_one_machine_is_told_to_a_task_of_many(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check_shared(tmp_path, several=True, environment={})
    assert not caplog.records
    check_shared(tmp_path, several=True, environment={"SLURM_ARRAY_TASK_ID": "3"})
    messages = [record.getMessage() for record in caplog.records]
    assert all(
        "this is a task of a Slurm array: those on other machines would each train all of it" in m for m in messages
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_read_while_it_goes_is_nobody(tmp_path: Path) -> None:
    put(tmp_path).unlink()
    assert processes_in(tmp_path) == []
    assert processes_in(tmp_path / "missing") == []
