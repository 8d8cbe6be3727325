"""States and studies behind links inside a pool: never written to, never removed."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.train.conftest import MakeExperiment

from lrensemble.errors import StorageError
from lrensemble.pool import Pool
from lrensemble.train import Ended, tune

REFUSED = "is a link, and links inside a pool are not followed to write or to remove"


def outside_of(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / "outside"
    (folder / name).mkdir(parents=True)
    (folder / name / "precious.txt").write_text("mine")
    return folder


def untouched(folder: Path) -> bool:
    return [path.name for path in folder.rglob("*") if path.is_file()] == ["precious.txt"]


def test_a_sweep_that_has_all_removes_no_state_behind_a_link(experiment: MakeExperiment, tmp_path: Path) -> None:
    list(tune(experiment(), tmp_path / "pool"))
    member = Pool.open(tmp_path / "pool").members()[0].id
    outside = outside_of(tmp_path, member)
    unfinished = tmp_path / "pool" / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.symlink_to(outside)
    with pytest.raises(StorageError, match=f"unfinished {REFUSED}"):
        list(tune(experiment(), tmp_path / "pool"))
    assert untouched(outside)


@pytest.mark.parametrize("execution", ["one-by-one", "fused"])
def test_a_link_in_the_place_of_a_runs_state_is_not_written_through(
    experiment: MakeExperiment, tmp_path: Path, execution: str
) -> None:
    """Nor is the run trained without a claim, which would lie there; what the link leads to stays."""
    list(tune(experiment(), tmp_path / "pool"))
    pool = Pool.open(tmp_path / "pool")
    member = pool.members()[0]
    shutil.rmtree(member.folder)
    outside = outside_of(tmp_path, member.id)
    (pool.folder / "unfinished").mkdir(exist_ok=True)
    (pool.folder / "unfinished" / member.id).symlink_to(outside / member.id)
    for save_steps in (2, 10_000):
        with pytest.raises(StorageError, match=f"{member.id} {REFUSED}"):
            list(tune(experiment(), pool.folder, save_steps=save_steps, execution=execution))
        assert untouched(outside)
    (pool.folder / "unfinished" / member.id).unlink()
    events = list(tune(experiment(), pool.folder, execution=execution))
    assert [event.status for event in events if isinstance(event, Ended)].count("finished") == 1
    assert untouched(outside)


@pytest.mark.parametrize("name", ["search.db", "search.db-journal", "search.journal"])
def test_a_study_is_not_kept_behind_a_link(
    experiment: MakeExperiment, sweep: dict[str, Any], tmp_path: Path, name: str
) -> None:
    pytest.importorskip("optuna")
    sweep["policy"] = ["cosine"]
    sweep["sweep"] = {"strategy": "optuna(trials=2)", "space": {"policy.peak": "log_uniform(low=0.01, high=0.1)"}}
    outside = tmp_path / "outside.db"
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / name).symlink_to(outside)
    with pytest.raises(StorageError, match=f"{name} {REFUSED}"):
        list(tune(experiment(), tmp_path / "pool"))
    assert not outside.exists()
