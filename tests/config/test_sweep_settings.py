"""What a sweep may vary: every form reads back, and every refusal names its key in the file."""

import json
from typing import Any

import pytest

from lrensemble.config import Experiment, Recipe, SplitSettings, TrainSettings, load_experiment, to_record
from lrensemble.config.space import DISTRIBUTIONS, Choice, RangeTestPeaks, Uniform
from lrensemble.errors import ConfigError
from lrensemble.spec import Spec


def experiment(sweep: dict[str, Any], **changes: Any) -> Experiment:
    content = {"data": "digits", "model": "mlp", "policy": ["one_cycle(peak=0.1)", "cosine"], "sweep": sweep}
    return to_record(Experiment, content | changes, "here")


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_range_of_values_has_an_example_that_a_sweep_takes(name: str) -> None:
    path = "policy.peak" if name == "range_test" else "model.width"
    read = experiment({"when": {"cosine": {path: str(DISTRIBUTIONS.example(name))}}})
    assert read.sweep.ranges("cosine") == {path: DISTRIBUTIONS.call(DISTRIBUTIONS.example(name))}
    assert Experiment.model_validate_json(read.model_dump_json()).sweep == read.sweep


def test_values_by_hand() -> None:
    assert DISTRIBUTIONS.call("integers(low=2, high=9, step=3)") == Choice((2, 5, 8))
    assert DISTRIBUTIONS.call("log_uniform(low=1, high=100)") == Uniform(1.0, 100.0, log=True)
    assert DISTRIBUTIONS.call("choice(values=[1, True])") == Choice((1, True))
    assert DISTRIBUTIONS.call("range_test(count=3)") == RangeTestPeaks(3, 1e-5, 10.0, 200)


OLD_ID = "c16551d8d046"

TOML = """
data = "digits"
model = "mlp"
[[policy]]
name = "one_cycle"
peak = [0.1, 0.2]
[[policy]]
name = "cosine"
[sweep]
strategy = "random(trials=16)"
[sweep.space]
train.batch_size = [32, 64]
"train.weight_decay" = "log_uniform(low=1e-5, high=1e-2)"
train.optimizer = ["adamw", {name = "sgd", momentum = 0.5}]
model = ["mlp", "cnn(width=4)"]
[sweep.when.cosine]
policy.peak = {name = "uniform", low = 0.1, high = 0.2}
train.momentum = [0.8]
"""


def test_dotted_nested_and_quoted_paths_are_one(tmp_path: Any) -> None:
    (tmp_path / "experiment.toml").write_text(TOML, encoding="utf-8")
    sweep = load_experiment(str(tmp_path / "experiment.toml")).sweep
    assert sweep.strategy == Spec("random", {"trials": 16})
    for_all = {
        "train.batch_size": Choice((32, 64)),
        "train.weight_decay": Uniform(1e-5, 1e-2, log=True),
        "train.optimizer": Choice(("adamw", Spec("sgd", {"momentum": 0.5}))),
        "model": Choice(("mlp", "cnn(width=4)")),
    }
    assert sorted(sweep.ranges("one_cycle")) == sorted(for_all)
    assert sweep.ranges("one_cycle") == for_all
    for_cosine = {"policy.peak": Uniform(0.1, 0.2), "train.momentum": Choice((0.8,))}
    assert sweep.ranges("cosine") == for_all | for_cosine
    assert sweep.key_path("cosine", "train.momentum") == "sweep.when.cosine.train.momentum"
    assert sweep.key_path("cosine", "model") == "sweep.space.model"


