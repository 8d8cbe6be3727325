"""Paths that name nothing: empty ones are refused before anything is read or written, and so is a file called `.`."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.command import Command

import lrensemble


@pytest.fixture
def predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("predictions.npz").touch()
    return Path("predictions.npz")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("collect", "predictions.npz", "--out", ""), "--out"),
        (("collect", "", "--out", "pool"), "FILES"),
        (("select", ""), "POOL"),
        (("predict", "ensemble", "predictions.npz", "--out", ""), "--out"),
    ],
)
def test_an_empty_path_is_not_this_folder(
    command: Command, predictions: Path, arguments: tuple[str, ...], name: str
) -> None:
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert err == f"lrensemble: {name} is an empty path; name a file or a folder, or . for this one\n"
    assert list(predictions.absolute().parent.iterdir()) == [predictions.absolute()]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the current folder")
def test_a_current_folder_that_is_gone(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    status, out, err = command("ls", tmp_path)
    assert (status, out) == (2, "")
    assert err == "lrensemble: the current folder has been removed; go to one that is there, and ask again\n"


def test_a_file_that_is_called_as_this_folder_is_refused(predictions: Path) -> None:
    probs = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 12))
    np.savez(predictions, probs=probs, labels=np.arange(12) % 3, test_probs=probs, test_labels=np.arange(12) % 3)
    lrensemble.collect(predictions, "pool")
    lrensemble.select("pool", "all")
    for out in (".", ".."):
        with pytest.raises(lrensemble.LREnsembleError, match=r"cannot write to \.+, which is a folder that is there"):
            lrensemble.evaluate("pool", out=out)


def test_one_foreign_set_is_a_name_and_not_letters(predictions: Path) -> None:
    probs = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 40))
    labels = np.arange(40) % 3
    given: dict[str, Any] = {
        f"{split}{key}": each
        for split in ("", "test_", "test_other_")
        for key, each in {"probs": probs, "labels": labels}.items()
    }
    np.savez(predictions, **given)
    lrensemble.collect(predictions, "pool")
    lrensemble.select("pool", "all")
    found = lrensemble.evaluate("pool", foreign="other").uncertainty
    assert found is not None
    assert list(found.foreign) == ["test:other"]
