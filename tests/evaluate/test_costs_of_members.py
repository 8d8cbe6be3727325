"""What a team costs: sums over its members, and of adapters their base once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.evaluate.pools import blocks, pool_of, said

from lrensemble.evaluate.costs import cost_of
from lrensemble.pool import Member, MemberRecord, Pool, Task, drop_weights

BASE, ROWS = 1000, 6


def test_the_cost_of_a_team_is_the_sum_over_its_members(tmp_path: Path) -> None:
    val, test = np.arange(60) % 3, np.arange(90) % 3
    some = [said(truth, blocks(len(truth), ((0.0, 0.2),))[0], 3, 0.7) for truth in (val, test)]
    pool = pool_of(tmp_path, (val, np.stack([some[0]] * 2)), (test, np.stack([some[1]] * 2)), names=("a", "b"))
    found = list(pool.members())
    members = [
        found[0].model_copy(update={"parameters": 100, "seconds": 2.5, "samples": 7}),
        found[1].model_copy(update={"parameters": 30, "seconds": 0.5, "samples": 5}),
    ]
    cost = cost_of(members)
    assert (cost.members, cost.parameters, cost.seconds, cost.samples) == (2, 130, 3.0, 12)
    assert cost_of([members[0], found[1]]).parameters is None, "one member does not say"


@pytest.fixture
def adapters(tmp_path: Path) -> tuple[Pool, tuple[Member, ...]]:
    """Adapters of ranks 1, 2 and 3, each counted with its base, and a whole network of 50 parameters."""
    labels = {"val": np.arange(ROWS) % 2}
    pool = Pool.create(tmp_path, Task.of("hand", ("a", "b"), rows={"val": np.arange(ROWS)}, labels=labels), labels)
    for rank in range(1, 5):
        weights = {"down": torch.ones(rank, 5), "up": torch.ones(4, rank)}
        whole = rank == 4
        record = MemberRecord(
            id=f"m{rank}",
            order=rank,
            name=f"rank {rank}",
            adapter=None if whole else {"r": rank},
            parameters=50 if whole else BASE + 9 * rank,
        )
        pool.add(record, {"val": np.log(np.full((ROWS, 2), 0.5))}, weights=None if whole else weights)
    return pool, pool.members()


@pytest.mark.parametrize(
    ("who", "parameters"), [((0,), BASE + 9), ((0, 1, 2), BASE + 9 + 18 + 27), ((1, 2, 3), BASE + 18 + 27 + 50)]
)
def test_a_base_that_adapters_share_is_counted_once(
    adapters: tuple[Pool, tuple[Member, ...]], who: tuple[int, ...], parameters: int
) -> None:
    assert cost_of([adapters[1][place] for place in who]).parameters == parameters


def test_one_adapter_that_was_kept_tells_the_size_of_the_base(adapters: tuple[Pool, tuple[Member, ...]]) -> None:
    pool, _ = adapters
    drop_weights(pool, ["m1", "m2"])
    members = pool.members()
    assert cost_of(members[:3]).parameters == BASE + 9 + 18 + 27
    assert cost_of(members[:2]).parameters is None, "nobody knows what of it is the base"
    assert cost_of(members[:1]).parameters == BASE + 9


def test_a_damaged_adapter_leaves_its_size_open(adapters: tuple[Pool, tuple[Member, ...]]) -> None:
    pool, members = adapters
    for member in members[:2]:
        (member.folder / member.name_of_weights).write_bytes(b"no tensors")
    assert cost_of(pool.members()[:2]).parameters is None
