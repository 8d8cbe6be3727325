"""Each look at test is written down; a team of other members than today's is never judged silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.pools import blocks, pool_of, said

from lrensemble.errors import PoolError
from lrensemble.evaluate import choose, evaluate, load, looks, save, stale
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect

ROWS, CLASSES = 90, 3
LABELS = np.tile(np.arange(CLASSES), ROWS // CLASSES)


def three(folder: Path) -> Pool:
    right = blocks(ROWS, ((0.0, 0.3), (0.3, 0.6), (0.6, 0.9)))
    probs = np.stack([said(LABELS, one, CLASSES) for one in right])
    return pool_of(folder, (LABELS, probs), (LABELS, probs), names=("a", "b", "c"))


def another(pool: Pool, folder: Path) -> None:
    probs = said(LABELS, blocks(ROWS, ((0.1, 0.2),))[0], CLASSES)[None]
    np.savez(folder / "d.npz", probs=probs, labels=LABELS, test_probs=probs, test_labels=LABELS, names=np.array(["d"]))
    collect([folder / "d.npz"], pool.folder)


def test_every_evaluation_is_a_look_and_the_verdict_counts_them(tmp_path: Path) -> None:
    pool = three(tmp_path)
    save(pool, choose(pool, "all"))
    assert looks(pool) == ()
    first, second = evaluate(pool, load(pool)), evaluate(pool, load(pool))
    assert (first.looks, second.looks) == (1, 2)
    assert "first look" in first.verdict.text
    assert "look 2 at them" in second.verdict.text
    noted = looks(pool)
    assert len(noted) == 2
    assert noted[0].when <= noted[1].when
    ids = ", ".join(member.id for member in pool.members())
    assert f"all by nll, mean: {ids}" in noted[0].teams


def test_choosing_is_no_look(tmp_path: Path) -> None:
    pool = three(tmp_path)
    save(pool, choose(pool, "greedy"))
    load(pool)
    assert looks(pool) == ()


def test_a_damaged_note_is_noticed(tmp_path: Path) -> None:
    pool = three(tmp_path)
    evaluate(pool, [choose(pool, "all")])
    path = next((pool.folder / "looks").glob("*.json"))
    path.write_text(path.read_text(encoding="utf-8").replace("all by", "ali by"), encoding="utf-8")
    with pytest.raises(PoolError, match="checksum"):
        looks(pool)


def test_a_team_is_stale_once_the_pool_has_grown(tmp_path: Path) -> None:
    pool = three(tmp_path)
    save(pool, choose(pool, "all"))
    assert stale(pool) == {}
    another(pool, tmp_path)
    (reason,) = stale(pool).values()
    assert reason.startswith("all was chosen among 3 members, and d came; choose again: lrensemble select ")
    with pytest.raises(PoolError, match="all was chosen among 3 members, and d came; choose again"):
        load(pool)


def test_teams_of_today_are_judged_and_stale_ones_left_out(tmp_path: Path) -> None:
    pool = three(tmp_path)
    save(pool, choose(pool, "all"))
    another(pool, tmp_path)
    save(pool, choose(pool, "top_k(k=2)"))
    assert [team.method for team in load(pool)] == ["top_k(k=2)"]
    assert len(stale(pool)) == 1


def test_a_team_is_stale_once_a_member_has_gone(tmp_path: Path) -> None:
    pool = three(tmp_path)
    save(pool, choose(pool, "best"))
    gone = next(member for member in pool.members() if member.name == "c")
    gone.folder.rename(tmp_path / "elsewhere")
    with pytest.raises(PoolError, match=f"best was chosen among 3 members, and {gone.id} went; choose again"):
        load(pool)


def test_drafts_are_no_teams(tmp_path: Path) -> None:
    pool = three(tmp_path)
    save(pool, choose(pool, "best"))
    (pool.folder / "selections" / ".draft-0123-greedy.json").write_text("{")
    assert len(load(pool)) == 1
