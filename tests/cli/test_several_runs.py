"""Several `lrensemble run` in one folder: one chooses and judges, and all say the same."""

import json
import os
import re
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import Command
from tests.cli.toy_experiment import FOUR_RUNS
from tests.forked import ForkedProcess

from lrensemble.files.holder import Holder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks")

TOML = (
    FOUR_RUNS
    + """[select]
methods = ["all", "greedy(size=2, bootstrap=0)"]
"""
)

RUN = ["run", "toy.toml", "--out", "the out", "--execution", "one-by-one"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    labels = np.arange(120) % 3
    inputs = np.random.default_rng(0).normal(size=(120, 5)) + 1.5 * np.eye(3, 5)[labels]
    np.savez(tmp_path / "toy.npz", x=inputs.astype(np.float32), y=labels)
    (tmp_path / "toy.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_judges_and_all_say_the_same(forking: Path, folder: Path) -> None:
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                ForkedProcess(forking, ["-m", "lrensemble", *RUN, "--json"], errors=True, folder=folder)
            )
            for _ in range(3)
        ]
        ended = [process.communicate(timeout=300) for process in processes]
        assert [process.returncode for process in processes] == [0] * 3, ended
    results = [json.loads(out) for out, _ in ended]
    assert results[0] == results[1] == results[2]
    assert results[0]["looks"] == 1
    assert len(list((folder / "the out" / "pool" / "looks").iterdir())) == 1, "test rows were looked at once"
    chosen = [path.stat().st_mtime_ns for path in (folder / "the out" / "pool" / "selections").iterdir()]
    assert max(chosen) < (folder / "the out" / "result.json").stat().st_mtime_ns, "and no team was chosen after that"
    trained = [err.split("members in ")[1] for _, err in ended]
    assert sum(int(line.split(": ")[1].split(" trained")[0]) for line in trained if " trained" in line) == 4
    assert sorted(path.name for path in (folder / "the out" / "pool").iterdir()) == [
        "labels.safetensors",
        "looks",
        "members",
        "pool.json",
        "progress.jsonl",
        "selections",
        "unfinished",
    ]


def test_shards_leave_the_verdict_to_the_last(command: Command, folder: Path) -> None:
    status, _, err = command(*RUN, "--shard", "1/2")
    assert status == 0
    assert re.search(r"shard 1/2 is done; (1 run|\d+ runs) of other shards to go", err)
    assert "the last shard to end chooses teams and judges them" in err
    assert not (folder / "the out" / "result.json").exists()
    status, out, err = command(*RUN, "--shard", "2/2", "--json")
    assert status == 0
    assert "shard 2/2 is done, and so are all others" in err
    assert len(json.loads(out)["members"]) == 4
    status, _, err = command(*RUN, "--shard", "3/2")
    assert (status, err) == (2, "lrensemble: shard '3/2' is refused; of 2 there are 1/2 to 2/2\n")


def test_status_says_who_is_at_work(command: Command, folder: Path) -> None:
    command("tune", "toy.toml", "--out", "pool")
    status, out, _ = command("status", "pool")
    assert (status, out) == (0, "pool: 4 members (4 finished); 0 runs under way; 0 processes at work\n")
    left = folder / "pool" / "unfinished" / "0123456789ab" / f"{Holder('0' * 8, 4711, 1)}-0123abcd.40s.gpu-3"
    left.mkdir(parents=True)
    os.utime(left, (1e9, 1e9))
    (folder / "pool" / "unfinished" / "ba9876543210" / "free-01234567").mkdir(parents=True)
    status, out, _ = command("status", "pool")
    assert status == 0
    assert "process 4711 on gpu-3 has 0123456789ab and is silent" in out
    assert "the next process that asks takes it over" in " ".join(out.split())
    assert "nobody" in out
    record = command("status", "pool", "--json").record
    assert isinstance(record, dict)
    assert [(each["id"], each["process"], each["stale"]) for each in record["under_way"]] == [
        ("0123456789ab", 4711, True),
        ("ba9876543210", None, False),
    ]
    assert command("status", "nowhere").status == 2
