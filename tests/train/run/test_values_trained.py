"""Networks that learn numbers: together as alone, in every form, from the recipe to the pool."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrensemble import models
from lrensemble.config import DataSettings, Experiment, SplitSettings, TrainSettings
from lrensemble.data import Dataset, load
from lrensemble.errors import ConfigError, DataError
from lrensemble.metrics import METRICS
from lrensemble.policies import build
from lrensemble.pool import Pool
from lrensemble.spec import Spec
from lrensemble.targets import Values
from lrensemble.train import Ended, SingleTrainee, fit, range_test, tune
from lrensemble.train.run.fit import fit_members
from lrensemble.train.run.fused.trainee import StackedTrainee

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, Any]]
FORMS = ["values", "gaussian"]
SMALL: dict[str, Any] = {"batch_size": 40, "optimizer": "adamw"}


@pytest.fixture(scope="session")
def linnerud() -> Dataset:
    """Three outputs."""
    return load(DataSettings(source=Spec("linnerud")), SplitSettings(val=0.2, test=0.2))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("augment", [(), (Spec("mixup"),)], ids=["plain", "mixup"])
@pytest.mark.parametrize("seeds", [(3, 3), (3, 4)], ids=["same rows", "other rows"])
def test_members_together_are_as_they_would_be_alone(
    linnerud: Dataset, form: Any, augment: tuple[Spec, ...], seeds: tuple[int, ...]
) -> None:
    settings = [TrainSettings(batch_size=5, form=form, seed=seed, augment=augment) for seed in seeds]
    policies = [build(f"constant(peak={peak})", 30) for peak in (0.02, 0.05)]
    outputs = linnerud.head(form).outputs

    def networks() -> list[torch.nn.Module]:
        return [models.build("mlp(width=6)", linnerud.shape, outputs, seed) for seed in seeds]

    stacked = StackedTrainee(networks(), linnerud, settings)
    losses = np.concatenate([chunk.losses for chunk in fit_members(stacked, policies)])
    for member, network in enumerate(networks()):
        trainee = SingleTrainee(network, linnerud, settings[member])
        alone = [step.loss for step in fit(trainee, policies[member])]
        np.testing.assert_allclose(losses[:, member], alone, rtol=1e-4)
        torch.testing.assert_close(stacked.predict("test")[member], trainee.predict("test")[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("form", "model"),
    [
        *((form, "cnn(width=2)") for form in FORMS),
        *(pytest.param(form, "resnet-20", marks=pytest.mark.long) for form in FORMS),
    ],
)
def test_a_network_of_images_learns_numbers(form: Any, model: str, tmp_path: Path) -> None:
    """The mean brightness of an image: convolutions find it at once."""
    light = np.linspace(0.1, 1, 300)[:, None, None]
    images = (light * np.random.default_rng(0).integers(0, 256, (300, 8, 8))).astype(np.uint8)
    np.savez(tmp_path / "data.npz", x=images, y=images.mean(axis=(1, 2)))
    dataset = load(DataSettings(source=Spec("npz", {"file": "data.npz"}), folder=tmp_path), SplitSettings())
    network = models.build(model, dataset.shape, dataset.head(form).outputs, 0)
    trainee = SingleTrainee(network, dataset, TrainSettings(batch_size=12, form=form, optimizer=Spec("adam")))
    list(fit(trainee, build("one_cycle(peak=0.02)", 100)))
    error = trainee.predict("test")[0, :, :1].numpy() - dataset.truth_of("test")
    assert np.sqrt((error**2).mean()) < 0.5 * dataset.truth_of("test").std()


@pytest.fixture
def diabetes(experiment: MakeExperiment) -> MakeExperiment:
    """A sweep over patients."""

    def make(**changes: Any) -> Experiment:
        train = SMALL | changes.pop("train", {})
        return experiment(**{"data": "diabetes", "model": "mlp(width=7)", **changes, "train": train})

    return make


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("execution", ["one-by-one", "fused", "workers"])
def test_a_sweep_over_numbers_fills_a_pool(diabetes: MakeExperiment, form: str, execution: str, tmp_path: Path) -> None:
    events = list(tune(diabetes(train={"form": form, "epochs": 8}), tmp_path, execution=execution))
    assert [event.status for event in events if isinstance(event, Ended)] == ["finished"] * 3
    pool = Pool.open(tmp_path)
    assert pool.task.target == Values(names=("progression",))
    for member in pool.members():
        said = member.predictions("val")
        assert (member.form, said.form) == (form, form)
        assert member.scale is not None
        assert member.scale.mean[0] == pytest.approx(152, abs=5)
        seen, truth = pool.task.target.seen(said), pool.truth("val")
        scores = member.scores["val"]
        assert {"mse", "rmse"} <= set(scores)
        assert ("gaussian_nll" in scores) == (form == "gaussian")
        assert scores["rmse"] == METRICS.call("rmse", seen, truth)
        assert scores["rmse"] < truth.std(), "better than the mean of all patients"
        assert {f"val_{name}" for name in scores} <= set(member.history()[-1])


def test_a_run_that_diverges_leaves_no_predictions(diabetes: MakeExperiment, tmp_path: Path) -> None:
    policies = ["constant(peak=1e30)", "constant(peak=0.01)"]
    for execution in ("one-by-one", "fused"):
        sweep = diabetes(policy=policies, train={"optimizer": "sgd"})
        list(tune(sweep, tmp_path / execution, execution=execution))
        gone, there = Pool.open(tmp_path / execution).members(include_diverged=True)
        assert (gone.status, there.status) == ("diverged", "finished")
        assert gone.history()[-1]["val_mse"] is None


def test_both_forms_in_one_pool(diabetes: MakeExperiment, tmp_path: Path) -> None:
    sweep = diabetes(policy=["constant(peak=0.01)"], sweep={"space": {"train.form": FORMS}})
    list(tune(sweep, tmp_path, execution="fused"))
    assert {member.form for member in Pool.open(tmp_path).members()} == set(FORMS)


def test_settings_without_a_meaning_end_the_sweep_before_it_begins(
    diabetes: MakeExperiment, experiment: MakeExperiment, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"train\.label_smoothing = 0\.1 is refused"):
        tune(diabetes(train={"label_smoothing": 0.1}), tmp_path)
    with pytest.raises(ConfigError, match=r"sweep\.space\.train\.label_smoothing: .* refused"):
        tune(diabetes(sweep={"space": {"train.label_smoothing": [0.0, 0.1]}}), tmp_path)
    with pytest.raises(ConfigError, match=r"train\.form = 'gaussian' is refused: networks that learn classes"):
        tune(experiment(train={"form": "gaussian"}), tmp_path)


def test_a_pool_of_classes_is_no_pool_of_numbers(diabetes: MakeExperiment, tmp_path: Path) -> None:
    list(tune(diabetes(policy=["constant(peak=0.01)"]), tmp_path))
    members = Pool.open(tmp_path).members()
    again = [event for event in tune(diabetes(policy=["constant(peak=0.01)"]), tmp_path) if isinstance(event, Ended)]
    assert [event.status for event in again] == ["exists"]
    assert members == Pool.open(tmp_path).members()


@pytest.mark.parametrize("form", FORMS)
def test_a_range_test_reads_peaks_off_the_loss_of_numbers(form: Any) -> None:
    dataset = load(DataSettings(source=Spec("diabetes")), SplitSettings())
    found = range_test("mlp(width=7)", dataset, TrainSettings(batch_size=40, form=form), count=3, steps=100)
    assert 1e-5 < found.floor < found.peak < 10
    assert len(found.peaks) == 3


def test_a_batch_above_the_rows_is_refused(diabetes: MakeExperiment, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.batch_size = 4000 is above"):
        list(tune(diabetes(train={"batch_size": 4000}), tmp_path))
