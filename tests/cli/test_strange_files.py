"""Every verb on a pool into whose folders others have put their things: the same answers, and nothing of it touched."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import Command

ROWS, CLASSES = 80, 4
FILES = ("Thumbs.db", ".DS_Store", "desktop.ini", "notes (copy).json", "._x.json", "conflict 2026-11-27.json")
FOLDERS = ("lost+found", "@eaDir", "New Folder.json", "$RECYCLE.BIN")


@pytest.fixture
def pool(command: Command, tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    labels = generator.integers(CLASSES, size=ROWS)
    probs = generator.dirichlet(np.ones(CLASSES), size=(3, ROWS)) + np.eye(CLASSES)[labels]
    probs /= probs.sum(axis=-1, keepdims=True)
    arrays = {"probs": probs, "labels": labels, "test_probs": probs, "test_labels": labels}
    np.savez(tmp_path / "p.npz", **arrays, names=np.array(["a", "b", "c"]))  # type: ignore[arg-type]
    assert command("collect", tmp_path / "p.npz", "--out", tmp_path / "pool").status == 0
    assert command("select", tmp_path / "pool", "-m", "greedy(size=3, bootstrap=2)").status == 0
    assert command("evaluate", tmp_path / "pool").status == 0
    for name in ("unfinished", "failed", "range-tests"):
        (tmp_path / "pool" / name).mkdir(exist_ok=True)
    return tmp_path / "pool"


def test_all_verbs_pass_over_what_is_not_theirs(
    command: Command, pool: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    listed = command("ls", pool, "--json").record
    judged = command("evaluate", pool, "--json").record
    assert isinstance(judged, dict)
    strange = set()
    for folder in [pool, *(path for path in pool.rglob("*") if path.is_dir())]:
        for name in FILES:
            (folder / name).write_bytes(b"not ours")
        for name in FOLDERS:
            (folder / name).mkdir()
            (folder / name / "in it").write_bytes(b"not ours")
        strange |= {folder / name for name in (*FILES, *FOLDERS)}
    (first, *_) = (path for path in (pool / "members").iterdir() if (path / "member.json").exists())
    shutil.copytree(first, pool / "members" / f"{first.name} (copy)")

    again = command("ls", pool, "--json")
    assert again.record == listed
    (said,) = caplog.messages
    assert said.startswith(f"{pool / 'members'} also holds $RECYCLE.BIN, .DS_Store")
    assert said.endswith("none of the pool's own; passed over")
    verbs = [
        ("select", pool, "-m", "greedy(size=3, bootstrap=2)"),
        ("collect", tmp_path / "p.npz", "--out", pool),
        ("report", pool, "--out", tmp_path / "page.html"),
        ("rm", pool, "0" * 12),
    ]
    for verb in verbs:
        done = command(*verb)
        assert done.status == 0, done.err
    assert not [said for said in caplog.messages if "remove" in said]
    now = command("evaluate", pool, "--json").record
    assert isinstance(now, dict)
    for key in ("members", "teams", "verdict", "references"):
        left = [{**value, "text": ""} if key == "verdict" else value for value in (judged[key], now[key])]
        assert left[0] == left[1], key
    assert all(path.exists() for path in strange)
    assert (pool / "members" / f"{first.name} (copy)" / "member.json").exists()
