"""The study file: sections of the experiment that a pool replaces, and what is refused."""

from pathlib import Path

import pytest

from lrensemble.config.shipped import STUDIES, shipped
from lrensemble.config.study_file import SEEDS_APART, Study, load_study
from lrensemble.errors import ConfigError
from lrensemble.spec import Spec
from lrensemble.studies.plans import checked_plans

EXPERIMENT = """
data = "digits"
model = {name = "mlp", width = 7, depth = 1}
policy = [{name = "one_cycle", peak = [0.1, 0.2]}]
train = {epochs = 3, batch_size = 50, seed = 5}
"""


def study_of(folder: Path, text: str) -> Study:
    (folder / "e.toml").write_text(EXPERIMENT)
    (folder / "s.toml").write_text(f'experiment = "e.toml"\n{text}')
    return load_study(folder / "s.toml")


@pytest.mark.parametrize("name", shipped(STUDIES))
def test_every_shipped_study_loads(name: str, tmp_path: Path) -> None:
    found = load_study(name, data=tmp_path)
    assert found.settings.budget is not None
    assert found.trained[0] == "policies"
    assert all(found.experiment(pool, 0).data.folder == tmp_path for pool in found.trained)


def test_the_shipped_pools_of_digits_cost_the_same(tmp_path: Path) -> None:
    plans = checked_plans(load_study("digits"), tmp_path, {})
    assert {plan.epochs for plan in plans.values()} == {128}
    assert {plan.rows for plan in plans.values()} == {629}
    assert list(plans) == [name for name in load_study("digits").settings.pools if name != "seeds_of_best"]
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_a_pool_replaces_keys_of_tables_and_all_else_as_a_whole(tmp_path: Path) -> None:
    found = study_of(
        tmp_path,
        """
        train.batch_size = 60
        model.depth = 2
        [pools.as_it_is]
        [pools.own]
        train.weight_decay = 0.1
        model.width = 9
        policy = ["cosine(peak=0.3)"]
        [pools.other_model]
        model = "cnn(width=4)"
        [pools.other_table]
        model = {name = "cnn", width = 5}
        """,
    )
    plain, own = found.experiment("as_it_is", 0), found.experiment("own", 0)
    assert plain.train.batch_size == own.train.batch_size == 60
    assert (plain.train.epochs, plain.train.weight_decay, own.train.weight_decay) == (3, 0.0, 0.1)
    assert plain.model == Spec("mlp", {"width": 7, "depth": 2})
    assert own.model == Spec("mlp", {"width": 9, "depth": 2})
    assert [policy.name for policy in plain.policy] == ["one_cycle", "one_cycle"]
    assert [policy.name for policy in own.policy] == ["cosine"]
    assert found.experiment("other_model", 0).model == Spec("cnn", {"width": 4})
    assert found.experiment("other_table", 0).model == Spec("cnn", {"width": 5})


def test_of_epochs_for_each_run_and_for_all_the_later_word_counts(tmp_path: Path) -> None:
    found = study_of(tmp_path, "[pools.all]\nsweep.epochs = 8\n[pools.each]\ntrain.epochs = 4\n")
    assert found.experiment("all", 0).sweep.epochs == 8
    assert "epochs" not in found.experiment("all", 0).train.model_fields_set
    assert found.experiment("each", 0).train.epochs == 4
    found = study_of(tmp_path, "sweep.epochs = 8\n[pools.all]\n[pools.each]\ntrain.epochs = 4\n")
    assert (found.experiment("all", 0).sweep.epochs, found.experiment("each", 0).sweep.epochs) == (8, None)


def test_replicates_begin_from_other_seeds_and_draw_other_recipes(tmp_path: Path) -> None:
    found = study_of(
        tmp_path,
        """
        replicates = 2
        [pools.drawn]
        sweep.strategy = "random(trials=2)"
        [pools.same]
        sweep.strategy = "random(trials=2, seed=3)"
        [pools.plain]
        """,
    )
    assert [found.experiment("plain", each).train.seed for each in (0, 1)] == [5, 5 + SEEDS_APART]
    drawn = [found.experiment("drawn", each).sweep.strategy.arguments["seed"] for each in (0, 1)]
    assert drawn == [5, 5 + SEEDS_APART]
    assert [found.experiment("same", each).sweep.strategy.arguments["seed"] for each in (0, 1)] == [3, 3]


def test_an_experiment_is_found_from_the_file_and_folders_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    found = study_of(tmp_path, "replicates = 2\n[pools.a]\n[pools.b]\nfolders = ['x', 'y']\n[pools.c]\nfolder = '/z'\n")
    assert found.folders("a") == ()
    assert found.folders("b") == (tmp_path / "x", tmp_path / "y")
    assert found.folders("c") == (Path("/z"),)
    assert found.trained == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[pools.a]\npolcy = 3", "pools.a.polcy: no such key; did you mean 'policy'?"),
        ("[pools.a]\ntrain.epoch = 3", "pools.a: train.epoch: no such key; did you mean 'epochs'?"),
        ("[pools.a]\nsweep.strategy = 'grid'\nfolder = 'b'", "pools.a: folder and sweep contradict each other"),
        ("[pools.a]\nfolder = 'b'\nfolders = ['c']", "pools.a: folder and folders contradict each other"),
        ("[pools.a]\nfolders = ['b', 'c']", "pools.a: 2 folders for 1 replicates; raise replicates"),
        ("[pools.a]\nfrom = 'b'\nmembers = 'seeds'\n[pools.c]", "pools.a.from: no pool 'b' that is no part"),
        ("[pools.a]\nfrom = 'c'\n[pools.c]", "pools.a: give from and members together"),
        ("[pools.a]\nmembers = 'best'\nfrom = 'c'\n[pools.c]", "pools.a.members: Input should be 'seeds'"),
        ("[pools]", "pools: Dictionary should have at least 1 item"),
        ("", "pools: is missing"),
        ("[pools.'../a']", "pools.../a: the name is that of a folder"),
        ("[budget]\n[pools.a]", "budget: give epochs or seconds, one of the two"),
        ("[budget]\nepochs = 0\n[pools.a]", "budget.epochs: Input should be greater than 0"),
        ("[scaling]\nof = 'each'\n[pools.eachs]", "scaling.of: the study has no pool 'each'; did you mean 'eachs'?"),
        ("replicates = 0\n[pools.a]", "replicates: Input should be greater than 0"),
        ("experiments = 3\n[pools.a]", "experiments: no such key; did you mean 'experiment'?"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        study_of(tmp_path, text)
    assert f"{tmp_path / 's.toml'}: {message}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_study_and_an_unknown_experiment(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no study named 'digit'; did you mean 'digits'"):
        load_study("digit")
    (tmp_path / "s.toml").write_text('experiment = "digit"\n[pools.a]')
    with pytest.raises(ConfigError, match="no experiment named 'digit'; did you mean 'digits'"):
        load_study(tmp_path / "s.toml")
