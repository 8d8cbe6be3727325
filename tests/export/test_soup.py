"""One network in the place of a team: weights averaged where that works, or a student."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from tests.cli.command import Command
from tests.export.conftest import CLASSES, SHAPE, TeamBy
from torch import nn

from lrensemble import models
from lrensemble.config import Experiment
from lrensemble.data import Dataset, load, of_recipe
from lrensemble.errors import ConfigError, DataError, ExportError
from lrensemble.export import Description, Ensemble, Part, distill, soup
from lrensemble.export.batch_norm import reestimate
from lrensemble.export.distill import _targets
from lrensemble.export.soup import average
from lrensemble.export.variants import best_recipe
from lrensemble.pool import Pool
from lrensemble.spec import to_spec
from lrensemble.targets import Classes


@pytest.fixture(scope="module")
def dataset(experiment: Experiment) -> Dataset:
    return load(experiment.data, experiment.split)


def team_of(ensemble: Ensemble, model: str, networks: list[nn.Module]) -> Ensemble:
    """Networks of one architecture as a team of their own."""
    parts = tuple(Part(id=f"m{i}", name=f"m{i}", model=to_spec(model)) for i in range(len(networks)))
    changes = {"parts": parts, "weights": (1.0,) * len(networks)}
    return Ensemble(networks, Description.model_validate({**ensemble.description.model_dump(), **changes}))


def noisy(network: nn.Module, model: str, seed: int, scale: float) -> nn.Module:
    """A copy whose parameters are moved a little."""
    copy = models.build(model, SHAPE, len(CLASSES), 0)
    copy.load_state_dict(network.state_dict())
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=scale)
    return copy


def test_average_is_the_mean_of_each_tensor() -> None:
    first = {"a": torch.tensor([1.0, 2.0, 6.0]), "count": torch.tensor(3)}
    second = {"a": torch.tensor([2.0, 4.0, 1.0]), "count": torch.tensor(5)}
    found = average([first, second])
    assert found["a"].tolist() == [1.5, 3.0, 3.5]
    assert found["count"] == 3


@pytest.mark.parametrize(("model", "position"), [("cnn(width=3)", 0), ("mlp(width=7)", 1)])
@pytest.mark.parametrize("kind", ["uniform", "greedy"])
def test_neighbours_make_a_soup(
    ensemble: Ensemble, dataset: Dataset, model: str, position: int, kind: Literal["uniform", "greedy"]
) -> None:
    network = list(ensemble.members)[position]
    team = team_of(ensemble, model, [noisy(network, model, seed, 0.001) for seed in range(3)])
    before = {name: tensor.clone() for name, tensor in team.state_dict().items()}
    made = soup(team, dataset, kind=kind)
    assert len(made.barriers) == 2
    assert max(made.barriers.values()) <= 0.02
    expected = average([list(team.members)[int(name[1])].state_dict() for name in made.ingredients])
    found = next(iter(made.ensemble.members)).state_dict()
    for name, tensor in found.items():
        if "running" not in name and "tracked" not in name:
            torch.testing.assert_close(tensor, expected[name], rtol=0, atol=0)
    assert made.statistics in (("none",) if "mlp" in model else ("averaged", "re-estimated"))
    rows = dataset.rows["val"]
    correct = made.ensemble.predict(dataset.inputs[rows]) == made.ensemble.classes_[dataset.truth[rows].numpy()]
    assert made.accuracy == pytest.approx(float(correct.mean()))
    assert made.accuracy == pytest.approx(made.team_accuracy, abs=0.1)
    assert kind == "greedy" or len(made.ingredients) == 3
    torch.testing.assert_close(dict(team.state_dict()), before, rtol=0, atol=0)


def test_spoilt_statistics_are_estimated_again(ensemble: Ensemble, dataset: Dataset) -> None:
    network = next(iter(ensemble.members))
    networks = [noisy(network, "cnn(width=3)", seed, 0.001) for seed in range(2)]
    for one in networks:
        one.state_dict()["1.running_mean"] += 50.0
    made = soup(team_of(ensemble, "cnn(width=3)", networks), dataset)
    assert made.statistics == "re-estimated"
    assert made.accuracy > made.team_accuracy


def test_statistics_are_those_of_the_training_rows(dataset: Dataset) -> None:
    network = models.build("cnn(width=3)", SHAPE, len(CLASSES), 5)
    reestimate(network, dataset)
    convolution, norm = list(network.children())[:2]
    assert isinstance(norm, nn.BatchNorm2d)
    maps = convolution(dataset.batch(dataset.rows["train"])[0])
    torch.testing.assert_close(norm.running_mean, maps.mean(dim=(0, 2, 3)))
    torch.testing.assert_close(norm.running_var, maps.transpose(0, 1).flatten(1).var(dim=1))
    assert norm.momentum == 0.1
    assert not network.training
    assert not norm.training


def test_members_of_other_valleys_make_none(ensemble: Ensemble, dataset: Dataset) -> None:
    """The same function with its hidden units in another order: as good as itself, and half-way nothing."""
    network = list(ensemble.members)[3]
    permuted = models.build("mlp(width=7)", SHAPE, len(CLASSES), 0)
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    weights = [name for name in state if name.endswith("weight")]
    for before, after in itertools.pairwise(weights):
        bias = before.replace("weight", "bias")
        state[before], state[bias] = state[before][order], state[bias][order]
        state[after] = state[after][:, order]
    permuted.load_state_dict(state)
    inputs = dataset.batch(dataset.rows["val"])[0]
    torch.testing.assert_close(permuted(inputs), network(inputs))
    with pytest.raises(ExportError, match=r"no soup: half-way between .* at least \d+\.\d points of accuracy"):
        soup(team_of(ensemble, "mlp(width=7)", [network, permuted]), dataset)


def test_a_soup_needs_one_architecture(ensemble: Ensemble, dataset: Dataset) -> None:
    with pytest.raises(ExportError, match=r"of one architecture; the team has cnn\(width=3\), mlp\(width=7\)"):
        soup(ensemble, dataset)


def test_a_student_learns_what_the_team_says(ensemble: Ensemble, dataset: Dataset, pool: Pool) -> None:
    recipe = best_recipe(pool, ensemble)
    longer = recipe.model_copy(update={"train": recipe.train.model_copy(update={"epochs": 30})})
    student = distill(ensemble, dataset, longer, model="mlp(width=16)")
    assert [str(part.model) for part in student.ensemble.description.parts] == ["mlp(width=16)"]
    train = dataset.inputs[dataset.rows["train"]]
    agree = student.ensemble.predict(train) == ensemble.predict(train)
    truth = ensemble.classes_[dataset.truth[dataset.rows["train"]].numpy()]
    assert agree.mean() > 0.9
    assert agree.mean() > (ensemble.predict(train) == truth).mean()
    val = dataset.rows["val"]
    named = ensemble.classes_[dataset.truth[val].numpy()]
    assert student.accuracy == (student.ensemble.predict(dataset.inputs[val]) == named).mean()


def test_a_student_sees_training_rows_alone(ensemble: Ensemble, dataset: Dataset) -> None:
    targets = _targets(ensemble, dataset, 0.25)
    train = dataset.rows["train"]
    truth = np.eye(len(CLASSES))[dataset.truth[train]]
    expected = 0.75 * ensemble.predict_proba(dataset.inputs[train]) + 0.25 * truth
    np.testing.assert_allclose(targets[train], expected, atol=1e-6)
    others = torch.cat([dataset.rows["val"], dataset.rows["test"]])
    assert not targets[others].any()


def test_a_student_is_the_same_each_time_and_its_lesson_is_not_smoothed(
    ensemble: Ensemble, dataset: Dataset, pool: Pool
) -> None:
    recipe = best_recipe(pool, ensemble)
    smooth = recipe.model_copy(update={"train": recipe.train.model_copy(update={"label_smoothing": 0.5})})
    other = recipe.model_copy(update={"train": recipe.train.model_copy(update={"seed": 7})})
    first, again, smoothed, reseeded = (
        distill(ensemble, dataset, one).ensemble.state_dict() for one in (recipe, recipe, smooth, other)
    )
    torch.testing.assert_close(dict(again), dict(first), rtol=0, atol=0)
    torch.testing.assert_close(dict(smoothed), dict(first), rtol=0, atol=0)
    assert any(not torch.equal(reseeded[name], first[name]) for name in first)


def test_a_lesson_of_another_task_is_refused(ensemble: Ensemble, dataset: Dataset, pool: Pool) -> None:
    recipe = best_recipe(pool, ensemble)
    with pytest.raises(ExportError, match="3 classes that are not the 4 of the team"):
        distill(ensemble, replace(dataset, target=Classes(names=("x", "y", "z"))), recipe)
    with pytest.raises(DataError, match=r"the ensemble takes \[sample, 2, 6, 5\]"):
        distill(ensemble, replace(dataset, inputs=dataset.inputs[:, :, :4]), recipe)


def test_a_student_with_batch_norm_meets_no_row_alone(ensemble: Ensemble, dataset: Dataset, pool: Pool) -> None:
    recipe = best_recipe(pool, ensemble)
    train = recipe.train.model_copy(update={"batch_size": len(dataset.rows["train"]) - 1, "drop_last": False})
    with pytest.raises(ConfigError, match=r"train\.drop_last = false is refused: .*own_models:Batched cannot learn"):
        distill(ensemble, dataset, recipe.model_copy(update={"train": train}), model="tests.train.own_models:Batched")


def test_a_share_of_labels_above_one(ensemble: Ensemble, dataset: Dataset, pool: Pool) -> None:
    with pytest.raises(ExportError, match=r"labels = 1\.5 is refused; give a share from 0 to 1"):
        distill(ensemble, dataset, best_recipe(pool, ensemble), labels=1.5)


def test_other_data_are_not_taken_for_the_members_own(pool: Pool, ensemble: Ensemble, tmp_path: Path) -> None:
    recipe = best_recipe(pool, ensemble)
    labels = np.arange(120) % len(CLASSES)
    np.savez(tmp_path / "tiny.npz", x=np.zeros((120, *SHAPE), np.uint8), y=labels, classes=np.array(CLASSES))
    with pytest.raises(DataError, match="these are not the rows that the member was trained on"):
        of_recipe(recipe, tmp_path)


@pytest.mark.parametrize("variant", ["student", "greedy-soup"])
def test_on_the_command_line_by_the_first_name_of_the_option(
    pool: Pool, team_by: TeamBy, command: Command, data_folder: Path, tmp_path: Path, variant: str
) -> None:
    team_by()
    outcome = command(
        "export", pool.folder, "-m", "all", "--as", variant, "--data", data_folder, "--out", tmp_path / "one", "--json"
    )
    if variant == "student":
        assert outcome.status == 0, outcome.err
        record = json.loads(outcome.out)
        assert (record["variant"], record["as"]) == ("student", "student")
        assert set(record["val"]) == {"accuracy", "team_accuracy"}
        assert len(Ensemble.load(tmp_path / "one").members) == 1
        said = command("export", pool.folder, "--variant", "student", "--data", data_folder, "--out", tmp_path / "two")
        assert ", a single model, as bundle" in said.err, "what no team beats is not the student"
    else:
        assert outcome.status == 2
        assert "a soup needs two members or more of one architecture" in outcome.err
        assert list(tmp_path.iterdir()) == []
