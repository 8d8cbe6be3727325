"""A run that is written down and read back goes on to the same bits, with any optimizer; a damaged one does not."""

import logging
from pathlib import Path

import pytest
import torch
from torch import nn

from lrensemble.config import TrainSettings
from lrensemble.data import Dataset
from lrensemble.errors import StorageError, TrainingError
from lrensemble.models import build
from lrensemble.policies import Policy
from lrensemble.spec import Spec
from lrensemble.train import SingleTrainee, fit
from lrensemble.train.run.arithmetic.optimizers import check_optimizer
from lrensemble.train.run.progress.record import HistoryLine, Progress
from lrensemble.train.run.progress.state import restore_state, save_state

STEPS = 5
POLICY = Policy(Spec("test"), STEPS, lambda step: 0.01 / (1 + step))
MODEL = "cnn(width=3, dropout=0.3)"


def settings_for(optimizer: str) -> TrainSettings:
    return TrainSettings(batch_size=100, optimizer=Spec(optimizer))


def usable(name: str) -> bool:
    try:
        check_optimizer(settings_for(name))
    except TrainingError:
        return False
    return name != "SparseAdam"  # wants sparse gradients


OPTIMIZERS = [name for name in torch.optim.__all__ if name[0].isupper() and name != "Optimizer" and usable(name)]


def start(dataset: Dataset, optimizer: str) -> SingleTrainee:
    return SingleTrainee(build(MODEL, dataset.shape, 10, 0), dataset, settings_for(optimizer))


def test_every_usual_optimizer_is_among_them() -> None:
    assert {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "Rprop", "ASGD"} <= set(OPTIMIZERS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_after_any_step_it_ends_in_the_same_bits(digits: Dataset, tmp_path: Path, optimizer: str) -> None:
    history: tuple[HistoryLine, ...] = ({"step": 1, "rate": 0.1, "x": None},)
    whole = start(digits, optimizer)
    steps = []
    for step in fit(whole, POLICY):
        progress = Progress(step=step.step + 1, loss_sums=(step.loss,), histories=(history,))
        save_state(tmp_path / str(step.step + 1), progress, whole)
        steps.append(step)
    for entry in range(1, STEPS + 1):
        trainee = start(digits, optimizer)
        restored = restore_state(tmp_path / str(entry), trainee)
        assert restored == Progress(step=entry, loss_sums=(steps[entry - 1].loss,), histories=(history,))
        assert list(fit(trainee, POLICY, first_step=entry)) == steps[entry:]
        expected = whole.model.state_dict()
        assert all(torch.equal(expected[name], tensor) for name, tensor in trainee.model.state_dict().items())


@pytest.mark.parametrize(
    "settings",
    [
        TrainSettings(batch_size=100, ema=0.9),
        TrainSettings(batch_size=100, precision="float16", optimizer=Spec("adamw")),
        TrainSettings(batch_size=100, weight_decay=0.1, decay_norms=False),
    ],
    ids=["average", "float16", "groups"],
)
def test_what_is_kept_beside_the_weights_is_restored(digits: Dataset, tmp_path: Path, settings: TrainSettings) -> None:
    def begin() -> SingleTrainee:
        return SingleTrainee(build("cnn(width=3)", digits.shape, 10, 0), digits, settings)

    whole = begin()
    for step in fit(whole, POLICY):
        if step.step == 1:
            save_state(tmp_path / "state", Progress(step=2), whole)
    resumed = begin()
    assert restore_state(tmp_path / "state", resumed) == Progress(step=2)
    list(fit(resumed, POLICY, first_step=2))
    expected, found = whole.state(), resumed.state()
    assert expected.keys() == found.keys()
    assert all(torch.equal(tensor, found[name]) for name, tensor in expected.items())
    other = SingleTrainee(
        build("cnn(width=3)", digits.shape, 10, 0), digits, TrainSettings(batch_size=100, ema=0.5, precision="float16")
    )
    assert restore_state(tmp_path / "state", other) is None, "of another recipe"


@pytest.fixture
def saved(digits: Dataset, tmp_path: Path) -> Path:
    trainee = start(digits, "AdamW")
    next(fit(trainee, POLICY))
    save_state(tmp_path / "state.safetensors", Progress(step=1), trainee)
    return tmp_path / "state.safetensors"


def test_a_damaged_state_is_discarded_with_a_warning(
    digits: Dataset, saved: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = saved.read_bytes()
    header = int.from_bytes(content[:8], "little")
    broken = [content[:end] for end in (0, 5, 8, header // 2, header + 8, len(content) - 1)] + [
        content[:at] + bytes([content[at] ^ 2]) + content[at + 1 :]
        for at in (0, 3, 9, header // 3, header // 2, header + 100, len(content) // 2, len(content) - 1)
    ]
    for damaged in broken:
        saved.write_bytes(damaged)
        trainee = start(digits, "AdamW")
        before = {name: tensor.clone() for name, tensor in trainee.model.state_dict().items()}
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert restore_state(saved, trainee) is None
        assert f"{saved} cannot be used" in caplog.text
        assert all(torch.equal(before[name], tensor) for name, tensor in trainee.model.state_dict().items())
        assert not trainee.optimizer.state()
    saved.write_bytes(content)
    assert restore_state(saved, start(digits, "AdamW")) == Progress(step=1)


def test_the_state_of_another_model_is_discarded(
    digits: Dataset, saved: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = build("cnn(width=4)", digits.shape, 10, 0)
    assert restore_state(saved, SingleTrainee(model, digits, settings_for("AdamW"))) is None
    assert "its weights are those of another model" in caplog.text


def test_without_a_state_nothing_is_said(digits: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert restore_state(tmp_path / "none", start(digits, "SGD")) is None
    assert not caplog.text


def test_tied_weights_and_other_types_are_kept(digits: Dataset, tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 3, dtype=torch.bfloat16)
            self.second = nn.Linear(3, 3, dtype=torch.bfloat16)
            self.second.weight = self.first.weight
            self.register_buffer("mask", torch.tensor([True, False]))
            self.register_buffer("count", torch.tensor(7))

    saved, other = (SingleTrainee(Tied(), digits, settings_for("SGD")) for _ in range(2))
    save_state(tmp_path / "state", Progress(step=3), saved)
    assert restore_state(tmp_path / "state", other) == Progress(step=3)
    expected = saved.model.state_dict()
    assert all(torch.equal(expected[name], tensor) for name, tensor in other.model.state_dict().items())


def test_a_folder_that_cannot_be_written_is_refused_by_name(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"cannot write .*file/state"):
        save_state(tmp_path / "file" / "state", Progress(), start(digits, "SGD"))
