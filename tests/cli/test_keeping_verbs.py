"""`show`, `rename`, `slim`, `merge` and `plot`: what they print."""

from pathlib import Path

import pytest
from tests.cli.command import Command

import lrensemble


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "pool"
    experiment = {"data": "digits", "model": "mlp(width=4)", "policy": ["constant(peak=[0.05, 0.1, 0.2])"]}
    lrensemble.select(lrensemble.tune(experiment, folder, epochs=2), "best")
    return folder


@pytest.fixture
def pool(trained: Path, command: Command, tmp_path: Path) -> Path:
    """A copy, which is what merging one pool makes, with its team."""
    assert command("merge", trained, "--out", tmp_path / "pool").status == 0
    assert command("select", tmp_path / "pool", "-m", "best").status == 0
    return tmp_path / "pool"


def test_all_of_one_member(command: Command, pool: Path) -> None:
    shown = command("show", pool, "constant(peak=0.05)")
    assert shown.status == 0, shown.err
    for word in ("train.epochs", "constant(peak=0.05)", "val_accuracy", "predictions.safetensors", "teams"):
        assert word in "".join(shown.out.split())  # a long path is folded
    record = command("show", pool, "constant(peak=0.05)", "--json").record
    assert isinstance(record, dict)
    assert record["name"] == "constant(peak=0.05)"
    assert command("show", pool, "constant(peak=0.05)", "--format", "csv").out.startswith("table,")
    assert command("show", pool, "constant(peak=5)").status == 2


def test_another_name(command: Command, pool: Path) -> None:
    renamed = command("rename", pool, "constant(peak=0.05)", "slow", "--json").record
    assert isinstance(renamed, dict)
    assert renamed["name"] == "slow"
    assert command("show", pool, "slow").status == 0


def test_weights_that_nobody_needs_go(command: Command, pool: Path) -> None:
    done = command("slim", pool, "--best", 1, "--json").record
    assert isinstance(done, dict)
    assert len(done["members"]) == 2
    assert done["freed"] > 0
    again = command("slim", pool, "--best", 1)
    assert "the weights of 0 members are gone" in again.err
    assert command("export", pool, "--method", "best").status == 0


def test_pools_become_one(command: Command, pool: Path, tmp_path: Path) -> None:
    done = command("merge", pool, pool, "--out", tmp_path / "all", "--json").record
    assert isinstance(done, dict)
    assert len(done["added"]) == 3
    assert "3 were there already" in command("merge", pool, "--out", tmp_path / "all").err


def test_figures(command: Command, pool: Path, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    drawn = command("plot", "policies", "digits", "--out", tmp_path / "p.html", "--json")
    assert drawn.record == {"file": str(tmp_path / "p.html")}
    assert "one_cycle(peak=0.1)" in (tmp_path / "p.html").read_text(encoding="utf-8")
    assert command("plot", "curves", pool, "--out", tmp_path / "c.html").status == 0
    assert command("plot", "price", pool, "--out", tmp_path / "r.html").status == 2, "nothing is evaluated for a figure"
    refused = command("plot", "curves", pool, "--out", tmp_path / "c.jpg")
    assert (refused.status, "no figures as '.jpg'" in refused.err) == (2, True)
    refused = command("plot", "history", pool)
    assert (refused.status, "is not of a pool" in refused.err) == (2, True)


def test_figures_of_a_pool_whose_teams_are_all_stale(command: Command, pool: Path, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    member = sorted((pool / "members").iterdir())[0].name
    assert command("rm", pool, member).status == 0
    assert command("plot", "curves", pool, "--out", tmp_path / "c.html").status == 0
    refused = command("plot", "price", pool, "--out", tmp_path / "r.html")
    assert (refused.status, "choose again: lrensemble select" in refused.err) == (2, True)
