"""Processes that adopt: killed in between, and several at once."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.adopt.linear import rows, saved
from tests.forked import ForkedProcess

import lrensemble
from lrensemble.pool import Pool

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'lrensemble[onnx]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lrensemble[onnx]'")

ADOPT = """
import os, sys
import lrensemble
from tests.adopt.linear import rows
print("ready", flush=True)
sys.stdin.readline()
if len(sys.argv) > 3:
    left = [int(sys.argv[3])]
    def die(event, arguments):
        if event == "os.rename" and os.sep + "members" in str(arguments[1]):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), 9)
    sys.addaudithook(die)
lrensemble.adopt(sys.argv[1], sys.argv[2], data=rows())
"""


def start(forking: Path, *arguments: object) -> ForkedProcess:
    begun = ForkedProcess(forking, ["-W", "ignore", "-c", ADOPT, *arguments])
    assert begun.stdout.readline() == "ready\n"
    return begun


def finish(begun: Sequence[ForkedProcess]) -> list[int | None]:
    for each in begun:
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in begun:
        with each:
            each.communicate(timeout=240)
    return [each.returncode for each in begun]


def test_killed_in_between_and_again(tmp_path: Path, forking: Path) -> None:
    for place in range(4):
        saved(tmp_path / "runs" / f"{place}.onnx", scale=1 + place)
    models = tmp_path / "runs" / "*.onnx"
    assert finish([start(forking, tmp_path / "pool", models, 3)]) == [-9]
    assert len(Pool.open(tmp_path / "pool")) == 2
    result = lrensemble.adopt(tmp_path / "pool", models, data=rows())
    assert [member.new for member in result] == [False, False, True, True]
    assert [member.name for member in result.pool] == ["0", "1", "2", "3"]
    assert list((tmp_path / "pool" / "unfinished").glob("*")) == []


def test_several_processes_at_once(tmp_path: Path, forking: Path) -> None:
    for process in range(2):
        for place in range(3):
            saved(tmp_path / f"runs-{process}" / f"{process}-{place}.onnx", scale=1 + place + 3 * process)
    begun = [start(forking, tmp_path / "pool", tmp_path / f"runs-{process}" / "*.onnx") for process in range(2)]
    assert finish(begun) == [0, 0]
    members = Pool.open(tmp_path / "pool").members()
    assert [member.order for member in members] == list(range(6))
    assert len({member.name.partition("-")[0] for member in members[:3]}) == 1, "in one piece"
