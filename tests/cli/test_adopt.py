"""`lrensemble adopt`, and every other verb on a pool with members that were adopted."""

from pathlib import Path

import numpy as np
import pytest
from tests.adopt.linear import LOGITS, X, network, probs, rows, saved
from tests.cli.command import Command
from tests.conftest import Python

import lrensemble
from lrensemble.export import Ensemble
from lrensemble.pool import Pool

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'lrensemble[onnx]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lrensemble[onnx]'")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Graphs in a folder whose name has a space, and the rows in a file."""
    many = {name: np.repeat(each, 4, axis=0) for name, each in rows().items()}
    x_val, y_val, x_test, y_test = many.values()
    np.savez(tmp_path / "rows.npz", x_val=x_val, y_val=y_val, x_test=x_test, y_test=y_test)
    for place in range(3):
        saved(tmp_path / "my models" / f"{place}.onnx", scale=0.5 + place / 2)
    return tmp_path / "my models"


@pytest.fixture
def pool(models: Path, command: Command, tmp_path: Path) -> Path:
    adopted = command("adopt", tmp_path / "pool", "--from", models / "*.onnx", "--data", tmp_path / "rows.npz")
    assert adopted.status == 0, adopted.err
    assert "0 were there already" in adopted.err
    return tmp_path / "pool"


def test_adopt_says_what_came(models: Path, pool: Path, command: Command, tmp_path: Path) -> None:
    again = command(
        "adopt", pool, "--from", f"onnx:{models / '0.onnx'}", "--data", tmp_path / "rows.npz", "--std", "2,2", "--json"
    ).record
    assert isinstance(again, dict)
    assert (len(again["added"]), again["skipped"]) == (1, [])
    listed = command("ls", pool)
    assert listed.status == 0
    assert len(Pool.open(pool)) == 4
    assert [member.name for member in Pool.open(pool)][1:3] == ["1", "2"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "x.xyz"), "x.xyz is of no tool that is known"),
        (("--from", "{}", "--std", "a"), "--std a is refused; give one number"),
        (("--from", "{}", "--std", "0"), "std = 0 is refused; give one number, above 0"),
        (("--from", "{}", "--option", "3=4"), "--option 3=4 is refused; give NAME=VALUE"),
        (("--from", "{}", "--option", "port=4"), "adopter 'onnx' has no option 'port'"),
        (
            ("--from", "{}", "--mean", "1,2,3"),
            "mean = 1, 2, 3 is refused; give one number, or one for each of 2",
        ),
    ],
)
def test_mistakes_are_one_line(
    models: Path, command: Command, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    given = [each.format(models / "0.onnx") for each in options]
    outcome = command("adopt", tmp_path / "other", *given, "--data", tmp_path / "rows.npz")
    assert outcome.status == 2
    assert message in " ".join(outcome.err.split())


def test_show_has_facts_network_and_inputs(models: Path, pool: Path, tmp_path: Path, command: Command) -> None:
    facts = {"optimizer": {"lr": 0.25}}
    data = tmp_path / "rows.npz"
    lrensemble.adopt(pool, models / "0.onnx", name="told", data=data, facts=facts, mean=[1, 2], std=4)
    shown = command("show", pool, "told")
    assert shown.status == 0, shown.err
    for words in ("optimizer.lr", "0.25", "network.onnx", "probs", "2 float64", "inputs.mean", "1, 2", "0.onnx"):
        assert words in shown.out, words


def test_every_verb_takes_the_pool(pool: Path, command: Command, tmp_path: Path) -> None:
    for arguments in (
        ("select", pool, "-m", "all"),
        ("evaluate", pool),
        ("report", pool, "--out", tmp_path / "report.html"),
        ("rename", pool, "0", "zero"),
        ("merge", pool, "--out", tmp_path / "merged"),
        ("ls", tmp_path / "merged"),
        ("export", pool, "-m", "all", "--out", tmp_path / "bundle"),
        ("export", pool, "-m", "all", "--format", "team", "--out", tmp_path / "team.json"),
        ("rm", tmp_path / "merged", "zero"),
    ):
        done = command(*arguments)
        assert done.status == 0, (arguments, done.err)
    np.save(tmp_path / "x.npy", X)
    predicted = command("predict", tmp_path / "bundle", tmp_path / "x.npy", "--out", tmp_path / "out.csv")
    assert predicted.status == 0, predicted.err
    expected = np.mean([probs(scale * LOGITS) for scale in (0.5, 1.0, 1.5)], axis=0)
    np.testing.assert_allclose(Ensemble.load(tmp_path / "bundle").predict_proba(X), expected, rtol=1e-5)
    assert [member.name for member in Pool.open(tmp_path / "merged")] == ["1", "2"]
    again = command("reproduce", pool, "zero")
    assert again.status == 2
    assert "was trained elsewhere: it has no recipe to train again" in " ".join(again.err.split())


def test_slim_drops_networks_that_nobody_needs(pool: Path, command: Command, tmp_path: Path) -> None:
    assert command("select", pool, "-m", "best").status == 0
    done = command("slim", pool, "--best", "1", "--json").record
    assert isinstance(done, dict)
    assert len(done["members"]) == 2
    assert done["freed"] > 0
    assert len(list(pool.glob("members/*/network.onnx"))) == 1
    assert command("ls", pool).status == 0
    assert command("select", pool, "-m", "all").status == 0
    refused = command("export", pool, "-m", "all", "--out", tmp_path / "bundle")
    assert refused.status == 2
    assert "has predictions only, and an ensemble needs the networks" in " ".join(refused.err.split())


def test_a_builder_from_elsewhere_is_not_imported(pool: Path, tmp_path: Path, python: Python) -> None:
    """A pool, and a bundle, name `package.module:function`; another process has not asked for it."""
    data = tmp_path / "rows.npz"
    lrensemble.adopt(pool, network(), name="net", builder="tests.adopt.linear:build", data=data)
    opened = Pool.open(pool, trust_code=True)
    lrensemble.select(opened, "all")
    lrensemble.export(opened, tmp_path / "bundle", method="all")
    np.save(tmp_path / "x.npy", X)
    for arguments in (
        ("export", pool, "-m", "all", "--out", tmp_path / "second"),
        ("predict", tmp_path / "bundle", tmp_path / "x.npy", "--out", tmp_path / "out.csv"),
    ):
        command = ("-W", "ignore", "-m", "lrensemble", *arguments)
        refused = python(*command)
        assert refused.returncode == 2, refused.stderr
        assert "names tests.adopt.linear:build: its code is not imported unasked" in " ".join(refused.stderr.split())
        trusted = python(*command, "--trust-code")
        assert trusted.returncode == 0, trusted.stderr
