"""Stores of MLflow that are read, and stay as they are."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.adopt.given.digits import rows
from tests.adopt.given.mlflow import log
from tests.adopt.given.optuna import build

import lrensemble
from lrensemble.adopt.paths import copy_of_database
from lrensemble.errors import AdoptError


def database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("create table trials (number integer)")
        opened.execute("insert into trials values (7)")
        opened.commit()


def test_a_database_is_copied(tmp_path: Path) -> None:
    database(tmp_path / "of others.db")
    before = (tmp_path / "of others.db").read_bytes()
    (tmp_path / "own").mkdir()
    url = copy_of_database(f"sqlite:///{tmp_path}/of others.db", tmp_path / "own")
    assert url == f"sqlite:///{tmp_path}/own/copy.db"
    with closing(sqlite3.connect(tmp_path / "own/copy.db")) as opened:
        assert opened.execute("select number from trials").fetchall() == [(7,)]
        opened.execute("drop table trials")
    assert (tmp_path / "of others.db").read_bytes() == before
    assert copy_of_database("http://localhost:5000", tmp_path) == "http://localhost:5000"


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database" * 100)
    with pytest.raises(AdoptError, match=r"text.db cannot be read: file is not a database"):
        copy_of_database(f"sqlite:///{tmp_path}/text.db", tmp_path)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # MLflow's own, of its database
def test_a_database_of_another_tool_gets_no_tables(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    database(tmp_path / "other.db")
    before = (tmp_path / "other.db").read_bytes()
    with pytest.raises(AdoptError, match="has no experiment with runs"):
        lrensemble.adopt(tmp_path / "pool", f"mlflow:sqlite:///{tmp_path}/other.db", builder=build, data=rows())
    assert (tmp_path / "other.db").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    store = tmp_path / "ml runs"
    log(store.as_uri(), tmp_path)
    shutil.rmtree(store / ".trash")
    store.chmod(0o500)
    try:
        result = lrensemble.adopt(tmp_path / "pool", store, builder=build, data=rows(), std=16)
    finally:
        store.chmod(0o700)
    assert [member.name for member in result] == ["rate 0.1", "rate 0.3"]
    assert not (store / ".trash").exists()
