"""`lrensemble rm`: what it says, and what it means for teams."""

from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import Command

ROWS, CLASSES = 80, 4


@pytest.fixture
def pool(command: Command, tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    labels = generator.integers(CLASSES, size=ROWS)
    probs = generator.dirichlet(np.ones(CLASSES), size=(3, ROWS)) + np.eye(CLASSES)[labels]
    probs /= probs.sum(axis=-1, keepdims=True)
    arrays = {"probs": probs, "labels": labels, "test_probs": probs, "test_labels": labels}
    np.savez(tmp_path / "p.npz", **arrays, names=np.array(["a", "b", "c"]))  # type: ignore[arg-type]
    assert command("collect", tmp_path / "p.npz", "--out", tmp_path / "pool").status == 0
    return tmp_path / "pool"


def test_a_member_goes_and_its_teams_are_stale(command: Command, pool: Path) -> None:
    assert command("select", pool, "-m", "all").status == 0
    removed = command("rm", pool, "b")
    assert removed.status == 0, removed.err
    assert removed.out == ""
    assert "removed " in removed.err
    assert "(b)" in removed.err
    assert "stale: all was chosen among 3 members, and" in removed.err
    members = command("ls", pool, "--json").record
    assert isinstance(members, list)
    assert [member["name"] for member in members] == ["a", "c"]
    refused = command("evaluate", pool)
    assert refused.status == 2
    assert "choose again: lrensemble select" in refused.err
    assert command("select", pool, "-m", "all").status == 0
    assert command("evaluate", pool).status == 0


def test_one_record_for_programs(command: Command, pool: Path) -> None:
    members = command("ls", pool, "--json").record
    assert isinstance(members, list)
    first = members[0]["id"]
    command("select", pool, "-m", "best")
    done = command("rm", pool, first, "c", "--json").record
    assert isinstance(done, dict)
    assert done["removed"] == [first, members[2]["id"]]
    assert done["gone"] == []
    ((file, reason),) = done["stale"].items()
    assert Path(file).parent.name == "selections"
    assert "2 went" in reason
    again = command("rm", pool, first, "--json")
    assert again.status == 0
    assert isinstance(again.record, dict)
    assert again.record["gone"] == [first]


def test_an_unknown_member_is_one_line(command: Command, pool: Path) -> None:
    refused = command("rm", pool, "bb")
    assert refused.status == 2
    assert refused.err.count("\n") == 1
    assert "has no member 'bb'; did you mean 'b'?" in refused.err
