"""What is shown of a pool that comes, is written, is evaluated and goes; the truth of test is not read before."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.forked import ForkedProcess
from tests.report.pages import HOSTILE, collapsed_pool, evaluated

from lrensemble.errors import PoolError
from lrensemble.evaluate import choose, evaluate, load, save, write_result
from lrensemble.pool import Failure, MemberRecord, Pool
from lrensemble.report.live.state import State, changed
from lrensemble.report.live.watched import Content, Watched

AT_WORK = """
import sys
from pathlib import Path
from lrensemble.pool.processes import joined
with joined(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.read()
"""


def looked(watched: Watched) -> Content:
    """What is shown when all is made."""
    return list(watched.look())[-1]


def titles(watched: Watched) -> list[str]:
    return [section.title for section in looked(watched).sections]


def text(watched: Watched) -> str:
    return "\n".join(html for _, html in looked(watched).parts())


def with_other_test_truth(pool: Pool) -> None:
    """Have the file hold another truth of test, which whoever opens it refuses."""
    truth = np.ascontiguousarray(pool.truth("test")).tobytes()
    path = pool.folder / "labels.safetensors"
    content = path.read_bytes()
    assert content.count(truth) == 1
    path.write_bytes(content.replace(truth, bytes(len(truth))))
    with pytest.raises(PoolError, match="its test labels are not those"):
        pool.truth("test")


def test_the_truth_of_test_is_not_opened(tmp_path: Path) -> None:
    pool = collapsed_pool(tmp_path / "pool")
    save(pool, choose(pool, "greedy(size=3, bootstrap=2)", metric="accuracy"))
    with_other_test_truth(pool)
    watched = Watched(pool.folder, "pool")
    found = titles(watched)
    assert found[0] == "hand: not evaluated yet"
    assert {"The best team so far", "Members", "Diversity and size"} <= set(found)
    assert "Teams" not in found
    (team,) = [section for section in looked(watched).sections if section.title == "The best team so far"]
    assert [row[0] for row in team.tables[0].rows] == ["best single model", "team"]
    assert team.tables[1].rows


def test_a_pool_comes_grows_goes_and_comes_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "pool", "a/pool")
    assert titles(watched) == ["a/pool: no pool yet"]
    pool = collapsed_pool(tmp_path / "pool")
    assert titles(watched)[0] == "hand: not evaluated yet"
    pool.record_failure(Failure(id="f1", name="shaky", traceback=f"Traceback\nValueError: {HOSTILE}"))
    whole = text(watched)
    assert "shaky failed: ValueError" in whole
    assert HOSTILE not in whole
    shutil.rmtree(tmp_path / "pool")
    gone = looked(watched)
    assert gone.title == "a/pool: removed"
    assert "Members" in [section.title for section in gone.sections], "what was seen last stays"
    again = collapsed_pool(tmp_path / "pool")
    shutil.rmtree(again.folder / "members" / "m0")
    shutil.rmtree(again.folder / "members" / "m1")
    whole = text(watched)
    assert "3 members so far" in whole
    assert "constant(peak=0)" not in whole, "nothing of the pool before it"


def test_what_has_not_changed_is_not_told_again(tmp_path: Path) -> None:
    pool = collapsed_pool(tmp_path / "pool")
    watched = Watched(pool.folder, "pool")
    first = looked(watched)
    state = changed(State(), first.title, first.parts())
    second = looked(watched)
    assert changed(state, second.title, second.parts()) is state
    pool.add(MemberRecord(id="m8", order=8, name="late", status="diverged"))
    third = looked(watched)
    now = changed(state, third.title, third.parts())
    new = {part.place for part in now.parts if part.version == now.version}
    assert {"section-members", "section-hand-not-evaluated-yet"} <= new
    assert "section-the-best-team-so-far" not in new


def test_a_damaged_member_is_told_and_the_rest_stays(tmp_path: Path) -> None:
    pool = collapsed_pool(tmp_path / "pool")
    watched = Watched(pool.folder, "pool")
    seen = titles(watched)
    (pool.folder / "members" / "m1" / "member.json").write_text("{")
    found = looked(watched)
    assert found.title == "pool: cannot be read just now"
    assert [section.title for section in found.sections[1:]] == seen[1:]
    assert "member.json" in found.sections[0].prose[0]
    assert str(tmp_path) not in found.sections[0].prose[0]


def test_the_verdict_is_shown_at_the_end_and_not_while_somebody_trains(tmp_path: Path, forking: Path) -> None:
    pool = collapsed_pool(tmp_path / "pool")
    evaluated(pool)
    write_result(evaluate(pool, load(pool)), pool.folder / "result.json")
    watched = Watched(pool.folder, "pool")
    assert titles(watched)[0] == "hand: the verdict"
    assert "The best team so far" not in titles(watched)
    with ForkedProcess(forking, ["-c", AT_WORK, str(pool.folder)]) as process:
        assert process.stdout.readline() == "in\n"
        found = titles(watched)
        assert found[:2] == ["hand: under way", "Under way"]
        assert "Teams" not in found
        process.stdin.close()
        process.wait()
    assert titles(watched)[0] == "hand: the verdict"
    with_other_test_truth(pool)
    pool.add(MemberRecord(id="m8", order=8, name="late", status="diverged"))
    assert titles(watched)[0] == "hand: not evaluated yet", "the result is of other members"
