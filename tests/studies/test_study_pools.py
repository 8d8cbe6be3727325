"""Pools of a study: trained at equal cost, found elsewhere or taken from another, and gone on with."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.studies.conftest import POOLS, MakeStudy, Trained, ids
from tests.train.conftest import Contents
from tests.train.conftest import contents as contents

from lrensemble.errors import ConfigError, LREnsembleError, PoolError, SpecError
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect
from lrensemble.studies.part import seeds_of_one_recipe
from lrensemble.train import tune

SEEDS = """
[pools.seeds]
sweep.strategy = "seeds(count=3)"
[pools.deep]
from = "seeds"
members = "seeds"
"""


def everything(out: Path, contents: Contents) -> dict[str, dict[str, object]]:
    return {str(path.relative_to(out)): contents(path) for path in sorted(out.glob("pools/*/*/")) if path.is_dir()}


def test_pools_are_trained_replicate_by_replicate_as_tune_would(
    study: MakeStudy, tmp_path: Path, contents: Contents
) -> None:
    found = study(head="replicates = 2")
    told = Trained(found, tmp_path / "out")
    assert [(each.name, each.seed) for each in told.begun] == [
        ("each", 0),
        ("shared", 0),
        ("each", 1000),
        ("shared", 1000),
    ]
    assert [(each.place, each.count) for each in told.begun] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert told.ended == ["finished"] * 8
    assert {name: [len(pool.members()) for pool in own] for name, own in told.pools.items()} == {
        "each": [2, 2],
        "shared": [2, 2],
    }
    for name in ("each", "shared"):
        list(tune(found.experiment(name, 1), tmp_path / "alone" / name))
        assert contents(tmp_path / "alone" / name) == contents(told.pools[name][1].folder)
    costs = {pool.folder: sum(m.samples or 0 for m in pool.members()) for own in told.pools.values() for pool in own}
    assert set(costs.values()) == {2 * 2 * 800}


def test_the_same_call_goes_on_where_it_was_stopped(study: MakeStudy, tmp_path: Path, contents: Contents) -> None:
    whole = Trained(study(), tmp_path / "whole")
    first = Trained(study(), tmp_path / "out", stop_after=20, execution="one-by-one", save_steps=5)
    assert (first.ended, first.pools) == (["finished"], {})
    second = Trained(study(), tmp_path / "out", execution="one-by-one", save_steps=5)
    assert second.ended == ["exists", "finished", "finished", "finished"]
    assert first.steps + second.steps <= 64 + 5
    third = Trained(study(), tmp_path / "out")
    assert (third.ended, third.steps) == (["exists"] * 4, 0)
    assert [ids(pool) for own in third.pools.values() for pool in own] == [
        ids(pool) for own in whole.pools.values() for pool in own
    ]
    assert not [key for pool in everything(tmp_path / "out", contents).values() for key in pool if "left" in key]


def test_another_replicate_is_added_to_those_that_are_there(study: MakeStudy, tmp_path: Path) -> None:
    Trained(study(), tmp_path)
    told = Trained(study(head="replicates = 2"), tmp_path)
    assert told.ended == ["exists"] * 4 + ["finished"] * 4


def test_another_pool_is_added_to_those_that_are_there(study: MakeStudy, tmp_path: Path) -> None:
    Trained(study(), tmp_path)
    told = Trained(study(f"{POOLS}[pools.third]\npolicy = ['constant(peak=0.1)', 'cosine(peak=0.1)']\n"), tmp_path)
    assert told.ended == ["exists"] * 4 + ["finished"] * 2


def test_a_file_that_was_edited_is_noticed_before_anything_is_mixed(study: MakeStudy, tmp_path: Path) -> None:
    Trained(study(), tmp_path)
    before = sorted(tmp_path.rglob("*"))
    edited = study("[pools.each]\n[pools.shared]\nsweep.seed = 'shared'\ntrain.weight_decay = 0.1\n")
    with pytest.raises(ConfigError) as caught:
        Trained(edited, tmp_path)
    assert str(caught.value) == (
        f"{edited.source}: pools.shared: {tmp_path}/pools/shared was begun with train.weight_decay = 0.0, and now it "
        "is 0.1; give another --out, or remove that folder"
    )
    assert sorted(tmp_path.rglob("*")) == before
    again = study(head="select.methods = ['best']\nscaling.pool = [1]\nbudget.epochs = 4")
    assert Trained(again, tmp_path).ended == ["exists"] * 4, "what changes no member is free to change"


def test_a_part_has_the_seeds_of_one_recipe(study: MakeStudy, tmp_path: Path, contents: Contents) -> None:
    told = Trained(study(SEEDS), tmp_path)
    (whole,), (part,) = told.pools["seeds"], told.pools["deep"]
    assert part.folder == tmp_path / "pools" / "deep" / "0"
    policies = {str((member.recipe or {})["policy"]) for member in part.members()}
    assert (len(whole.members()), len(part.members()), len(policies)) == (6, 3, 1)
    by_policy: dict[str, list[float]] = {}
    for member in whole.members():
        by_policy.setdefault(str((member.recipe or {})["policy"]), []).append(member.scores["val"]["nll"])
    assert policies == {min(by_policy, key=lambda policy: float(np.mean(by_policy[policy])))}, "the best by val"
    own, all_of_it = contents(part.folder), contents(whole.folder)
    for member in part.members():
        assert {key: own[key] for key in own if key.startswith(member.id)} == {
            key: all_of_it[key] for key in all_of_it if key.startswith(member.id)
        }, "members are the same to the bit"
    assert len(part.members(include_diverged=True)) == 3, "and nobody else is in it"
    assert Trained(study(SEEDS), tmp_path).ended == ["exists"] * 6
    assert contents(part.folder) == own


def test_a_part_takes_most_seeds_before_the_best_score(study: MakeStudy, tmp_path: Path) -> None:
    tuned = "[pools.tuned]\nsweep.strategy = 'tune_then_seed(runs=5, share=0.4)'\n"
    told = Trained(study(f"{tuned}[pools.deep]\nfrom = 'tuned'\nmembers = 'seeds'\n"), tmp_path)
    assert len(told.pools["deep"][0].members()) == 4


def test_a_part_follows_a_whole_that_has_changed(study: MakeStudy, tmp_path: Path) -> None:
    (whole,) = Trained(study(SEEDS), tmp_path / "one").pools["seeds"]
    (other,) = Trained(study("[pools.x]\nsweep.strategy = 'seeds(count=2)'\n"), tmp_path / "two").pools["x"]
    part = seeds_of_one_recipe(whole, tmp_path / "part")
    assert len(part.members()) == 3
    part = seeds_of_one_recipe(other, tmp_path / "part")
    assert len(part.members()) == 2
    assert {member.id for member in part.members()} < {member.id for member in other.members()}


def collected(folder: Path, pool: Pool, *, labels: bool = False) -> Pool:
    """What the members of a pool say, collected as if others had made it."""
    arrays: dict[str, Any] = {}
    for split, prefix in (("val", ""), ("test", "test_")):
        said = np.stack([np.exp(np.asarray(member.predictions(split).main)) for member in pool.members()])
        arrays[f"{prefix}{'top1' if labels else 'probs'}"] = said.argmax(axis=2) if labels else said
        arrays[f"{prefix}labels"] = pool.truth(split)
    np.savez(folder.with_suffix(".npz"), **arrays)
    return collect([folder.with_suffix(".npz")], folder).pool


@pytest.mark.parametrize("labels", [False, True])
def test_pools_that_were_made_elsewhere_stand_beside_those_that_are_trained(
    study: MakeStudy, tmp_path: Path, labels: bool
) -> None:
    made = collected(tmp_path / "elsewhere", Trained(study(), tmp_path / "one").pools["each"][0], labels=labels)
    text = f"[pools.there]\nfolder = '{made.folder}'\n"
    told = Trained(study(text), tmp_path / "out")
    assert (told.begun, [pool.folder for pool in told.pools["there"]]) == ([], [made.folder])


def test_pools_over_other_rows_are_refused_before_training(study: MakeStudy, tmp_path: Path) -> None:
    Trained(study(head="split.val = 0.1"), tmp_path / "one")
    text = f"[pools.each]\n[pools.there]\nfolder = '{tmp_path}/one/pools/each/0'\n"
    with pytest.raises(
        ConfigError, match=r"pools.there: .*/0 cannot be compared .*117 val rows|pools.there: .*val rows"
    ):
        Trained(study(text), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_pool_is_refused_before_training(study: MakeStudy, tmp_path: Path) -> None:
    with pytest.raises(PoolError, match=r"no pool at .*nowhere"):
        Trained(study("[pools.each]\n[pools.there]\nfolder = 'nowhere'\n"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_member_that_diverges_is_no_end(study: MakeStudy, tmp_path: Path) -> None:
    text = f"{POOLS}[pools.dead]\npolicy = ['constant(peak=1e30)', 'cosine(peak=0.1)']\n"
    told = Trained(study(text, head="budget.epochs = 4"), tmp_path)
    assert sorted(told.ended) == ["diverged"] + ["finished"] * 5
    assert [len(pool.members()) for pool in told.pools["dead"]] == [1]


def test_seconds_end_a_pool_after_the_run_that_used_them_up(study: MakeStudy, tmp_path: Path) -> None:
    told = Trained(study(head="budget.seconds = 1e-6"), tmp_path, execution="one-by-one")
    assert told.ended == ["finished"] * 2, "one run of each pool"
    assert Trained(study(head="budget.seconds = 1e-6"), tmp_path, execution="one-by-one").ended == ["exists"] * 2
    told = Trained(study(head="budget.seconds = 1e6"), tmp_path, execution="one-by-one")
    assert sorted(told.ended) == ["exists"] * 2 + ["finished"] * 2


@pytest.mark.parametrize(
    ("pools", "head", "message"),
    [
        (
            "[pools.a]\n[pools.b]\ntrain.epochs = 3",
            "",
            "pools.b: 2 members take 6 epochs in all, and pools.a takes 4; change its number of runs or their epochs",
        ),
        ("[pools.a]", "budget.epochs = 5", "pools.a: 2 members take 4 epochs in all, and the budget is 5;"),
        (
            "[pools.a]\n[pools.b]\nsweep.strategy = 'snapshots(cycles=3)'\ntrain.epochs = 3",
            "",
            "pools.b: 6 members take 6 epochs in all, and pools.a takes 4;",
        ),
    ],
)
def test_unequal_cost_is_refused_before_training(
    study: MakeStudy, tmp_path: Path, pools: str, head: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Trained(study(pools, head), tmp_path / "out")
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "pools",
    [
        "[pools.a]\n[pools.b]\ntrain.epochs = 3\nbeyond_budget = true",
        "[pools.a]\n[pools.b]\nsweep.strategy = 'snapshots(cycles=2)'\ntrain.epochs = 2",
        "[pools.a]\n[pools.b]\nsweep.strategy = 'fast_geometric(members=2)'\npolicy = ['constant(peak=0.1)']\n"
        "train.epochs = 4",
        "[pools.a]\n[pools.b]\nsweep.strategy = 'tune_then_seed(runs=4)'\ntrain.epochs = 1",
        "[pools.a]\n[pools.b]\nsweep.strategy = 'seeds(count=2)'\nsweep.epochs = 4",
    ],
)
def test_equal_cost_however_it_is_spent(study: MakeStudy, tmp_path: Path, pools: str) -> None:
    told = Trained(study(pools), tmp_path)
    assert set(told.ended) == {"finished"}
    spent = {name: sum(member.samples or 0 for member in own[0].members()) for name, own in told.pools.items()}
    assert spent["a"] == 4 * 800
    assert spent["b"] == (6 * 800 if "beyond" in pools else 4 * 800)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("[pools.a]\nmodel = 'mpl'", SpecError, "pools.a: no model named 'mpl'"),
        ("[pools.a]\nsweep.strategy = 'gird'", SpecError, "pools.a: sweep.strategy: no strategy named 'gird'"),
        ("select.methods = ['gredy']\n[pools.a]", SpecError, "no selector named 'gredy'"),
        ("select.metric = 'nl'\n[pools.a]", SpecError, "no metric named 'nl'"),
    ],
)
def test_names_are_checked_before_training(
    study: MakeStudy, tmp_path: Path, text: str, kind: type[LREnsembleError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        Trained(study(text), tmp_path / "out")
    assert not (tmp_path / "out").exists()
