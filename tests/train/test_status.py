"""How a pool stands, seen from its folder: claims, states, processes and what was told."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lrensemble.config import Experiment
from lrensemble.files import seal
from lrensemble.files.holder import Holder
from lrensemble.pool import Pool
from lrensemble.pool.processes import joined, processes_in
from lrensemble.train import Epoch, tune
from lrensemble.train.pace import pace_of
from lrensemble.train.progress_lines import last_lines
from lrensemble.train.status import status

MakeExperiment = Callable[..., Experiment]

ELSEWHERE = Holder("0" * 8, 4711, 1)


def test_a_sweep_under_way_is_seen_from_outside(experiment: MakeExperiment, tmp_path: Path) -> None:
    events = tune(experiment(), tmp_path, save_steps=4, execution="one-by-one")
    for event in events:
        if isinstance(event, Epoch) and event.epoch == 1:
            break
    seen = status(Pool.open(tmp_path))
    (run,) = seen.under_way
    assert run.is_run
    assert run.name == "constant(peak=0.01)"
    assert run.claim.holder is not None
    assert run.claim.holder.process == os.getpid()
    assert not run.claim.is_stale
    assert run.claim.alive
    assert (run.epoch, run.epochs) == (1, 2)
    assert (run.saved_steps, run.saved_epochs) == (8, 1)
    assert run.since is not None
    assert seen.members == {}
    events.close()
    (left,) = status(Pool.open(tmp_path)).under_way
    assert (left.claim.holder, left.claim.is_stale, left.saved_steps) == (None, False, 8)
    list(tune(experiment(policy=["constant(peak=0.01)"]), tmp_path, execution="one-by-one"))
    done = status(Pool.open(tmp_path))
    assert (done.members, done.under_way, done.processes) == ({"finished": 1}, (), ())


def test_each_member_of_a_group_has_the_progress_of_its_group(experiment: MakeExperiment, tmp_path: Path) -> None:
    events = tune(experiment(model="mlp(width=7)"), tmp_path, save_steps=4, execution="fused")
    for event in events:
        if isinstance(event, Epoch):
            break
    seen = status(Pool.open(tmp_path)).under_way
    assert [each.saved_steps for each in seen] == [8] * 3, "the group itself is no run"
    events.close()


def test_a_holder_that_was_silent_for_too_long_is_stale(experiment: MakeExperiment, tmp_path: Path) -> None:
    list(tune(experiment(policy=["constant(peak=0.01)"]), tmp_path))
    for name, age in (("0123456789ab", 50), ("ba9876543210", 30), ("search", 50)):
        folder = tmp_path / "unfinished" / name / f"{ELSEWHERE}-0123abcd.40s.gpu-3"
        folder.mkdir(parents=True)
        now = folder.stat().st_mtime
        os.utime(folder, (now - age, now - age))
    found = {each.claim.name: each for each in status(Pool.open(tmp_path)).under_way}
    assert {name: each.claim.is_stale for name, each in found.items()} == {
        "0123456789ab": True,
        "ba9876543210": False,
        "search": True,
    }
    assert str(found["search"].claim.holder) == "process 4711 on gpu-3"
    assert not found["search"].is_run
    assert found["0123456789ab"].claim.alive is None
    assert 50 <= found["0123456789ab"].claim.silent < 60


def line(second: int, event: str, process: int = 1, **more: Any) -> dict[str, Any]:
    time = datetime(2026, 11, 27, 12, 0, second, tzinfo=UTC).isoformat()
    return {"time": time, "host": "here", "process": process, "event": event, **more}


def test_the_pace_is_that_of_all_since_those_at_work_began(tmp_path: Path) -> None:
    """Two processes, of which one is heard of; by hand: three quarters and a half of a run in 60 s, one ended."""
    lines = [
        line(0, "planned", 2, runs=9, all=9),
        line(0, "ended", 2, run="long ago"),
        line(10, "planned", runs=4, all=4),
        line(10, "began", run="a"),
        line(20, "epoch", 2, run="b", epoch=2, epochs=4),  # half of it was done before
        line(25, "epoch", run="a", epoch=1, epochs=4),
        line(30, "epoch", run="a", epoch=3, epochs=4),
        line(40, "ended", 2, run="b"),
        line(50, "ended", 2, run="c"),
        {"time": "no time", "host": "here", "process": 1, "event": "ended", "run": "d"},
        {"event": "epoch"},
    ]
    with joined(tmp_path):
        (own,) = (tmp_path / "processes").iterdir()
        other = own.with_name(f"{ELSEWHERE}.json")
        content = json.loads(own.read_bytes()) | {"host": "here", "process": 1}
        other.write_bytes(seal({key: value for key, value in content.items() if key not in ("format", "checksum")}))
        working = processes_in(tmp_path)
        pace = pace_of(lines, working, done=2, under_way=0.75, now=datetime(2026, 11, 27, 12, 1, 10, tzinfo=UTC))
    assert (pace.runs, pace.left) == (4, 1.25)
    assert pace.per_hour == pytest.approx((0.75 + 0.75 + 1) * 60)
    assert pace.seconds_left == pytest.approx(1.25 / 2.5 * 60)
    nobody = pace_of(lines, [], done=2, under_way=0.0)
    assert (nobody.runs, nobody.left, nobody.per_hour, nobody.seconds_left) == (None, None, None, None)


def test_what_was_told_last_is_read_whatever_else_lies_there(experiment: MakeExperiment, tmp_path: Path) -> None:
    list(tune(experiment(policy=["constant(peak=0.01)"], train={"epochs": 1}), tmp_path))
    pool = Pool.open(tmp_path)
    whole = last_lines(pool)
    assert [each["event"] for each in whole] == ["planned", "began", "epoch", "ended"]
    assert whole[0]["all"] == 1
    with (tmp_path / "progress.jsonl").open("ab") as file:
        file.write(b'\xff\n[1]\n{"half": ')
    assert last_lines(pool) == whole
    size = (tmp_path / "progress.jsonl").stat().st_size
    assert last_lines(pool, size=size - 10) == whole[1:]
    (tmp_path / "progress.jsonl").unlink()
    assert last_lines(pool) == []
