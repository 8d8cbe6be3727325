"""Every model: logits of the right shape, an initialisation that is a function of the seed, arguments checked."""

import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lrensemble.errors import SpecError, UnknownNameError
from lrensemble.models import MODELS, build, check
from lrensemble.models.resnet import Block
from lrensemble.models.wrn import wide_resnet

ARRAYS = [name for name in MODELS if not MODELS.facts(name).sequences]
"""Models whose inputs are arrays."""

SHAPES = [(1, 8, 8), (3, 28, 20), (2, 33, 9)]
LARGE = ("wrn-28-10", "resnext50", "vit")
"""Models of which a pass takes long: they are tried on one shape, and the slowest, whose kind is tried by smaller ones
elsewhere, in the long tests."""


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param(
            name, shape, marks=[pytest.mark.long] * (name in LARGE and (shape != SHAPES[1] or name == LARGE[0]))
        )
        for name in ARRAYS
        for shape in SHAPES
    ],
)
def test_logits_have_a_row_for_each_input_and_a_column_for_each_class(name: str, shape: tuple[int, ...]) -> None:
    model = build(MODELS.example(name), shape, outputs=7, seed=0)
    logits = model(torch.zeros(5, *shape))
    assert logits.shape == (5, 7)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name in LARGE)) for name in ARRAYS])
