"""Layers whose members lie side by side as channels say what each member's own layer says, and learn as it does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from lrensemble.train.run.fused.layers import MembersAsChannels
from lrensemble.train.run.fused.stacked import StackedModel

MEMBERS, BATCH, CHANNELS, HEIGHT, WIDTH = 3, 5, 4, 6, 8
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "max_pool": lambda: nn.MaxPool2d((2, 4), stride=2, padding=1),
    "max_pool_ceil": lambda: nn.MaxPool2d(4, ceil_mode=True, dilation=1),
    "avg_pool": lambda: nn.AvgPool2d(2),
    "adaptive_avg": lambda: nn.AdaptiveAvgPool2d((2, 3)),
    "adaptive_max": lambda: nn.AdaptiveMaxPool2d(2),
    "batch_norm": lambda: nn.BatchNorm2d(CHANNELS),
    "batch_norm_plain": lambda: nn.BatchNorm2d(CHANNELS, affine=False),
    "batch_norm_no_statistics": lambda: nn.BatchNorm2d(CHANNELS, track_running_stats=False),
}


def network(layer: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    made = nn.Sequential(nn.Conv2d(2, CHANNELS, 3, padding=1), LAYERS[layer](), nn.Flatten(), nn.LazyLinear(7))
    made(torch.randn(2, 2, HEIGHT, WIDTH))
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    return made.double()


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("shared", [True, False], ids=["same inputs", "own inputs"])
@pytest.mark.parametrize("layer", LAYERS)
def test_outputs_gradients_and_statistics_are_those_of_each_alone(layer: str, shared: bool, training: bool) -> None:
    networks = [network(layer, seed) for seed in range(MEMBERS)]
    shape = (BATCH, 2, HEIGHT, WIDTH) if shared else (MEMBERS, BATCH, 2, HEIGHT, WIDTH)
    inputs = torch.randn(shape, dtype=torch.float64)
    stacked = StackedModel(networks)
    logits = stacked.outputs(inputs, training=training, shared=shared)
    found = torch.autograd.grad(logits.square().sum(), list(stacked.weights.trained.values()))
    gradients = dict(zip(stacked.weights.trained, found, strict=True))
    for member, each in enumerate(networks):
        each.train(training)
        expected = each(inputs if shared else inputs[member])
        torch.testing.assert_close(logits[member], expected, rtol=1e-9, atol=1e-9)
        expected.square().sum().backward()
        for name, parameter in each.named_parameters():
            torch.testing.assert_close(gradients[name][member], parameter.grad, rtol=1e-8, atol=1e-8)
        for name, buffer in each.named_buffers():
            torch.testing.assert_close(stacked.buffers[name][member], buffer, rtol=1e-9, atol=1e-9)


def test_layers_without_a_rule_and_indices_of_the_largest_are_left_to_vmap() -> None:
    maps = torch.randn(MEMBERS, BATCH, CHANNELS, HEIGHT, WIDTH)
    calls: list[Callable[[Tensor], Any]] = [
        lambda each: functional.max_pool2d(each, 2, return_indices=True),
        lambda each: functional.max_pool2d(each[0], 2),
        functional.gelu,
    ]
    for call in calls:
        with MembersAsChannels():
            found = vmap(call)(maps)
        torch.testing.assert_close(found, vmap(call)(maps))


def test_maps_that_all_members_share_and_a_norm_before_them() -> None:
    networks = [nn.Sequential(nn.AvgPool2d(2), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2 * 3 * 4, 7)) for _ in "abc"]
    inputs = torch.randn(BATCH, 2, HEIGHT, WIDTH)
    found = StackedModel(networks).outputs(inputs, training=True, shared=True)
    torch.testing.assert_close(found, torch.stack([each(inputs) for each in networks]))


def test_statistics_that_are_not_each_members_own_are_refused() -> None:
    network = nn.BatchNorm2d(CHANNELS)
    parameters, buffers = stack_module_state([copy.deepcopy(network) for _ in range(MEMBERS)])
    inputs = torch.randn(MEMBERS, BATCH, CHANNELS, HEIGHT, WIDTH)

    def run(parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor) -> Tensor:
        output: Tensor = functional_call(network, (parameters, buffers), (inputs,))
        return output

    shared = {name: buffer[0] for name, buffer in buffers.items()}
    with MembersAsChannels(), pytest.raises(RuntimeError, match="running statistics that are not each member's own"):
        vmap(run, in_dims=(0, None, 0))(parameters, shared, inputs)
