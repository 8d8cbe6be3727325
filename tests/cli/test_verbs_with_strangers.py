"""A pool and an ensemble of a stranger: no command runs their code or goes online unasked."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.conftest import Python
from tests.forked import run

from lrensemble.files import seal

THEIRS = """
import os

if "MARK" in os.environ:
    open(os.environ["MARK"], "a").write("ran ")


def make(shape, classes, *, width=8):
    import math

    import torch

    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(math.prod(shape), classes))


def halves(total, *, peak=0.1):
    return lambda step: peak * 0.5 ** (4 * step / total)
"""

EXPERIMENT = """
data = "digits"
model = "theirs_own:make"
policy = ["theirs_own:halves(peak=0.1)", "theirs_own:halves(peak=0.05)"]

[train]
epochs = 2

[select]
methods = ["best", "all"]
"""


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def lrensemble(forking: Path) -> Run:
    """A command, run in a folder."""

    def run_there(folder: Path, *arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
        return run(
            forking, arguments, folder, {**os.environ, "COLUMNS": "200", "MARK": str(folder / "mark")} | environment
        )

    return run_there


@pytest.fixture(scope="module")
def given_away(lrensemble: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool and an ensemble that somebody made with code of his own."""
    theirs = tmp_path_factory.mktemp("theirs")
    (theirs / "theirs_own.py").write_text(THEIRS, encoding="utf-8")
    (theirs / "e.toml").write_text(EXPERIMENT, encoding="utf-8")
    done = lrensemble(theirs, "run", "e.toml", "--out", "out")
    assert done.returncode == 0, done.stderr
    page = (theirs / "out/report.html").read_text(encoding="utf-8")
    assert "not used unasked" not in page, "whoever trained it has asked for it"
    done = lrensemble(theirs, "export", "out/pool", "-m", "all", "--trust-code", "--out", "ensemble")
    assert done.returncode == 0, done.stderr
    return theirs


@pytest.fixture
def mine(given_away: Path, tmp_path: Path) -> Path:
    """Where somebody else has unpacked them, with the code beside them."""
    for name in ("out/pool", "ensemble"):
        shutil.copytree(given_away / name, tmp_path / Path(name).name)
    shutil.copy(given_away / "theirs_own.py", tmp_path)
    (tmp_path / "pool" / "report.html").unlink(missing_ok=True)
    return tmp_path


def test_no_command_runs_the_code_of_a_stranger(lrensemble: Run, mine: Path) -> None:
    for command, status, said in (
        ("ls pool", 0, ""),
        ("select pool -m best", 0, ""),
        ("evaluate pool --json", 0, ""),
        ("report pool", 0, "the policy theirs_own:halves is not used unasked"),
        ("export pool --out e", 2, "pool names theirs_own:make: its code is not imported unasked"),
        ("export pool --variant student --out s", 2, "pool names theirs_own:make"),
        ("export pool --variant uniform-soup --out u", 2, "pool names theirs_own:make"),
        ("export pool --format onnx --out o.onnx", 2, "pool names theirs_own:make"),
        ("reproduce pool theirs_own:halves(peak=0.1)", 2, "pool names theirs_own:make"),
        ("predict ensemble pool/nothing.npz", 2, "ensemble names theirs_own:make: its code is not imported unasked"),
    ):
        done = lrensemble(mine, *command.split())
        assert not (mine / "mark").exists(), command
        assert done.returncode == status, done.stderr
        assert said in " ".join(done.stderr.split())
        assert ("--trust-code" in done.stderr) == bool(said)
    page = (mine / "pool" / "report.html").read_text(encoding="utf-8")
    assert "The latency of 2 members is not shown: the model theirs_own:make is not used unasked" in page
    assert "The rate between the ends of epochs of 2 members is not shown" in page


def test_trust_shows_it_all(lrensemble: Run, mine: Path) -> None:
    for command in (
        "evaluate pool",
        "report pool",
        "export pool --out e",
        "export pool --variant student --out s",
        "reproduce pool theirs_own:halves(peak=0.1)",
    ):
        done = lrensemble(mine, *command.split(), "--trust-code")
        assert done.returncode == 0, done.stderr
        assert "not used unasked" not in done.stderr
    assert "not used unasked" not in (mine / "pool" / "report.html").read_text(encoding="utf-8")
    assert (mine / "mark").exists()


class Hub(BaseHTTPRequestHandler):
    """Writes down what it is asked for, and has nothing."""

    asked: list[str]

    def do_GET(self) -> None:
        """Refuse."""
        self.asked.append(self.path)
        self.send_error(404)

    do_HEAD = do_POST = do_GET

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[tuple[str, list[str]]]:
    """The address of a server that stands in the place of a hub, and what it was asked."""
    asked: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Own", (Hub,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def forge(pool: Path, **parts: object) -> None:
    """Other parts in the recipes of all members, with checksums as they should be: whoever lies can compute them."""
    for path in (pool / "members").glob("*/member.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        record["recipe"] |= parts
        path.write_bytes(seal({key: value for key, value in record.items() if key != "checksum"}))


ANEW = """
import sys
outside = ("datasets", "huggingface_hub", "transformers")
for name in [name for name in sys.modules if name.partition(".")[0] in outside]:
    del sys.modules[name]  # the address of a hub is read when they are imported
"""
COMMAND = f"{ANEW}from lrensemble.cli import main\nmain()\n"


@pytest.mark.parametrize(
    "parts",
    [
        {"data": {"name": "hub", "repo": "a-stranger/images"}, "model": {"name": "mlp"}},
        {"model": {"name": "vit", "checkpoint": "a-stranger/vit"}},
    ],
    ids=["data", "model"],
)
def test_no_command_asks_a_hub_for_what_a_stranger_names(
    python: Python, mine: Path, hub: tuple[str, list[str]], parts: dict[str, object]
) -> None:
    address, asked = hub
    forge(mine / "pool", policy={"name": "cosine", "peak": 0.1}, **parts)
    online = {"HF_ENDPOINT": address, "HF_HOME": str(mine / "cache"), "HF_HUB_OFFLINE": "0", "HF_DATASETS_OFFLINE": "0"}
    for command in (
        "ls pool",
        "select pool -m best",
        "evaluate pool",
        "report pool",
        "export pool --out e",
        "export pool --variant student --out s",
    ):
        done = python("-c", COMMAND, *command.split(), folder=mine, **online)
        assert "Traceback" not in done.stderr
        assert asked == [], command
    pytest.importorskip("datasets")
    pytest.importorskip("transformers")
    script = """
from lrensemble.pool import Pool
from lrensemble.report.pictures import pictures
from lrensemble.report.sections.speed import speeds

pool = Pool.open("pool", trust_code=True)
pictures(pool.members(), None, [0], trust_code=True)
speeds(pool.members(), pool.task.target, trust_code=True)
"""
    done = python("-c", f"{ANEW}{script}", folder=mine, **online)
    assert done.returncode == 0, done.stderr
    assert any("a-stranger" in path for path in asked), "with trust, the very same is asked for"
