"""Shards: every run is of one of them, always of the same one, and chains stay together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrensemble.config import Experiment
from lrensemble.errors import ConfigError
from lrensemble.pool import Pool
from lrensemble.train import Ended, OtherShards, Planned, tune
from lrensemble.train.run.runs import Run
from lrensemble.train.sweep.setup import checked_factory
from lrensemble.train.sweep.shard import Shard, read_shard
from lrensemble.train.sweep.strategies import STRATEGIES

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]

PEAKS = [round(0.001 * (1 + place), 3) for place in range(40)]


def runs_of(experiment: Experiment, folder: Path) -> tuple[Run, ...]:
    """Those of the first round."""
    factory = checked_factory(experiment)
    rounds = STRATEGIES.call(experiment.sweep.strategy, factory)(Pool(folder, None))  # type: ignore[arg-type]
    return next(iter(rounds)).runs


def test_every_run_is_of_one_shard_and_more_runs_move_none(experiment: MakeExperiment, tmp_path: Path) -> None:
    all_runs = runs_of(experiment(policy=[{"name": "cosine", "peak": PEAKS}]), tmp_path)
    some = runs_of(experiment(policy=[{"name": "cosine", "peak": PEAKS[3:17]}]), tmp_path)
    shards = [Shard(number, 3) for number in (1, 2, 3)]
    parts = [{run.id for run in shard.own(all_runs)} for shard in shards]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 40
    assert min(map(len, parts)) >= 5
    for shard, part in zip(shards, parts, strict=True):
        assert {run.id for run in shard.own(some)} == part & {run.id for run in some}
        assert [run.order for run in shard.own(all_runs)] == sorted(run.order for run in shard.own(all_runs))


def test_shards_fill_one_pool_and_the_last_is_told_so(
    experiment: MakeExperiment, contents: Contents, tmp_path: Path
) -> None:
    missing, trained = list[int](), list[str]()
    for number in (1, 2):
        events = list(tune(experiment(), tmp_path / "pool", shard=f"{number}/2", execution="one-by-one"))
        (planned,) = (event for event in events if isinstance(event, Planned))
        trained += [event.run.id for event in events if isinstance(event, Ended)]
        assert {run.id for run in planned.runs} <= set(trained)
        last = events[-1]
        assert isinstance(last, OtherShards)
        missing.append(len(last.missing))
    assert missing[1] == 0 < missing[0] < 3
    list(tune(experiment(), tmp_path / "whole", execution="one-by-one"))
    assert contents(tmp_path / "pool") == contents(tmp_path / "whole")
    assert len(trained) == len(set(trained)) == 3


def test_chains_stay_together(experiment: MakeExperiment, tmp_path: Path) -> None:
    chains: dict[str, Any] = {
        "policy": [{"name": "cosine", "peak": [0.01, 0.02, 0.03, 0.04]}],
        "sweep": {"strategy": "snapshots(cycles=2)"},
    }
    parts = []
    for number in (1, 2):
        events = list(tune(experiment(**chains), tmp_path, shard=f"{number}/2", execution="one-by-one"))
        parts.append([event.run for event in events if isinstance(event, Ended)])
    assert all(len(part) % 2 == 0 for part in parts)
    assert sum(map(len, parts)) == 8
    for part in parts:
        assert {run.successor for run in part if run.successor} <= {run.id for run in part}


@pytest.mark.parametrize("text", ["", "1", "a/b", "-1/2", "1/2/3", "1.0/2", "0x1/2", "²/3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"shard '.*' is refused; give its number and how many there are, such"):
        read_shard(text)


@pytest.mark.parametrize(("text", "more"), [("0/4", "; shards count from 1"), ("5/4", "")])
def test_what_is_not_among_them_is_refused(text: str, more: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_shard(text)
    assert str(caught.value) == f"shard '{text}' is refused; of 4 there are 1/4 to 4/4{more}"
    assert str(read_shard(" 4/4 ")) == "4/4"


def test_what_looks_at_how_others_ended_has_no_shards(experiment: MakeExperiment, tmp_path: Path) -> None:
    one = experiment(sweep={"strategy": "tune_then_seed(runs=3)"})
    with pytest.raises(ConfigError) as caught:
        tune(one, tmp_path / "pool", shard="1/2")
    assert str(caught.value) == (
        "shard 1/2 is refused: strategy tune_then_seed decides by how other runs ended, and a shard does not wait for "
        "those; start the same command 2 times without a shard, or use fast_geometric, grid, random, seeds, snapshots"
    )
    assert not (tmp_path / "pool").exists()
