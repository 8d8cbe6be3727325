"""Training on a GPU of CUDA's, where there is one, and the same on the CPU where there is none.

What is compared with the CPU is compared with its float64 or within the rounding of float32: the kernels are others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lrensemble.config import Experiment, TrainSettings
from lrensemble.data import Dataset
from lrensemble.models import build
from lrensemble.models.arithmetic import cuda_arithmetic
from lrensemble.policies import Policy
from lrensemble.pool import Pool
from lrensemble.spec import Spec
from lrensemble.train import SingleTrainee, tune
from lrensemble.train.execution.grouping import memory_for_groups
from lrensemble.train.run.fit import fit_members
from lrensemble.train.run.fused.trainee import StackedTrainee

pytestmark = pytest.mark.gpu
DEVICE = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
CPU = torch.device("cpu")
STEPS = 7
MODELS = ("mlp(width=7)", "cnn(width=3)", "resnet-9(width=3)")
MakeExperiment = Callable[..., Experiment]

only_there = pytest.mark.skipif(DEVICE.type == "cpu", reason="needs a GPU of CUDA's")


def policies(members: int) -> list[Policy]:
    def falling(member: int) -> Policy:
        return Policy(Spec("test"), STEPS, lambda step: 0.01 * (member + 1) / (1 + step))

    return [falling(member) for member in range(members)]


def trained(
    dataset: Dataset, device: torch.device, model: str, seeds: tuple[int, ...], chunk_steps: int = 1, **recipe: Any
) -> tuple[SingleTrainee | StackedTrainee, list[float]]:
    """A trainee after all its steps, and its losses, step by step, [step x member]."""
    here = dataset.to(device)
    settings = [TrainSettings.model_validate({"batch_size": 50, "seed": seed, **recipe}) for seed in seeds]
    networks = [build(model, here.shape, 10, seed).to(device) for seed in seeds]
    trainee: SingleTrainee | StackedTrainee
    trainee = (
        StackedTrainee(networks, here, settings) if len(seeds) > 1 else SingleTrainee(networks[0], here, *settings)
    )
    chunks = fit_members(trainee, policies(len(seeds)), chunk_steps=chunk_steps)
    return trainee, [loss for chunk in chunks for losses in chunk.losses for loss in losses]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seeds", [(4,), (4, 5, 6)])
def test_the_same_course_as_on_the_cpu(digits: Dataset, model: str, seeds: tuple[int, ...]) -> None:
    there, losses = trained(digits, DEVICE, model, seeds)
    here, expected = trained(digits, CPU, model, seeds)
    torch.testing.assert_close(losses, expected, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(there.predict("val"), here.predict("val"), rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("model", MODELS)
def test_members_of_a_group_are_trained_as_alone(digits: Dataset, model: str) -> None:
    group, _ = trained(digits, DEVICE, model, (4, 5, 6))
    for member, seed in enumerate((4, 5, 6)):
        policy = policies(3)[member]
        settings = TrainSettings(batch_size=50, seed=seed)
        alone = SingleTrainee(build(model, digits.shape, 10, seed).to(DEVICE), digits.to(DEVICE), settings)
        list(fit_members(alone, [policy]))
        torch.testing.assert_close(group.predict("val")[member], alone.predict("val")[0], rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("precision", ["tf32", "bfloat16", "float16"])
def test_every_precision_computes_the_same_but_for_rounding(digits: Dataset, optimizer: str, precision: str) -> None:
    seeds = (4,) if precision == "float16" else (4, 5)
    _, expected = trained(digits, DEVICE, "cnn(width=3)", seeds, optimizer=optimizer)
    _, losses = trained(digits, DEVICE, "cnn(width=3)", seeds, optimizer=optimizer, precision=precision)
    torch.testing.assert_close(losses[: len(seeds)], expected[: len(seeds)], rtol=2e-2, atol=2e-2)
    assert all(map(math.isfinite, losses))


def test_how_many_steps_are_done_before_a_look_changes_no_bit(digits: Dataset) -> None:
    _, one_by_one = trained(digits, DEVICE, "mlp(width=7)", (4, 5, 6))
    _, all_at_once = trained(digits, DEVICE, "mlp(width=7)", (4, 5, 6), chunk_steps=64)
    assert one_by_one == all_at_once


def test_inputs_that_do_not_fit_the_device_are_queued_for_it(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    augment = ["crop(padding=1)", "mixup"]
    _, expected = trained(digits, DEVICE, "mlp(width=7)", (4, 5), augment=augment)
    monkeypatch.setattr("lrensemble.data.dataset._room", lambda _: 0)
    assert digits.to(DEVICE).inputs.device == CPU
    _, losses = trained(digits, DEVICE, "mlp(width=7)", (4, 5), augment=augment)
    assert losses == expected


@pytest.mark.parametrize("execution", ["one-by-one", "fused", "measure", "auto"])
def test_a_whole_sweep(experiment: MakeExperiment, execution: str, tmp_path: Path) -> None:
    model = "cnn(width=3)" if execution != "one-by-one" else "mlp(width=7, dropout=0.2)"
    list(tune(experiment(model=model), tmp_path / "pool", execution=execution, device=str(DEVICE)))
    members = list(Pool.open(tmp_path / "pool").members())
    assert [member.status for member in members] == ["finished"] * 3
    assert all(member.scores["val"]["accuracy"] > 0.1 for member in members)


@only_there
@pytest.mark.long
def test_compiled_networks_learn_the_same(digits: Dataset) -> None:
    for seeds in ((4,), (4, 5)):
        _, losses = trained(digits, DEVICE, "cnn(width=3)", seeds, compile=True)
        _, expected = trained(digits, DEVICE, "cnn(width=3)", seeds)
        torch.testing.assert_close(losses, expected, rtol=1e-3, atol=1e-4)


@only_there
def test_float32_has_all_its_bits_and_tf32_has_not() -> None:
    torch.manual_seed(0)
    images, kernels = torch.randn(8, 64, 16, 16, device=DEVICE), torch.randn(64, 64, 3, 3, device=DEVICE)
    one, other = torch.randn(2, 512, 512, device=DEVICE)

    def errors() -> tuple[float, float]:
        convolved = torch.nn.functional.conv2d(images, kernels) - torch.nn.functional.conv2d(
            images.double(), kernels.double()
        )
        product = one @ other - one.double() @ other.double()
        return float(convolved.abs().max()), float(product.abs().max())

    with cuda_arithmetic(DEVICE):
        exact = errors()
    with cuda_arithmetic(DEVICE, tf32=True):
        short = errors()
    assert max(exact) < 1e-3
    if torch.cuda.get_device_capability(DEVICE) >= (8, 0):
        assert min(short) > 3e-3


@only_there
def test_the_same_bits_again_where_torch_is_deterministic(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        for seeds in ((4,), (4, 5)):
            first, losses = trained(digits, DEVICE, "resnet-9(width=3)", seeds)
            again, same = trained(digits, DEVICE, "resnet-9(width=3)", seeds)
            assert losses == same
            assert torch.equal(first.predict("val"), again.predict("val"))
    finally:
        torch.use_deterministic_algorithms(False)


@only_there
def test_memory_that_is_taken_is_not_counted_on() -> None:
    before = memory_for_groups(DEVICE)
    taken = torch.empty(2**28, dtype=torch.uint8, device=DEVICE)
    assert before - memory_for_groups(DEVICE) >= 2**27
    del taken
    assert abs(before - memory_for_groups(DEVICE)) < 2**28, "what torch keeps for later is free"
