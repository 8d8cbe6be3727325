"""`sweep.keep_weights`: the best members keep their weights while a sweep runs, all keep their predictions."""

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.train.run.test_kill import run

from lrensemble.config import Experiment, to_record
from lrensemble.errors import ConfigError, ExportError
from lrensemble.evaluate import choose, save
from lrensemble.export.team import ensemble_of
from lrensemble.pool import Pool, drop_weights, members_in_teams
from lrensemble.pool.member import WEIGHTS
from lrensemble.train import Ended, tune
from lrensemble.train.execution.thinning import thin

MakeExperiment = Callable[..., Experiment]
KEEP = 1


def with_weights(pool: Pool) -> list[str]:
    return sorted(member.id for member in pool.members() if member.has_weights)


def best(pool: Pool, count: int) -> list[str]:
    """The definition: lowest loss on `val`, then lowest place."""
    ranked = sorted(pool.members(), key=lambda member: member.scores["val"]["nll"])
    return sorted(member.id for member in ranked[:count])


@pytest.fixture(scope="module")
def _everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.train.conftest import SWEEP

    folder = tmp_path_factory.mktemp("thinning") / "pool"
    list(tune(to_record(Experiment, SWEEP, "test"), folder))
    return folder


@pytest.fixture
def whole(_everything: Path, tmp_path: Path) -> Pool:
    """A pool of all members with their weights, to do as one likes with."""
    return Pool.open(shutil.copytree(_everything, tmp_path / "whole"))


@pytest.mark.parametrize("execution", ["one-by-one", "fused"])
def test_at_no_moment_more_members_have_weights(
    experiment: MakeExperiment, whole: Pool, tmp_path: Path, execution: str
) -> None:
    pool = None
    for event in tune(experiment(sweep={"keep_weights": KEEP}), tmp_path / "pool", execution=execution):
        pool = Pool.open(tmp_path / "pool")
        if isinstance(event, Ended):
            assert with_weights(pool) == best(pool, KEEP)
    assert pool is not None
    assert len(pool) == len(whole)
    for mine, other in zip(pool.members(), whole.members(), strict=True):
        assert mine.id == other.id, "the rule is no part of a recipe"
        assert mine.has_weights == (mine.folder / WEIGHTS).exists()
        if execution == "one-by-one":
            np.testing.assert_array_equal(mine.predictions("val").main, other.predictions("val").main)
            assert mine.scores == other.scores
    again = [event.status for event in tune(experiment(), tmp_path / "pool") if isinstance(event, Ended)]
    assert again == ["exists"] * len(whole), "what has lost its weights is not trained again"


def test_a_pool_that_is_there_is_thinned(experiment: MakeExperiment, whole: Pool) -> None:
    list(tune(experiment(sweep={"keep_weights": 2}), whole.folder))
    assert with_weights(whole) == best(whole, 2)


def test_teams_and_models_from_elsewhere_keep_theirs(whole: Pool) -> None:
    worst = next(member.id for member in whole.members() if [member.id] != best(whole, 1))
    team = choose(whole, "best", folds=0)
    save(whole, team.model_copy(update={"team": (worst,)}))
    assert members_in_teams(whole) == {worst}
    thin(whole, KEEP, "nll")
    assert with_weights(whole) == sorted({worst, *best(whole, KEEP)})


def test_what_a_kill_leaves_is_done_next(whole: Pool) -> None:
    leftover = next(member for member in whole.members() if [member.id] != best(whole, 1))
    content = (leftover.folder / WEIGHTS).read_bytes()
    thin(whole, KEEP, "nll")
    (leftover.folder / WEIGHTS).write_bytes(content)  # killed between the record and the file
    assert len(whole.members()) == 3
    thin(whole, KEEP, "nll")
    assert not (leftover.folder / WEIGHTS).exists()


def test_a_team_without_weights_says_what_to_do(whole: Pool) -> None:
    team = choose(whole, "all", folds=0)
    member = whole.members()[1].id
    drop_weights(whole, [member])
    with pytest.raises(ExportError, match=rf"{member} .* its weights were dropped .*lrensemble rm POOL {member}"):
        ensemble_of(whole, team)


def test_weights_that_cannot_be_dropped_end_no_sweep(
    experiment: MakeExperiment, whole: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    (whole.folder / "selections").mkdir()
    (whole.folder / "selections" / "best-00000000.json").write_text(json.dumps([1]))
    list(tune(experiment(sweep={"keep_weights": KEEP}), whole.folder))
    assert "sweep.keep_weights: no weights are dropped: " in caplog.text
    assert len(with_weights(whole)) == len(whole)


def test_at_least_one_keeps_them(experiment: MakeExperiment) -> None:
    with pytest.raises(ConfigError, match=r"sweep\.keep_weights"):
        experiment(sweep={"keep_weights": 0})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 needs a POSIX system")
def test_killed_at_random_moments(
    sweep: dict[str, Any],
    contents: Callable[[Path], dict[str, object]],
    whole: Pool,
    forking: Path,
    tmp_path: Path,
) -> None:
    thin(whole, KEEP, "nll")
    expected, ruled = contents(whole.folder), sweep | {"sweep": {"keep_weights": KEEP}}
    moments = random.Random(3)
    kills = rounds = 0
    while kills < 2:
        folder = tmp_path / str(rounds)
        while kills < 2 and run(
            forking, ruled, folder, stop_after=moments.randrange(18, 60), wait=moments.random() / 50
        ):
            kills += 1
            assert all(
                member.has_weights <= (member.folder / WEIGHTS).exists() for member in Pool.open(folder).members()
            )
        assert not run(forking, ruled, folder, stop_after=None)
        assert contents(folder) == expected
        rounds += 1
