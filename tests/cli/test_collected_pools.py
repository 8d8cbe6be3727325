"""`lrensemble collect` of any form, and how `lrensemble ls` shows what was collected."""

from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import Command

MEMBERS, VAL, TEST = 3, 20, 9
GENERATOR = np.random.default_rng(1)
TRUTH, TEST_TRUTH = GENERATOR.normal(size=(VAL, 2)), GENERATOR.normal(size=(TEST, 2))
VALUES, TEST_VALUES = (truth + GENERATOR.normal(size=(MEMBERS, len(truth), 2)) for truth in (TRUTH, TEST_TRUTH))


def printed(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Values of three members on rows to choose on, and on a further test set."""
    np.savez(tmp_path / "a.npz", values=VALUES, truth=TRUTH)
    np.savez(tmp_path / "v2.npz", values=TEST_VALUES, truth=TEST_TRUTH)
    return tmp_path / "a.npz", tmp_path / "v2.npz"


def test_a_test_set_in_a_file_of_its_own(command: Command, files: tuple[Path, Path], tmp_path: Path) -> None:
    done = command("collect", files[0], "--test", f"v2={files[1]}", "--out", tmp_path / "pool", "--json")
    assert isinstance(done.record, dict)
    assert done.record["rows"] == {"val": VAL, "test:v2": TEST}
    for given in (str(files[1]), "v2=", "=v2.npz"):
        refused = command("collect", files[0], "--test", given, "--out", tmp_path / "other")
        assert refused.status == 2
        assert f"--test {given} is refused; give NAME=FILE, such as v2=predictions-v2.npz" in printed(refused.err)


def test_ls_shows_outputs_and_their_errors(command: Command, files: tuple[Path, Path], tmp_path: Path) -> None:
    command("collect", files[0], "--out", tmp_path / "pool")
    shown = printed(command("ls", tmp_path / "pool").out)
    assert f"pool: {MEMBERS} members, 2 outputs, {VAL} val rows" in shown
    errors = np.sqrt(((VALUES[0] - TRUTH) ** 2).mean(axis=0)).mean()
    assert f"a-0 values {errors:.4f}" in shown
    assert "rmse mse" in shown
    assert "class" not in shown


def test_ls_shows_what_each_member_says(command: Command, tmp_path: Path) -> None:
    labels = np.arange(VAL) % 4
    np.savez(tmp_path / "a.npz", top1=np.stack([labels, (labels + 1) % 4]), labels=labels)
    np.savez(tmp_path / "b.npz", likelihood=np.full((1, VAL), -0.5), labels=labels, classes=[*"abcd"])
    command("collect", tmp_path / "b.npz", "--out", tmp_path / "pool")
    assert command("collect", tmp_path / "a.npz", "--form", "labels", "--out", tmp_path / "pool").status == 0
    shown = printed(command("ls", tmp_path / "pool").out)
    assert f"3 members, 4 classes, {VAL} val rows" in shown
    assert "b-0 likelihood – 0.5000" in shown
    assert "a-0 labels 100.00 –" in shown
    assert "a-1 labels 0.00 –" in shown
