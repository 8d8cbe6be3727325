"""A pool that another process changes meanwhile: what was chosen and measured is of the members that it began with."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.pools import blocks, pool_of, said

from lrensemble.cli.evaluate import print_result
from lrensemble.errors import PoolError
from lrensemble.evaluate import load
from lrensemble.front.teams import choose_all, evaluate_into
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect
from lrensemble.pool.removal import remove_members

ROWS = 60
WRONG = ((0.0, 0.5), (0.5, 0.7), (0.6, 0.8))
"""Shares of the rows on which a, b and c are wrong: the two best are b and c."""


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    labels = np.arange(ROWS) % 3
    said_of = labels, np.stack([said(labels, right, 3) for right in blocks(ROWS, WRONG)])
    return pool_of(tmp_path, said_of, said_of, names=("a", "b", "c"))


def meanwhile(change: Callable[[], object]) -> Callable[[str], AbstractContextManager[None]]:
    """Work during which something is changed."""

    @contextmanager
    def around(_: str) -> Iterator[None]:
        change()
        yield

    return around


def add(pool: Pool) -> None:
    """One more member, which stands before b and c: all files begin with the first place."""
    labels = np.arange(ROWS) % 3
    probs = said(labels, np.zeros(ROWS, dtype=np.bool_), 3)[None]
    file = pool.folder.parent / "more.npz"
    np.savez(file, labels=labels, test_labels=labels, probs=probs, test_probs=probs, names=np.array(["d"]))
    assert collect([file], pool.folder).added


@pytest.mark.parametrize("change", [lambda pool: remove_members(pool, ["a"]), add], ids=["removed", "added"])
def test_the_team_is_of_the_members_that_were_chosen_from(pool: Pool, change: Callable[[Pool], object]) -> None:
    names = {member.id: member.name for member in pool.members()}
    found = choose_all(
        pool, ["top_k(k=2)"], metric=None, consensus=None, seed=0, around=meanwhile(lambda: change(pool))
    )
    assert sorted(names[member] for member in found[0].team) == ["b", "c"]
    with pytest.raises(PoolError, match="is of today's members"):
        load(pool)


def test_a_result_is_of_the_members_that_were_there(pool: Pool, tmp_path: Path) -> None:
    choose_all(pool, ["top_k(k=2)"], metric=None, consensus=None, seed=0)
    found = evaluate_into(pool, tmp_path / "result.json", around=meanwhile(lambda: add(pool)))
    assert [member.name for member in found.members] == ["a", "b", "c"]
    assert [found.members[place].name for place in found.teams["top_k(k=2)"].team] == ["b", "c"]


def test_a_member_that_goes_meanwhile_is_told_in_a_line(pool: Pool, tmp_path: Path) -> None:
    choose_all(pool, ["top_k(k=2)"], metric=None, consensus=None, seed=0)
    with pytest.raises(PoolError, match=r"\(c\) has gone: it was removed from"):
        evaluate_into(pool, tmp_path / "result.json", around=meanwhile(lambda: remove_members(pool, ["c"])))


def test_what_is_printed_is_of_the_members_that_were_there(pool: Pool, capsys: pytest.CaptureFixture[str]) -> None:
    choose_all(pool, ["all"], metric=None, consensus=None, seed=0)
    found = evaluate_into(pool, pool.folder / "result.json")
    assert found.verdict.method == "all"
    remove_members(pool, ["c"])
    print_result(found, pool, "csv")
    of_team = [line for line in capsys.readouterr().out.splitlines() if "a team of 3" in line]
    assert sorted(next(csv.reader([line]))[1] for line in of_team) == ["a", "b", "c"]