def test_initial_weights_are_a_function_of_the_seed_and_no_random_generator_moves(name: str) -> None:
    torch_state, python_state, numpy_state = torch.get_rng_state(), random.getstate(), str(np.random.get_state())
    first, again, other = (build(name, (1, 8, 8), 4, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch_state, torch.get_rng_state())
    assert (python_state, numpy_state) == (random.getstate(), str(np.random.get_state()))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_parameter_counts_by_hand() -> None:
    assert parameters(build("mlp(width=11, depth=2)", (2, 3, 5), 7, 0)) == 30 * 11 + 11 + 11 * 11 + 11 + 11 * 7 + 7
    assert parameters(build("mlp(width=11, depth=1)", (9,), 7, 0)) == 9 * 11 + 11 + 11 * 7 + 7
    one_stage = 9 * 2 * 5 + 2 * 5 + (5 * 4 * 4) * 7 + 7
    assert parameters(build("cnn(width=5)", (2, 8, 8), 7, 0)) == one_stage
    two_stages = 9 * 2 * 5 + 2 * 5 + 9 * 5 * 10 + 2 * 10 + (10 * 7 * 7) * 7 + 7
    assert parameters(build("cnn(width=5)", (2, 28, 28), 7, 0)) == two_stages


def test_resnet_20_has_the_layers_and_parameters_of_the_paper() -> None:
    model = build("resnet-20", (3, 32, 32), 10, 0)
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert len(layers) == 20
    convolutions = 9 * (3 * 16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64)
    norms = 2 * (16 + 6 * (16 + 32 + 64))
    assert parameters(model) == convolutions + norms + 64 * 10 + 10 == 269_722


def test_a_resnet_block_starts_from_its_shortcut() -> None:
    """With the residual branch silenced, a strided block passes every second pixel and pads channels with zeros."""
    blocks = [module for module in build("resnet-20", (1, 8, 8), 3, 0).children() if isinstance(module, Block)]
    block = next(block for block in blocks if block.stride == 2)
    nn.init.zeros_(block.norm2.weight)
    maps = torch.rand(2, 16, 6, 8)
    out = block.eval()(maps)
    assert out.shape == (2, 32, 3, 4)
    assert torch.equal(out[:, :16], maps[:, :, ::2, ::2])
    assert not out[:, 16:].any()


def test_dropout_acts_in_training_alone() -> None:
    for spec in ("mlp(width=50, dropout=0.5)", "cnn(width=4, dropout=0.5)"):
        model = build(spec, (1, 8, 8), 5, 0)
        inputs = torch.ones(2, 1, 8, 8)
        assert not torch.equal(model(inputs), model(inputs))
        model.eval()
        assert torch.equal(model(inputs), model(inputs))


def test_the_cnn_wants_images() -> None:
    with pytest.raises(
        SpecError, match=r"'cnn' needs images of at least 4x4; an input here has shape \(12,\); use mlp"
    ):
        build("cnn", (12,), 3, 0)
    with pytest.raises(SpecError, match=r"shape \(1, 3, 9\)"):
        build("cnn", (1, 3, 9), 3, 0)
    with pytest.raises(SpecError, match="'resnet-20' needs images"):
        build("resnet-20", (12,), 3, 0)


MODULE = """
import torch

def linear(shape, classes, *, bias: bool = True):
    return torch.nn.Linear(shape[0], classes, bias=bias)

def nothing(shape, classes):
    return None

def shapeless(classes):
    return torch.nn.Linear(4, classes)

def careless(shape, classes):
    channels, height, width = shape
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(channels * height * width, classes))

def fixed(shape, classes):
    return torch.nn.Sequential(torch.nn.BatchNorm1d(5).eval(), torch.nn.Linear(5, classes))

def headless(shape, classes):
    return torch.nn.Linear(shape[0], 2)

number = 3
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "networks_of_mine.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken_network.py").write_text("width = 1\nwidth / 0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "networks_of_mine", raising=False)
    return "networks_of_mine"


def test_any_function_of_a_module(own_module: str) -> None:
    model = build(f"{own_module}:linear(bias=False)", (4,), 3, 0)
    assert parameters(model) == 12
    assert model(torch.zeros(2, 4)).shape == (2, 3)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("resnet20", "no model named 'resnet20'; did you mean 'resnet-20'"),
        ("mlp(widht=3)", "has no argument 'widht'; did you mean 'width'"),
        ("mlp(width=0)", "width = 0 is refused: input should be greater than 0"),
        ("mlp(dropout=1.0)", "dropout = 1.0 is refused"),
        ("nowhere.at_all:net", "cannot import 'nowhere.at_all': ModuleNotFoundError: No module named 'nowhere'"),
        ("networks_of_mine:liner", "networks_of_mine has no function 'liner'; did you mean 'linear'"),
        ("networks_of_mine:shapeless", r"must take \(shape, outputs\) and then its own arguments by keyword"),
        ("broken_network:net", r"cannot import 'broken_network': ZeroDivisionError: .* \(broken_network.py, line 2\)"),
        ("networks_of_mine:number", "networks_of_mine has no function 'number'"),
        ("networks_of_mine:linear(bias=3)", "bias = 3 is refused"),
        ("networks_of_mine:linear(width=3)", "has no argument 'width'"),
    ],
)
@pytest.mark.usefixtures("own_module")
def test_a_model_that_cannot_be_built_is_refused_before(model: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        check(model)


def test_an_unknown_model_is_its_own_error_that_names_families_too() -> None:
    with pytest.raises(UnknownNameError) as caught:
        check("transformer")
    assert all(form in str(caught.value) for form in ("wrn-DEPTH-WIDTH", "timm/NAME", "package.module:function"))


def test_a_family_registered_twice_is_a_bug() -> None:
    with pytest.raises(ValueError, match="registered already"):
        MODELS.family(r"wrn-(\d+)-(\d+)", "wrn-A-B", "twice")(wide_resnet)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "careless",
            r"cannot be built for inputs of shape \(4,\) and 3 outputs: ValueError: .*networks_of_mine.py, line",
        ),
        ("fixed", r"does not fit inputs of shape \(4,\): RuntimeError"),
        ("headless", r"gave shape \(1, 2\) for one input .*; it must give outputs of shape \(1, 3\)"),
    ],
)
def test_an_own_model_that_does_not_fit_the_inputs(own_module: str, function: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        build(f"{own_module}:{function}", (4,), 3, 0)
    assert "\n" not in str(caught.value)


def test_the_trial_of_an_own_model_leaves_it_as_it_was_built(own_module: str) -> None:
    model = build(f"{own_module}:fixed", (5,), 3, 0)
    assert model.training
    assert not model.get_submodule("0").training
    assert torch.equal(model.get_buffer("0.num_batches_tracked"), torch.tensor(0))


@pytest.mark.parametrize("name", [*ARRAYS, "wrn-10-1"])
def test_inputs_that_do_not_fit_are_one_clear_error(name: str) -> None:
    """A model serves a shape, or says at once what it needs; never does one fail in the middle of a forward pass."""
    smallest = MODELS.facts(name).smallest_image
    fitting = [(2, smallest, 31), (3, smallest + 1, smallest)] if smallest else [(12,), (3, 1, 2)]
    too_small = [(12,), (3, smallest - 1, 31), (1, smallest, smallest - 1)] if smallest else []
    with torch.device("meta"):
        for shape in fitting:
            assert build(name, shape, 5, 0).eval()(torch.zeros(2, *shape)).shape == (2, 5)
        for shape in too_small:
            with pytest.raises(SpecError, match="needs images") as caught:
                build(name, shape, 5, 0)
            assert str(shape) in str(caught.value)
            assert "\n" not in str(caught.value)


def test_the_smallest_images_that_the_papers_networks_take() -> None:
    """Each halving of the maps needs twice the side: none in ResNet-20 of pooled maps, two in WRN, three ResNet-18."""
    smallest = {
        name: MODELS.facts(name).smallest_image for name in ("mlp", "resnet-20", "wrn-16-4", "cnn", "resnet-18")
    }
    assert smallest == {"mlp": 0, "resnet-20": 1, "wrn-16-4": 4, "cnn": 4, "resnet-18": 8}


def test_a_function_must_return_a_module(own_module: str) -> None:
    with pytest.raises(SpecError, match=r"returned NoneType; it must return a torch.nn.Module"):
        build(f"{own_module}:nothing", (4,), 3, 0)


@pytest.mark.parametrize(
    "spec", ["cnn(width=65536)", "mlp(width=65536, depth=100)", "resnet-9(width=65536)", "wrn-1000-1000"]
)
def test_a_network_without_room_is_refused_before_it_is_built(spec: str) -> None:
    with pytest.raises(SpecError, match=r"parameters: training holds them 4 times, .* GB here; make it smaller"):
        build(spec, (3, 32, 32), 10, seed=0)


@pytest.mark.parametrize(
    "spec", ["cnn(width=1000000000)", "mlp(depth=1000000000)", "wrn-1000006-1", "wrn-16-9999999999"]
)
def test_sizes_have_an_end(spec: str) -> None:
    with pytest.raises(SpecError, match=r"less than or equal to|give a depth of up to 1000 and a width of up to 1000"):
        build(spec, (3, 32, 32), 10, seed=0)


def test_counting_a_network_changes_no_random_number() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    build("cnn(width=4)", (1, 8, 8), 3, seed=0)
    assert torch.equal(torch.rand(4), wanted)
