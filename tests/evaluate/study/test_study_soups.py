"""Soups of default teams: their scores where there is one, the reason where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.study.studies import recipe_of, record_of, settings_of, skilled_pool

from lrensemble.errors import ExportError
from lrensemble.evaluate.study import compare, tables
from lrensemble.evaluate.study.findings.soups import Soup
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool

WEIGHTS = {"weight": np.arange(6.0).reshape(2, 3)}


def weighted_pool(folder: Path, models: Sequence[str] = ("mlp", "mlp", "mlp")) -> Pool:
    """The pool of `skilled_pool`, whose members keep weights and are of these models."""
    import torch

    plain = skilled_pool(folder / "plain", [1.0 + place / 10 for place in range(len(models))])
    truth = {split: plain.truth(split) for split in ("val", "test")}
    pool = Pool.create(folder / "pool", plain.task, truth)
    for place, (member, model) in enumerate(zip(plain.members(), models, strict=True)):
        said = {split: member.predictions(split) for split in truth}
        record = record_of(place, "log_probs", recipe_of("a", place, model))
        pool.add(record, said, weights={name: torch.tensor(own) for name, own in WEIGHTS.items()})
    return pool


def first_alone(pool: Pool, ids: Sequence[str]) -> Soup:
    """The first member stands for the average."""
    member = next(each for each in pool.members() if each.id == ids[0])
    return Soup(tuple(ids), pool.task.target.seen(member.predictions("test")))


def best_alone(pool: Pool, ids: Sequence[str]) -> Soup:
    return Soup(tuple(ids)[:1], first_alone(pool, ids).predictions)


def refused(pool: Pool, ids: Sequence[str]) -> Soup:
    raise ExportError(f"no soup of {len(ids)} members of {pool.task.name}: half-way too much is lost")


def test_a_soup_is_measured_on_test(tmp_path: Path) -> None:
    pool = weighted_pool(tmp_path)
    found = compare({"one": [pool]}, settings_of(["one"]), averager=first_alone)
    (own,) = found.soups
    team = found.pools["one"][0].team
    assert team is not None
    said = first_alone(pool, team.members).predictions
    assert own.scores["nll"] == pytest.approx(METRICS.call("nll", said, pool.truth("test")))
    assert (own.ingredients, own.reason) == (len(team.members), "")
    (table,) = [each for each in tables(found) if "soups" in each.title]
    assert table.rows[0][1:3] == ("1 of 1", str(len(team.members)))


def test_why_there_is_none(tmp_path: Path) -> None:
    def reason(pool: Pool, averager: object = first_alone) -> str:
        (own,) = compare({"one": [pool]}, settings_of(["one"]), averager=averager).soups  # type: ignore[arg-type]
        assert (own.scores, own.ingredients) == ({}, 0)
        return own.reason

    assert reason(weighted_pool(tmp_path / "a"), refused).endswith("of hand: half-way too much is lost")
    assert "made the average better" in reason(weighted_pool(tmp_path / "f"), best_alone)
    assert reason(weighted_pool(tmp_path / "b"), None) == "no networks at hand: only predictions were compared"
    assert reason(weighted_pool(tmp_path / "c", ("mlp", "cnn", "mlp"))) == "members of several architectures"
    assert reason(skilled_pool(tmp_path / "d", [1.0, 1.0, 1.0])) == "not all members have weights"
    assert reason(skilled_pool(tmp_path / "e", [1.0])) == "the team is of one member"


def test_pools_without_members_have_none(tmp_path: Path) -> None:
    own = {"live": [skilled_pool(tmp_path / "live", [1.0])], "dead": [skilled_pool(tmp_path / "dead", [], dead=1)]}
    assert [each.pool for each in compare(own, settings_of(list(own)), averager=first_alone).soups] == ["live"]
