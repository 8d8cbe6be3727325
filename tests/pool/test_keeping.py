"""Members get another name, lose their weights, and come from other pools."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.pool.conftest import Labels, Predictions

from lrensemble.errors import ConfigError, LREnsembleError, PoolError, SelectionError
from lrensemble.evaluate import choose, needed_members, save, slim
from lrensemble.pool import Pool, Task, drop_weights, merge_pools, rename_member
from lrensemble.pool.member import WEIGHTS, MemberRecord
from lrensemble.select import select  # noqa: F401 – registers

Make = Callable[[int], Predictions]
WEIGHT = {"layer": torch.arange(6.0).reshape(2, 3)}


def add(pool: Pool, number: int, predictions: Make, name: str = "") -> str:
    id_ = f"{number:012x}"
    record = MemberRecord(id=id_, order=number, name=name or f"m{number}")
    assert pool.add(record, predictions(number), weights=WEIGHT)
    return id_


def test_a_new_name_keeps_the_id_and_the_teams(pool: Pool, predictions: Make) -> None:
    ids = [add(pool, number, predictions) for number in range(3)]
    team = choose(pool, "all", folds=0)
    save(pool, team)
    assert rename_member(pool, "m1", "the good one").id == ids[1]
    assert [member.name for member in pool.members()] == ["m0", "the good one", "m2"]
    assert choose(pool, "all", folds=0).team == team.team
    assert torch.equal(pool.members()[1].weights()["layer"], WEIGHT["layer"])


def test_a_name_is_not_that_which_tells_apart(pool: Pool, predictions: Make) -> None:
    ids = [add(pool, number, predictions, name="twin") for number in range(2)]
    assert [member.name for member in pool.members()] == ["twin #1", "twin #2"]
    drop_weights(pool, ids[:1])
    rename_member(pool, ids[1], "other")
    assert [member.name for member in pool.members()] == ["twin", "other"], "the number was never written"


@pytest.mark.parametrize("name", ["", "  ", "two\nlines"])
def test_a_name_is_a_line(pool: Pool, predictions: Make, name: str) -> None:
    with pytest.raises(ConfigError, match="a name of a member is one line"):
        rename_member(pool, add(pool, 0, predictions), name)


def test_weights_go_and_predictions_stay(pool: Pool, predictions: Make) -> None:
    ids = [add(pool, number, predictions) for number in range(2)]
    as_before = pool.members()[0]
    size = (as_before.folder / WEIGHTS).stat().st_size
    done = drop_weights(pool, ids[:1])
    assert (done.members, done.freed) == ((ids[0],), size)
    first, second = pool.members()
    assert (first.has_weights, second.has_weights) == (False, True)
    assert not (first.folder / WEIGHTS).exists()
    with pytest.raises(PoolError, match=r"m0\) has no weights\.safetensors any more: it was dropped while"):
        as_before.weights()
    np.testing.assert_array_equal(first.predictions("val").main, predictions(0)["val"])
    assert drop_weights(pool, ids[:1]).members == ()
    with pytest.raises(PoolError, match="has no weights"):
        first.weights()


def test_what_a_kill_left_goes_with_the_next_call(pool: Pool, predictions: Make) -> None:
    id_ = add(pool, 0, predictions)
    path = pool.members()[0].folder / WEIGHTS
    content = path.read_bytes()
    drop_weights(pool, [id_])
    path.write_bytes(content)  # as if it had not been removed
    assert drop_weights(pool, [id_]).freed == len(content)
    assert not path.exists()


def test_teams_and_the_best_are_needed(pool: Pool, predictions: Make) -> None:
    ids = [add(pool, number, predictions) for number in range(4)]
    best = choose(pool, "top_k(k=1)", folds=0).team
    other = next(id_ for id_ in ids if id_ not in best)
    save(pool, choose(pool, "best", folds=0).model_copy(update={"team": (other,), "method": "random(seed=1)"}))
    assert needed_members(pool, best=1) == {*best, other}
    assert needed_members(pool, best=1, methods=["random"]) == {*best, other}
    assert set(slim(pool, best=1).members) == set(ids) - {*best, other}
    assert needed_members(pool, best=99) == set(ids)


@pytest.mark.parametrize(
    ("best", "methods", "message"),
    [(0, (), "best = 0 is refused"), (1, ("greedy",), "has no team by greedy; it has none")],
)
def test_a_wrong_need_drops_nothing(
    pool: Pool, predictions: Make, best: int, methods: tuple[str, ...], message: str
) -> None:
    add(pool, 0, predictions)
    with pytest.raises(SelectionError, match=message):
        slim(pool, best, methods)
    assert pool.members()[0].has_weights


def test_members_of_several_pools_come_into_one(tmp_path: Path, task: Task, labels: Labels, predictions: Make) -> None:
    weights = {"val": np.arange(1.0, 8.0)}
    whole = Task.of(
        task.name, task.target, rows={s: np.arange(len(labels[s])) for s in labels}, labels=labels, weights=weights
    )
    pools = [Pool.create(tmp_path / name, whole, labels, weights=weights) for name in ("one", "two")]
    add(pools[0], 0, predictions)
    for number in (0, 1):
        add(pools[1], number, predictions)
    done = merge_pools(tmp_path / "all", pools)
    merged = Pool.open(tmp_path / "all")
    assert len(done.added) == 2
    assert [member.name for member in merged.members()] == ["m0", "m1"]
    assert torch.equal(merged.members()[1].weights()["layer"], WEIGHT["layer"])
    np.testing.assert_array_equal(merged.weights("val"), weights["val"])
    again = merge_pools(tmp_path / "all", pools)
    assert (again.added, len(again.skipped)) == ((), 2)


def test_pools_of_other_rows_or_with_damage_are_refused_and_nothing_is_made(
    tmp_path: Path, pool: Pool, labels: Labels, rows: Labels, predictions: Make
) -> None:
    id_ = add(pool, 0, predictions)
    other = Task.of("other", pool.task.target, rows=rows, labels={**labels, "val": labels["val"][::-1].copy()})
    stranger = Pool.create(tmp_path / "stranger", other, {**labels, "val": labels["val"][::-1].copy()})
    with pytest.raises(PoolError, match=r"is of another task than .*: other val labels"):
        merge_pools(tmp_path / "all", [pool, stranger])
    path = pool.folder / "members" / id_ / WEIGHTS
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(LREnsembleError, match="damaged"):
        merge_pools(tmp_path / "all", [pool])
    assert not (tmp_path / "all").exists()
