"""A pool as a study of Optuna: read by Optuna, and brought up to date under the eyes of who reads it."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.pages import collapsed_pool, evaluated

import lrensemble
from lrensemble.pool import MemberRecord, Pool
from lrensemble.report.study_file import keep_beside, write_study

optuna: Any = pytest.importorskip("optuna")


def journal(path: Path) -> Any:
    storages = import_module("optuna.storages")
    return storages.JournalStorage(storages.journal.JournalFileBackend(str(path)))


def trials(storage: Any) -> dict[str, Any]:
    (name,) = optuna.get_all_study_names(storage)
    found = optuna.load_study(study_name=name, storage=storage).trials
    assert [trial.number for trial in found] == list(range(len(found)))
    return {trial.user_attrs["member"]: trial for trial in found}


def add(pool: Pool, name: str, peak: float) -> None:
    said = {split: np.log(np.full((own.size, 3), 1 / 3)) for split, own in pool.task.splits.items()}
    recipe = {"policy": {"name": "constant", "peak": peak}}
    pool.add(MemberRecord(id=name, order=20, name=name, recipe=recipe, scores={"val": {"accuracy": 0.5}}), said)


def test_who_reads_it_goes_on_where_the_pool_goes_on(tmp_path: Path) -> None:
    pool, path = collapsed_pool(tmp_path / "pool"), tmp_path / "study.log"
    assert write_study(pool, path) == 6
    reader = journal(path)
    assert set(trials(reader)) == {"m0", "m1", "m2", "m3", "m4", "m9"}
    before = path.read_bytes()
    assert write_study(pool, path) == 6
    assert path.read_bytes() == before, "nothing is new"
    add(pool, "late", 0.3)  # within the peaks that are known: one more trial
    assert write_study(Pool.open(pool.folder), path) == 7
    after = path.read_bytes()
    assert after.startswith(before)
    assert trials(reader)["late"].params == {"policy.peak": 0.3}
    assert trials(reader)["late"].value == 0.5
    add(pool, "wide", 5.0)  # the range is another one, of every trial
    assert write_study(Pool.open(pool.folder), path) == 8
    assert path.read_bytes().startswith(after)
    found = trials(reader)
    assert {each.distributions["policy.peak"].high for each in found.values() if each.params} == {5.0}
    assert found.keys() == trials(journal(path)).keys()


def test_a_member_beyond_the_others_and_within_what_the_sweep_declares_is_one_more_trial(tmp_path: Path) -> None:
    pool, path = collapsed_pool(tmp_path / "pool"), tmp_path / "study.log"
    lines: list[dict[str, Any]] = [
        {"event": "planned", "declared": {"policy.peak": [0.001, 5.0], "policy": ["cosine"], "unheard": ["of"]}}
    ]
    lines += [
        {"event": "planned", "declared": said} for said in ({"policy.peak": [20, 10**400, None]}, [1], {"a": "b"})
    ]
    (pool.folder / "progress.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert write_study(pool, path) == 6
    before = path.read_bytes()
    add(pool, "wide", 5.0)
    assert write_study(Pool.open(pool.folder), path) == 7
    assert path.read_bytes().startswith(before)
    operations = [json.loads(line)["op_code"] for line in path.read_bytes().splitlines()]
    assert operations.count(0) == 1, "the study is the one that was made first"
    found = trials(journal(path))
    kinds = {each.distributions["policy.peak"] for each in found.values() if "policy.peak" in each.params}
    assert {(kind.low, kind.high, kind.log) for kind in kinds} == {(0.001, 20, True)}
    assert found["wide"].params == {"policy.peak": 5.0, "policy": "constant"}


def test_a_member_that_is_gone_is_gone_from_it(tmp_path: Path) -> None:
    pool, path = collapsed_pool(tmp_path / "pool"), tmp_path / "study.log"
    write_study(pool, path)
    shutil.rmtree(pool.folder / "members" / "m3")
    assert write_study(Pool.open(pool.folder), path) == 5
    assert "m3" not in trials(journal(path))


def test_it_is_kept_beside_the_page_of_a_pool(tmp_path: Path) -> None:
    pool = collapsed_pool(tmp_path / "pool")
    evaluated(pool)
    lrensemble.report(pool.folder, tmp_path / "page.html")
    assert not (tmp_path / "study.log").exists(), "a folder of one's own"
    lrensemble.report(pool.folder)
    assert len(trials(journal(pool.folder / "study.log"))) == 6
    (pool.folder / "study.log").write_text("my notes")
    assert lrensemble.report(pool.folder).path.is_file(), "the page is good without it"
    assert (pool.folder / "study.log").read_text() == "my notes"


def test_what_ends_it_does_not_end_what_the_page_is_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pool = collapsed_pool(tmp_path / "pool")
    (pool.folder / "members" / "m3" / "member.json").write_text("{}")
    assert keep_beside(pool, tmp_path / "report.html") is None
    assert "no study of Optuna's beside" in caplog.text
    assert not (tmp_path / "study.log").exists()