def space(**fields: Any) -> dict[str, Any]:
    return {"space": {key.replace("__", "."): value for key, value in fields.items()}}


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"strateg": "grid"}, r"sweep\.strateg: no such key; did you mean 'strategy'"),
        ({"epochs": 0}, r"sweep\.epochs: .*greater than 0"),
        ({"space": [1]}, r"sweep\.space: give a table of fields"),
        (space(train__batch_sise=[1]), r"sweep\.space\.train\.batch_sise: no such key; did you mean 'batch_size'"),
        (space(train=[1]), r"sweep\.space\.train: give one field of train, e\.g\. train\.batch_size"),
        (space(policy=["cosine"]), r"sweep\.space\.policy: give one field of policy"),
        (space(train__optimizer__alpha=[1]), r"sweep\.space\.train\.optimizer\.alpha: give one field of train"),
        (space(trian__seed=[1]), r"sweep\.space\.trian\.seed: no such part of a recipe; did you mean 'train'"),
        (space(split__val=[0.1]), r"sweep\.space\.split\.val: all members of a pool share split"),
        (space(train__batch_size=[]), r"sweep\.space\.train\.batch_size: .*at least one value"),
        (space(train__batch_size=[8, 16, 8]), r"sweep\.space\.train\.batch_size: 8 stands twice"),
        (space(train__batch_size=8), r"sweep\.space\.train\.batch_size: .*give a list, or one of choice, integers"),
        (space(train__batch_size=[8, 0]), r"sweep\.space\.train\.batch_size: .*greater than 0 \(given: 0\)"),
        (space(train__batch_size=["8"]), r"sweep\.space\.train\.batch_size: .*valid integer"),
        (space(train__momentum="uniform(low=0.5, high=1.5)"), r"sweep\.space\.train\.momentum: .*given: 1\.5"),
        (space(train__momentum="unifrom(low=0.5, high=0.7)"), r"no range of values named 'unifrom'; did you mean"),
        (space(train__momentum="uniform(low=0.5)"), r"sweep\.space\.train\.momentum: .*needs high"),
        (space(train__momentum="uniform(low=0.7, high=0.5)"), r"low = 0\.7 and high = 0\.5 contradict each other"),
        (space(model__width="integers(low=4, high=4)"), r"low = 4 and high = 4 contradict each other"),
        (space(train__weight_decay="log_uniform(low=0.0, high=0.5)"), r"low = 0\.0 is refused: a logarithm"),
        (space(train__weight_decay="range_test"), r"sweep\.space\.train\.weight_decay: a range test proposes peaks"),
        (space(policy__peak="range_test(steps=3)"), r"sweep\.space\.policy\.peak: steps = 3 are too few"),
        (space(model="uniform(low=0, high=1)"), r"sweep\.space\.model: a model has no range"),
        (space(policy__peak=[0.3]), r"sweep\.space\.policy\.peak: \[\[policy\]\] one_cycle has peak as well"),
        ({"when": {"cosin": {}}}, r"sweep\.when\.cosin: the experiment has no such policy; did you mean 'cosine'"),
        ({"when": {"cosine": {"train.sed": [1]}}}, r"sweep\.when\.cosine\.train\.sed: no such key"),
        ({"when": {"cosine": 3}}, r"sweep\.when\.cosine: give a table of fields"),
        (
            {"space": {"train.seed": [1]}, "when": {"cosine": {"train.seed": [2]}}},
            r"sweep\.when\.cosine\.train\.seed: stands in sweep\.space as well",
        ),
        ({"epochs": 8, "space": {"train.epochs": [1, 2]}}, r"sweep\.epochs: train\.epochs is given as well"),
    ],
)
def test_a_space_that_cannot_be_used_is_refused_with_its_path(sweep: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        experiment(sweep)
    assert str(caught.value).startswith("here: sweep.")
    assert "\n" not in str(caught.value)


def test_epochs_are_stated_once() -> None:
    with pytest.raises(ConfigError, match=r"here: sweep\.epochs: train\.epochs is given as well"):
        experiment({"epochs": 8}, train={"epochs": 4})
    assert experiment({"epochs": 8}, train={"seed": 4}).sweep.epochs == 8


def test_a_recipe_keeps_its_id_unless_it_is_taken_on_the_way() -> None:
    """The id as it was before members could be taken on the way: fixed, because old pools must stay usable."""
    parts = {
        "data": "digits",
        "fingerprint": "ab12",
        "split": SplitSettings(),
        "model": "mlp(width=8)",
        "policy": "cosine(peak=0.1)",
        "train": TrainSettings(),
    }
    recipe = Recipe.model_validate(parts)
    assert recipe.id == OLD_ID
    ids = {Recipe.model_validate(parts | {"at_epoch": epoch}).id for epoch in (None, 1, 2)}
    assert len(ids) == 3
    assert Recipe.model_validate(json.loads(recipe.model_dump_json())).id == OLD_ID
