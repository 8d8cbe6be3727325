"""Experiments and recipes: strict, and every refusal names the key and what is allowed."""

from pathlib import Path

import pytest

from lrensemble.config import Experiment, Recipe, SplitSettings, TrainSettings, load_experiment, shipped, to_record
from lrensemble.errors import ConfigError, StorageError
from lrensemble.spec import Spec

TOML = """
[data]
name = "idx"
flip = true
folder = "images"

[model]
name = "mlp"
width = 32

[[policy]]
name = "one_cycle"
peak = [0.1, 0.2]

[[policy]]
name = "multi_step"
peak = 0.1
milestones = [0.5, 0.75]

[train]
epochs = 3
momentum = 0.9
"""


def write(folder: Path, text: str) -> str:
    path = folder / "experiment.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_lists_make_a_grid_but_milestones_stay_together(tmp_path: Path) -> None:
    experiment = load_experiment(write(tmp_path, TOML))
    assert experiment.policy == (
        Spec("one_cycle", {"peak": 0.1}),
        Spec("one_cycle", {"peak": 0.2}),
        Spec("multi_step", {"peak": 0.1, "milestones": (0.5, 0.75)}),
    )
    assert experiment.data.source == Spec("idx", {"flip": True})
    assert experiment.data.folder == Path("images")
    assert experiment.model == Spec("mlp", {"width": 32})
    assert experiment.train.epochs == 3


def test_names_may_be_written_as_text(tmp_path: Path) -> None:
    experiment = load_experiment(
        write(tmp_path, 'data = "digits"\nmodel = "mlp(width=8)"\npolicy = ["cosine(peak=0.1)"]')
    )
    assert experiment.data.source == Spec("digits")
    assert experiment.policy == (Spec("cosine", {"peak": 0.1}),)


@pytest.mark.parametrize(
    "policy",
    ['policy = "cosine(peak=0.1)"', '[policy]\nname = "cosine"\npeak = 0.1', '[[policy]]\nname = "cosine"\npeak = 0.1'],
)
def test_a_single_policy_is_a_list_of_one(policy: str, tmp_path: Path) -> None:
    experiment = load_experiment(write(tmp_path, f'data = "digits"\nmodel = "mlp"\n{policy}'))
    assert experiment.policy == (Spec("cosine", {"peak": 0.1}),)


def test_overrides_replace_keys_of_the_file(tmp_path: Path) -> None:
    experiment = load_experiment(write(tmp_path, TOML), {"train": {"epochs": 7}, "data": {"folder": "elsewhere"}})
    assert experiment.train.epochs == 7
    assert experiment.train.momentum == 0.9
    assert experiment.data.folder == Path("elsewhere")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 3", "epoch = 3", "train.epoch: no such key; did you mean 'epochs'"),
        ("[train]", "[training]", "training: no such key; did you mean 'train'"),
        ("epochs = 3", "epochs = 0", "train.epochs: .*greater than 0"),
        ("epochs = 3", 'epochs = "3"', "train.epochs: .*valid integer"),
        ("momentum = 0.9", "momentum = 1.5", "train.momentum: .*less than 1"),
        ("momentum = 0.9", "momentum = nan", "train.momentum: "),
        ("momentum = 0.9", "seed = -1", "train.seed: .*greater than or equal to 0"),
        ('name = "one_cycle"', "", "policy: .*a table with a name"),
        ('name = "mlp"', 'name = "m l p"', "model: .*is not a name"),
        ("[train]", "[train", "not valid TOML"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_path(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TOML
    path = write(tmp_path, TOML.replace(old, new))
    with pytest.raises(ConfigError, match=message) as caught:
        load_experiment(path)
    assert str(caught.value).startswith(path)
    assert "\n" not in str(caught.value)


def test_a_missing_section_is_named() -> None:
    with pytest.raises(ConfigError, match="here: model: is missing"):
        to_record(Experiment, {"data": "digits", "policy": ["cosine"]}, "here")
    with pytest.raises(ConfigError, match=r"policy: .*at least 1"):
        to_record(Experiment, {"data": "digits", "model": "mlp", "policy": []}, "here")


def test_an_unknown_experiment_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no experiment named 'digit'; did you mean 'digits'"):
        load_experiment("digit")
    with pytest.raises(StorageError, match=r"cannot read nowhere\.toml: No such file"):
        load_experiment("nowhere.toml")


def test_a_folder_does_not_stand_in_the_place_of_an_experiment_that_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()  # as `lrensemble export pool --out digits` makes it
    assert len(load_experiment("digits").policy) == 16
    (tmp_path / "digits").rmdir()
    (tmp_path / "digits").write_text('data = "digits"\nmodel = "mlp"\npolicy = ["cosine(peak=0.1)"]\n')
    assert len(load_experiment("digits").policy) == 1, "a file is meant by its path"
    (tmp_path / "others").mkdir()
    with pytest.raises(ConfigError, match="others is a folder and no experiment; give the path of a"):
        load_experiment("others")


@pytest.mark.parametrize("name", shipped())
def test_experiments_that_ship_can_be_read(name: str) -> None:
    assert len(load_experiment(name).policy) == 16


def recipe(**changes: object) -> Recipe:
    parts: dict[str, object] = {
        "data": "digits",
        "fingerprint": "ab12",
        "split": SplitSettings(),
        "model": "mlp(width=8)",
        "policy": "cosine(peak=0.1)",
        "train": TrainSettings(),
    }
    return Recipe.model_validate(parts | changes)


def test_the_id_is_stable_and_depends_on_every_part() -> None:
    assert recipe().id == recipe().id
    assert len(recipe().id) == 12
    assert recipe(policy={"name": "cosine", "peak": 0.1}).id == recipe().id, "both forms are the same recipe"
    changed = [
        recipe(policy="cosine(peak=0.2)"),
        recipe(model="mlp(width=9)"),
        recipe(fingerprint="ab13"),
        recipe(train=TrainSettings(seed=1)),
        recipe(split=SplitSettings(seed=1)),
    ]
    assert len({recipe().id, *(r.id for r in changed)}) == 6


IDS = {
    "c16551d8d046": {},
    "99db1314e875": {"epochs": 3, "momentum": 0.9, "seed": 5},
    "b8ec23779058": {"augment": ["flip"]},
    "f06270e50d32": {"ema": 0.99, "accumulate": 2},
    "26daf4345ab3": {"channels_last": False, "compile": True, "decay_norms": False},
}
"""Of members in pools that exist: a field that is added must be marked `LATER`, or all of them lose their names."""


@pytest.mark.parametrize(("known", "settings"), IDS.items())
def test_members_keep_their_names(known: str, settings: dict[str, object]) -> None:
    assert recipe(train=TrainSettings.model_validate(settings)).id == known


def test_a_member_of_an_earlier_epoch_has_a_name_of_its_own() -> None:
    assert recipe(at_epoch=4).id == "040d886cd4a9"


def test_a_recipe_reads_back_from_json() -> None:
    assert Recipe.model_validate_json(recipe().model_dump_json()) == recipe()
