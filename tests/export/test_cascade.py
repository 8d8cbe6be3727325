"""A cascade asks as few members as its wish allows, and says what that gives and takes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.cli.command import Command
from tests.export.conftest import TeamBy

from lrensemble.config import Experiment
from lrensemble.data import Dataset, load
from lrensemble.errors import ExportError, PoolError
from lrensemble.evaluate import looks
from lrensemble.export import Ensemble, Stages, cascade, ensemble_of, measure
from lrensemble.export.cascade import CascadeQuality
from lrensemble.export.onnx import export_onnx
from lrensemble.pool import Pool

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]

OPERATIONS = {
    "cnn(width=3)": 2 * (6 * 5 * 3 * 2 * 9 + (3 * 2 * 3) * 4),
    "mlp(width=7)": 2 * (60 * 7 + 7 * 7 + 7 * 4),
}
"""Multiplications and additions of a row of 2x6x5, by hand: convolution and linear layer; three linear layers."""


@pytest.fixture(scope="module")
def ensemble(pool: Pool, team_by: TeamBy) -> Ensemble:
    return ensemble_of(pool, team_by("all", "geometric_mean"))


@pytest.fixture(scope="module")
def dataset(experiment: Experiment) -> Dataset:
    return load(experiment.data, experiment.split)


def staged(ensemble: Ensemble, order: tuple[int, ...], thresholds: tuple[float, ...]) -> Ensemble:
    stages = Stages(order=order, thresholds=thresholds)
    return Ensemble(list(ensemble.members), ensemble.description.model_copy(update={"stages": stages}))


def test_each_row_stops_where_its_mean_is_sure(ensemble: Ensemble, images: Images) -> None:
    order, thresholds = (2, 0, 3, 1), (0.6, 0.5, 0.4)
    made = staged(ensemble, order, thresholds)
    probs, used = made.in_stages(torch.from_numpy(images[0]))
    each = ensemble.member_log_probs(torch.from_numpy(images[0])).double().exp()
    whole = ensemble(torch.from_numpy(images[0]))
    for row in range(len(images[0])):
        for stage in range(4):
            mean = each[list(order[: stage + 1]), row].mean(dim=0)
            if stage == 3:
                mean = whole[row]
            if stage == 3 or mean.max() >= thresholds[stage]:
                break
        assert used[row] == stage + 1
        torch.testing.assert_close(probs[row], mean, rtol=0, atol=1e-6)
    assert set(used.tolist()) == {1, 2, 3, 4}


def test_thresholds_at_the_ends(ensemble: Ensemble, images: Images) -> None:
    inputs = torch.from_numpy(images[0])
    everyone, used = staged(ensemble, (3, 1, 0, 2), (2.0, 2.0, 2.0)).in_stages(inputs)
    torch.testing.assert_close(everyone, ensemble(inputs), rtol=0, atol=1e-6)
    assert set(used.tolist()) == {4}
    first, used = staged(ensemble, (3, 1, 0, 2), (0.0, 2.0, 2.0)).in_stages(inputs)
    torch.testing.assert_close(first, ensemble.member_log_probs(inputs)[3].double().exp(), rtol=0, atol=1e-6)
    assert set(used.tolist()) == {1}
    none, used = staged(ensemble, (3, 1, 0, 2), (0.0, 2.0, 2.0)).in_stages(inputs[:0])
    assert (len(none), len(used)) == (0, 0)


@pytest.mark.parametrize("wish", [{}, {"accuracy": 0.5}, {"cost": 0.4}, {"cost": 1.0}])
def test_what_is_promised_is_what_running_it_gives(
    ensemble: Ensemble, pool: Pool, dataset: Dataset, wish: dict[str, float]
) -> None:
    found = cascade(ensemble, pool, **wish)
    rows = dataset.rows["val"]
    probs, used = found.ensemble.in_stages(dataset.inputs[rows])
    accuracy = (probs.argmax(dim=1) == dataset.truth[rows]).double().mean()
    assert found.expected.accuracy == pytest.approx(float(accuracy), abs=1e-9)
    assert found.expected.rows == len(rows)
    assert found.expected.cost <= wish.get("cost", 1.0) + 1e-12
    assert found.expected.accuracy >= wish.get("accuracy", 0.0 if wish else found.expected.team_accuracy)
    stages = found.ensemble.description.stages
    assert stages is not None
    assert sorted(stages.order) == [0, 1, 2, 3]
    each = np.array([OPERATIONS[str(part.model)] for part in found.ensemble.description.parts])
    shares = np.cumsum(each[list(stages.order)]) / each.sum()
    assert found.expected.cost == pytest.approx(shares[used.numpy() - 1].mean())
    again = measure(found.ensemble, pool, "val")
    assert again == found.expected
    assert measure(found.ensemble, pool, "test").rows == len(dataset.rows["test"])


def test_it_is_the_cheapest_of_all_shared_thresholds(ensemble: Ensemble, pool: Pool) -> None:
    found = cascade(ensemble, pool)
    stages = found.ensemble.description.stages
    assert stages is not None
    for level in np.linspace(0, 1, 41):
        other = measure(staged(ensemble, stages.order, (float(level),) * 3), pool, "val")
        assert other.accuracy < found.expected.team_accuracy or other.cost >= found.expected.cost - 1e-12


def test_at_a_cost_it_is_as_near_its_team_as_it_can_be(ensemble: Ensemble, pool: Pool) -> None:
    """With all the cost it is the team; with less, no shared threshold of that cost is nearer."""
    whole = cascade(ensemble, pool, cost=1.0).expected
    assert (whole.agreement, whole.accuracy) == (1.0, whole.team_accuracy)
    assert cascade(ensemble, pool).expected == cascade(ensemble, pool, cost=0.5).expected
    found = cascade(ensemble, pool, cost=0.6)
    stages = found.ensemble.description.stages
    assert stages is not None
    near = min(found.expected.accuracy, found.expected.team_accuracy), found.expected.agreement
    for level in np.linspace(0, 1.1, 12):
        other = measure(staged(ensemble, stages.order, (float(level),) * 3), pool, "val")
        assert other.cost > 0.6 or (min(other.accuracy, other.team_accuracy), other.agreement) <= near


@pytest.mark.parametrize(
    ("accuracy", "cost", "reaches"), [(0.8, 0.5, True), (0.7995, 0.5, True), (0.7985, 0.5, False), (0.8, 0.51, False)]
)
def test_when_it_reaches_its_team(accuracy: float, cost: float, reaches: bool) -> None:
    assert CascadeQuality(accuracy, team_accuracy=0.8, agreement=0.9, cost=cost, rows=7).reaches_team is reaches


def test_a_cascade_is_saved_as_one_and_has_no_onnx(
    ensemble: Ensemble, pool: Pool, images: Images, tmp_path: Path
) -> None:
    made = cascade(ensemble, pool, cost=0.6).ensemble
    made.save(tmp_path / "cascade")
    loaded = Ensemble.load(tmp_path / "cascade")
    np.testing.assert_array_equal(loaded.predict_proba(images[0]), made.predict_proba(images[0]))
    with pytest.raises(ExportError, match="a cascade stops where it is sure"):
        export_onnx(made, tmp_path / "cascade.onnx")


def test_wishes_that_cannot_be(ensemble: Ensemble, pool: Pool, team_by: TeamBy, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="give one of the two"):
        cascade(ensemble, pool, accuracy=0.9, cost=0.5)
    with pytest.raises(ExportError, match=r"no cascade of these members reaches that: the nearest has accuracy 0\.\d+"):
        cascade(ensemble, pool, accuracy=1.01)
    with pytest.raises(ExportError, match="no cascade of these members reaches that"):
        cascade(ensemble, pool, cost=0.001)
    with pytest.raises(ExportError, match="needs two members or more"):
        cascade(ensemble_of(pool, team_by("best")), pool)
    with pytest.raises(ExportError, match="is no cascade"):
        ensemble.in_stages(torch.zeros(1, 2, 6, 5))
    with pytest.raises(ExportError, match="is no cascade"):
        measure(ensemble, pool)
    empty = Pool.create(tmp_path / "empty", pool.task, {split: pool.truth(split) for split in pool.task.splits})
    with pytest.raises(PoolError, match="name the pool that the ensemble was made of"):
        cascade(ensemble, empty)


def test_on_the_command_line(pool: Pool, team_by: TeamBy, command: Command, tmp_path: Path) -> None:
    team_by()
    before = len(looks(pool))
    outcome = command(
        "export", pool.folder, "-m", "all", "--variant", "cascade", "--cost", 0.5, "--out", tmp_path / "c", "--json"
    )
    assert outcome.status == 0, outcome.err
    assert looks(pool)[before].teams[0].startswith("a cascade of a team of 4 by nll, ")
    assert len(looks(pool)) == before + 1
    record = json.loads(outcome.out)
    assert record["variant"] == "cascade"
    assert record["val"]["cost"] <= 0.5
    assert set(record["test"]) == {"accuracy", "team_accuracy", "agreement", "cost", "rows"}
    assert record["reaches_team"] in (True, False)
    assert Ensemble.load(tmp_path / "c").description.stages is not None
    outcome = command("export", pool.folder, "--cost", 0.5, "--out", tmp_path / "d")
    assert (outcome.status, outcome.err) == (
        2,
        "lrensemble: --accuracy and --cost are options of a cascade; add --variant cascade\n",
    )
