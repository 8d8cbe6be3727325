"""Where MLflow keeps runs: a folder, a database or a server, opened so that nothing in it changes."""

from __future__ import annotations

import logging
import os
import re
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lrensemble.adopt.paths import copy_of_database, require_database
from lrensemble.errors import AdoptError
from lrensemble.files import scratch_folder
from lrensemble.networks import library

ALLOWED = "MLFLOW_ALLOW_FILE_STORE"
"""Variable of the environment without which newer versions of MLflow refuse to read its own folders."""

TRASH = ".trash"
"""Folder of experiments that were deleted."""

SERVERS = ("http", "https", "databricks")
"""Beginnings of URLs of tracking servers: whoever names one goes online himself."""


def is_store(path: Path) -> bool:
    """Whether a folder is one in which MLflow keeps runs."""
    return any((path / name / "meta.yaml").is_file() for name in ("0", *_names(path)))


def _names(path: Path) -> list[str]:
    return [name for name in os.listdir(path) if name.isdigit()] if path.is_dir() else []


@contextmanager
def opened(uri: str) -> Iterator[Any]:
    """MLflow's client of a store.

    Raises:
        AdoptError: it cannot be read.
        MissingExtraError: MLflow is not installed.
    """
    tracking = library("mlflow.tracking", "mlflow", "a store of MLflow")
    before, level = os.environ.get(ALLOWED), logging.getLogger("mlflow").level
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    os.environ.setdefault(ALLOWED, "true")
    try:
        with warnings.catch_warnings(), scratch_folder() as folder:
            warnings.simplefilter("ignore", Warning)  # MLflow's own, of the libraries that it uses
            place = _unchanging(uri, folder)
            try:
                client = tracking.MlflowClient(tracking_uri=place)
            except Exception as error:  # whatever a server or a database raises
                raise unreadable(uri, error) from None
            yield client
    finally:
        logging.getLogger("mlflow").setLevel(level)
        if before is None:
            os.environ.pop(ALLOWED, None)


def _unchanging(uri: str, folder: Path) -> str:
    """URI by which a store is read and stays as it is.

    MLflow brings a database of an older version, or of another tool, to its own tables when it opens it, and gives a
    folder a trash where it has none.

    Args:
        uri: of the store.
        folder: one of one's own, for a copy of a database, or links to the experiments of a folder.

    Raises:
        AdoptError: a database that cannot be read.
    """
    if not uri.startswith("file:"):
        return copy_of_database(uri, folder)
    root, links = path_of(uri), folder / "runs"
    if (root / TRASH).is_dir():
        return uri
    links.mkdir()
    try:
        for each in root.iterdir():
            (links / each.name).symlink_to(each)
    except OSError:  # a system without links
        return uri
    return links.as_uri()


def uri_of(given: str) -> str:
    """URI of a store, which is there: opening one that is not would make it.

    Raises:
        AdoptError: there is none.
    """
    require_database(given)
    is_folder = given.startswith("file:") or ("://" not in given and not given.startswith(SERVERS))
    if not is_folder:
        return given
    path = path_of(given)
    if not is_store(path):
        raise AdoptError(
            f"{path} is no folder of MLflow's; give mlruns, sqlite:///mlflow.db or http://…, and the experiment's name "
            "by experiment=NAME"
        )
    return path.resolve().as_uri()


def path_of(uri: str) -> Path:
    """Path of a file URI, or of a path."""
    if not uri.startswith("file:"):
        return Path(uri)
    return Path(urllib.request.url2pathname(re.sub("^file:(//(?=/))?", "", uri)))


def unreadable(uri: str, error: Exception) -> AdoptError:
    """Error of a store, with what MLflow says of it."""
    return AdoptError(f"{uri} cannot be read by MLflow: {' '.join(str(error).split())[:200] or type(error).__name__}")
