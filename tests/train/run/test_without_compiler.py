"""Training as torch would do it, without torch's compiler: whoever compiles nothing does not wait for its import."""

import functools
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lrensemble import models
from lrensemble.train.run.arithmetic import flops
from lrensemble.train.run.arithmetic.eager import eager
from lrensemble.train.run.arithmetic.flops import forward_flops

ROWS, STEPS = 3, 4
SHAPE, OUTPUTS = (2, 16, 16), 5
BUILT = ("mlp(width=6)", "cnn(width=3)", "wrn-10-1", "vit(patch=4)")
KINDS = (torch.optim.SGD, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adadelta, torch.optim.NAdam)

TRAINED = """
import sys
import torch
from lrensemble.config import TrainSettings
from lrensemble.models import build
from lrensemble.train.run.arithmetic.flops import forward_flops
from lrensemble.train.run.arithmetic.scaled import ScaledOptimizer

network, inputs = build("cnn(width=3)", (1, 8, 8), 4, 0), torch.ones(2, 1, 8, 8)
assert forward_flops(network, inputs) > 0
optimizer = ScaledOptimizer(dict(network.named_parameters()), TrainSettings(), inputs.device)
for step in range(2):
    optimizer.begin([0.1])
    network(inputs).sum().backward()
    optimizer.update(0.1)
state = optimizer.state()
optimizer.load({name.removeprefix("optimizer/"): each for name, each in state.items()}, {})
print(*{"torch._dynamo", "sympy"} & set(sys.modules))
"""


def network() -> nn.Module:
    return models.build("mlp(width=6)", (7,), OUTPUTS, 0)


def trained(kind: Callable[..., torch.optim.Optimizer], **settings: object) -> list[torch.Tensor]:
    """Weights after some steps, and what the optimizer keeps."""
    model = network()
    optimizer = kind(model.parameters(), lr=0.05, **settings)
    inputs = torch.linspace(-1, 1, ROWS * 7).view(ROWS, 7)
    for _ in range(STEPS):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
    kept = [each for state in optimizer.state.values() for each in state.values() if isinstance(each, torch.Tensor)]
    return [*model.parameters(), *kept]


@pytest.mark.parametrize("kind", KINDS)
def test_an_eager_optimizer_takes_the_steps_of_torchs_own(kind: type[torch.optim.Optimizer]) -> None:
    own, expected = trained(eager(kind), weight_decay=0.01), trained(kind, weight_decay=0.01)
    assert len(own) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(own, expected, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(own, network().parameters(), strict=False))


def test_an_eager_optimizer_is_known_by_its_name_and_its_class() -> None:
    optimizer = eager(torch.optim.SGD)([nn.Parameter(torch.zeros(2))], lr=0.1)
    assert isinstance(optimizer, torch.optim.SGD)
    assert repr(optimizer).startswith("SGD (")


def test_an_optimizer_with_a_wrapper_that_is_not_known_is_left_as_it_is() -> None:
    def wrapped(step: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(step)
        def inner(*args: Any) -> Any:
            return step(*args)

        return inner

    class Wrapped(torch.optim.SGD):
        step = wrapped(torch.optim.SGD.step)

    assert eager(Wrapped) is Wrapped
    assert not [kind for kind in KINDS if eager(kind) is kind]


def test_an_eager_step_is_differentiable_where_it_is_asked_to_be() -> None:
    leaf = torch.tensor([2.0], requires_grad=True)
    weights = leaf.clone()
    optimizer = eager(torch.optim.SGD)([weights], lr=0.1, differentiable=True)
    weights.grad = 3 * leaf
    optimizer.step()
    (slope,) = torch.autograd.grad(weights.sum(), leaf)
    assert slope.item() == pytest.approx(1 - 0.1 * 3)


@pytest.mark.parametrize("model", BUILT)
def test_operations_are_those_that_torch_counts(model: str) -> None:
    built, inputs = models.build(model, SHAPE, OUTPUTS, 0), torch.zeros(ROWS, *SHAPE)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        built.eval()(inputs)
    assert forward_flops(built, inputs) == counter.get_total_flops() > 0


def test_operations_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    two = nn.Sequential(nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, OUTPUTS))
    assert forward_flops(two, torch.zeros(ROWS, 7)) == 2 * ROWS * (7 * 6 + 6 * OUTPUTS)
    monkeypatch.setattr(flops, "flop_counter", SimpleNamespace())  # as in a torch whose counter has no such part
    assert forward_flops(two, torch.zeros(ROWS, 7)) == 2 * ROWS * (7 * 6 + 6 * OUTPUTS)


def test_training_imports_no_compiler() -> None:
    found = subprocess.run([sys.executable, "-c", TRAINED], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
