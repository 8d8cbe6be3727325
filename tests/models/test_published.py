"""Published architectures: parameter counts against published figures, shapes, and names that cannot be listed."""

import pytest
import torch
from torch import nn

from lrensemble.errors import SpecError
from lrensemble.models import build, check
from lrensemble.models.resnet9 import Largest
from lrensemble.models.wrn import PreActivationBlock


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("spec", "shape", "classes", "published"),
    [
        ("wrn-28-10", (3, 32, 32), 10, 36_479_194),  # 36.5 million in Zagoruyko & Komodakis 2016, table 5
        ("wrn-28-10", (3, 32, 32), 100, 36_536_884),  # 90 more classes of 640 weights and one bias
        ("wrn-16-4", (3, 32, 32), 10, 2_748_890),  # 2.7 million in Zagoruyko & Komodakis 2016
        ("resnext50(stem='imagenet')", (3, 224, 224), 1000, 25_028_904),  # torchvision's resnext50_32x4d
        ("resnet-18(stem='imagenet')", (3, 224, 224), 1000, 11_689_512),  # torchvision's resnet18
        ("resnet-18", (3, 32, 32), 10, 11_173_962),  # a 3x3 stem: 9408 - 1728 fewer; 990 classes of 513 fewer
        ("resnet-56", (3, 32, 32), 10, 853_018),  # 0.85 million in He et al. 2016, table 6
        ("resnet-9", (3, 32, 32), 10, 6_573_120),  # 6.6 million in Page 2018
        ("vit", (3, 224, 224), 1000, 5_717_416),  # 5 million in Touvron et al. 2021, table 1; timm's deit_tiny
        ("vit(size='small')", (3, 224, 224), 1000, 22_050_664),  # 22 million there; timm's deit_small
        ("vit(size='base')", (3, 224, 224), 1000, 86_567_656),  # 86 million there; timm's vit_base
    ],
)
def test_parameters_are_as_published(spec: str, shape: tuple[int, ...], classes: int, published: int) -> None:
    with torch.device("meta"):
        model = build(spec, shape, classes, 0)
        assert parameters(model) == published
        assert model.eval()(torch.empty(2, *shape)).shape == (2, classes)


def test_the_stem_follows_the_image() -> None:
    def first(spec: str, side: int) -> tuple[int, ...]:
        with torch.device("meta"):
            model = build(spec, (3, side, side), 10, 0)
        return tuple(next(module for module in model.modules() if isinstance(module, nn.Conv2d)).kernel_size)

    assert first("resnext50", 32) == first("resnext50", 64) == first("resnet-18(stem='small')", 96) == (3, 3)
    assert first("resnext50", 65) == first("resnet-18", 224) == first("resnet-18(stem='imagenet')", 32) == (7, 7)


def test_a_wide_network_starts_a_stage_from_activated_maps() -> None:
    """With its last convolution silenced, a block passes its input on, or a 1x1 convolution of the activated input."""
    model = build("wrn-16-1", (1, 8, 8), 3, 0).eval()
    blocks = [module for module in model.modules() if isinstance(module, PreActivationBlock)]
    same, strided = blocks[0], blocks[2]
    assert strided.shortcut is not None
    maps = torch.randn(2, 16, 6, 8)
    for block in (same, strided):
        nn.init.zeros_(block.conv2.weight)
    assert torch.equal(same(maps), maps)
    active = torch.relu(strided.norm1(maps))
    assert torch.equal(strided(maps), strided.shortcut(active))
    assert strided(maps).shape == (2, 32, 3, 4)


def test_dropout_of_a_wide_network_acts_in_training_alone() -> None:
    model = build("wrn-10-1(dropout=0.5)", (1, 8, 8), 5, 0)
    inputs = torch.randn(2, 1, 8, 8)
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    assert torch.equal(model(inputs), model(inputs))


@pytest.mark.parametrize("spec", ["wrn-10-1", "resnet-9(width=4)", "resnet-56", "resnet-18"])
def test_many_members_in_one_program(spec: str) -> None:
    members = [build(spec, (1, 8, 8), 3, seed).eval() for seed in (0, 1)]
    stacked, buffers = torch.func.stack_module_state(members)
    inputs = torch.randn(2, 5, 1, 8, 8)

    def logits(weights: dict[str, torch.Tensor], own: dict[str, torch.Tensor], batch: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = torch.func.functional_call(members[0], (weights, own), (batch,))
        return out

    together = torch.func.vmap(logits)(stacked, buffers, inputs)
    alone = torch.stack([member(batch) for member, batch in zip(members, inputs, strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("members", [None, 3], ids=["alone", "together"])
def test_the_last_pooling_of_resnet_9_has_the_numbers_of_global_max_pooling(members: int | None) -> None:
    maps = torch.relu(torch.randn(*([members] if members else []), 4, 8, 3, 5))  # zeros are equal: the first counts
    maps[..., 0, :, :] = 0

    def gradient(pool: nn.Module) -> torch.Tensor:
        given = maps.clone().requires_grad_()
        said = torch.func.vmap(pool)(given) if members else pool(given)
        said.mul(torch.arange(1.0, said.numel() + 1).view_as(said)).sum().backward()
        assert given.grad is not None
        return torch.cat([said.flatten(), given.grad.flatten()])

    ours = nn.Sequential(nn.Flatten(2), Largest())
    theirs = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten())
    assert torch.equal(gradient(ours), gradient(theirs))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("wrn-27-10", r"'wrn-27-10' cannot be built; wrn-DEPTH-WIDTH takes depths of 6n \+ 4"),
        ("wrn-4-1", "'wrn-4-1' cannot be built"),
        ("wrn-16-0", "'wrn-16-0' cannot be built"),
        ("wrn-016-4", "'wrn-016-4' is written 'wrn-16-4'"),
        ("wrn-16-04", "'wrn-16-04' is written 'wrn-16-4'"),
        ("wrn-16-2(drop=0.1)", "model 'wrn-16-2' has no argument 'drop'; did you mean 'dropout'"),
        ("wrn-16", "no model named 'wrn-16'; did you mean"),
        ("resnext50(stem='big')", "stem = 'big' is refused"),
    ],
)
def test_a_name_that_stands_for_no_model(spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        check(spec)


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ("wrn-10-1", (12,), r"'wrn-10-1' needs images of at least 4x4; an input here has shape \(12,\)"),
        ("resnet-9", (1, 7, 9), "'resnet-9' needs images of at least 8x8"),
        ("resnet-18", (12,), "'resnet-18' needs images"),
        ("resnet-56", (12,), "'resnet-56' needs images"),
        ("resnext50", (3, 7, 32), r"needs images of at least 8x8; an input here has shape \(3, 7, 32\)"),
        ("resnext50(stem='imagenet')", (3, 31, 32), "needs images of at least 32x32"),
    ],
)
def test_images_that_do_not_fit(spec: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(spec, shape, 10, 0)
