"""Places that nothing can be written to are refused before any work."""

import os
from pathlib import Path

import pytest
from tests.cli.command import Command

from lrensemble.errors import StorageError
from lrensemble.files import check_writable


@pytest.mark.parametrize(
    "arguments",
    [
        ("adopt", "PLACE", "--from", "x"),
        ("benchmark", "pool", "arc_easy", "--out", "PLACE"),
        ("collect", "x.npz", "--out", "PLACE"),
        ("combine", "pool", "x.npz", "--out", "PLACE"),
        ("export", "pool", "--compare", "--figure", "PLACE"),
        ("merge", "one", "other", "--out", "PLACE"),
        ("plot", "curves", "pool", "--out", "PLACE"),
        ("predict", "team", "x.npz", "--out", "PLACE"),
        ("pretrain", "--texts", "x.txt", "--out", "PLACE"),
        ("report", "pool", "--out", "PLACE"),
        ("report", "pool", "--figures", "PLACE"),
        ("run", "digits", "--out", "PLACE"),
        ("select", "pool", "--every-team", "PLACE"),
        ("study", "study.toml", "--out", "PLACE"),
        ("tune", "digits", "--out", "PLACE"),
    ],
    ids=" ".join,
)
def test_a_place_in_a_file_is_refused_first(command: Command, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "notes.txt").touch()
    place = tmp_path / "notes.txt" / "below" / "x.csv"
    status, out, err = command(*(place if each == "PLACE" else each for each in arguments))
    assert (status, out) == (2, "")
    assert err == f"lrensemble: cannot write {place}: {tmp_path / 'notes.txt'} is no folder\n"


def test_what_can_be_written_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    for path in (tmp_path, tmp_path / "there", tmp_path / "new", tmp_path / "new" / "below", Path(os.devnull)):
        check_writable(path)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.skipif(os.name == "nt", reason="other rights")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(StorageError, match="may not be written to"):
            check_writable(tmp_path / "new" / "below")
    finally:
        tmp_path.chmod(0o700)
