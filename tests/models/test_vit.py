"""Vision transformers: parameters by formula, patches, checkpoints that fit, that nearly fit and that do not."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.conftest import Python
from torch import nn
from torch.nn import functional
from transformers import ViTConfig, ViTForImageClassification, ViTModel

from lrensemble.errors import SpecError
from lrensemble.models import build, check

CLASSES, WIDTH, PATCH = 5, 24, 4
TRAINED = (8, 12)
"""Height and width of the images that the checkpoint was trained on."""


def config() -> ViTConfig:
    settings = ViTConfig(
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=40,
        image_size=TRAINED,
        patch_size=PATCH,
    )
    settings.num_labels = CLASSES
    return settings


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        ViTForImageClassification(config()).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("size", "width"), [("tiny", 192), ("small", 384), ("base", 768)])
def test_parameters_by_formula(size: str, width: int) -> None:
    """Dosovitskiy et al. 2021, equations 1 to 4: embedding, twelve layers, final norm, head."""
    with torch.device("meta"):
        model = build(f"vit(size={size!r}, patch=4)", (2, 12, 20), 7, 0)
    embedding = (2 * 4 * 4 + 1) * width + (3 * 5 + 1) * width + width
    attention, perceptron, norms = 4 * width * (width + 1), 2 * 4 * width**2 + 5 * width, 4 * width
    expected = embedding + 12 * (attention + perceptron + norms) + 2 * width + (width + 1) * 7
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


@pytest.mark.parametrize(
    ("shape", "patch"),
    [((3, 224, 224), 16), ((3, 64, 64), 8), ((3, 32, 32), 4), ((1, 28, 28), 4), ((1, 8, 8), 1), ((2, 33, 32), 1)],
)
def test_the_patch_follows_the_image(shape: tuple[int, ...], patch: int) -> None:
    with torch.device("meta"):
        model = build("vit", shape, 7, 0)
    convolution = next(module for module in model.modules() if isinstance(module, torch.nn.Conv2d))
    assert convolution.kernel_size == (patch, patch)


@pytest.mark.parametrize("patch", [3, 16])
def test_a_patch_must_divide_the_image(patch: int) -> None:
    with pytest.raises(SpecError, match=rf"patches of {patch}x{patch} do not divide images of 8x12 pixels"):
        build(f"vit(patch={patch})", (3, 8, 12), 7, 0)


def test_dropout_acts_in_training_alone() -> None:
    model = build("vit(patch=4, dropout=0.5)", (1, 8, 8), 5, 0)
    inputs = torch.ones(2, 1, 8, 8)
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    assert torch.equal(model(inputs), model(inputs))


def test_a_checkpoint_gives_its_own_logits(checkpoint: Path) -> None:
    images = torch.randn(2, 3, *TRAINED)
    loaded = build(f"vit(checkpoint={str(checkpoint)!r})", (3, *TRAINED), CLASSES, 0)
    assert loaded.training
    published: nn.Module = ViTForImageClassification.from_pretrained(checkpoint, use_safetensors=True)
    assert torch.equal(loaded.eval()(images), published.eval()(images).logits)


def test_another_number_of_classes_gets_a_new_last_layer_that_is_a_function_of_the_seed(checkpoint: Path) -> None:
    spec = f"vit(checkpoint={str(checkpoint)!r})"
    first, again, other = (build(spec, (3, *TRAINED), 7, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[key], again[key]) for key in first)
    changed = {key for key in first if not torch.equal(first[key], other[key])}
    assert changed == {"network.classifier.weight"}
    assert first["network.classifier.weight"].shape == (7, WIDTH)


def test_a_checkpoint_without_a_head_gets_one(tmp_path: Path) -> None:
    ViTModel(config()).save_pretrained(tmp_path)
    model = build(f"vit(checkpoint={str(tmp_path)!r})", (3, *TRAINED), CLASSES, 0)
    assert model(torch.randn(2, 3, *TRAINED)).shape == (2, CLASSES)


def test_positional_embeddings_are_interpolated_for_other_images(checkpoint: Path) -> None:
    spec = f"vit(checkpoint={str(checkpoint)!r})"
    old = build(spec, (3, *TRAINED), CLASSES, 0).state_dict()["network.vit.embeddings.position_embeddings"]
    model = build(spec, (3, 20, 16), CLASSES, 0)
    new = model.state_dict()["network.vit.embeddings.position_embeddings"]
    assert torch.equal(new[:, 0], old[:, 0])
    grid = old[0, 1:].reshape(2, 3, WIDTH).permute(2, 0, 1)[None]
    expected = functional.interpolate(grid, (5, 4), mode="bicubic")[0].permute(1, 2, 0).reshape(20, WIDTH)
    torch.testing.assert_close(new[0, 1:], expected)
    model(torch.randn(2, 3, 20, 16)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_greyscale_images_are_repeated_for_a_checkpoint_in_colour(checkpoint: Path) -> None:
    spec = f"vit(checkpoint={str(checkpoint)!r})"
    grey, colour = (build(spec, (channels, *TRAINED), CLASSES, 0).eval() for channels in (1, 3))
    images = torch.randn(2, 1, *TRAINED)
    assert torch.equal(grey(images), colour(images.repeat(1, 3, 1, 1)))


def test_a_half_precision_checkpoint_is_trained_in_single_precision(tmp_path: Path) -> None:
    network = ViTForImageClassification(config())
    nn.Module.half(network)
    network.save_pretrained(tmp_path)
    model = build(f"vit(checkpoint={str(tmp_path)!r})", (3, *TRAINED), CLASSES, 0)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_checkpoints_that_cannot_be_used(checkpoint: Path, tmp_path: Path) -> None:
    def refused(folder: Path, message: str, shape: tuple[int, ...] = (3, *TRAINED), more: str = "") -> None:
        with pytest.raises(SpecError, match=message) as caught:
            build(f"vit(checkpoint={str(folder)!r}{more})", shape, CLASSES, 0)
        assert "\n" not in str(caught.value)

    refused(
        tmp_path,
        "cannot load checkpoint .*: it holds no config.json; give a folder with",
    )
    refused(checkpoint, r"takes images of 3 channels; an input here has shape \(2, 8, 12\)", (2, *TRAINED))
    refused(checkpoint, "patches of 4x4 do not divide images of 9x12 pixels", (3, 9, 12))
    refused(checkpoint, "a checkpoint brings its own size and patch", more=", patch=4")
    other = shutil.copytree(checkpoint, tmp_path / "other")
    settings = json.loads((other / "config.json").read_text(encoding="utf-8"))
    (other / "config.json").write_text(json.dumps({**settings, "model_type": "bert"}), encoding="utf-8")
    refused(other, r"is a checkpoint of another architecture \(bert\)")
    (other / "config.json").write_text(json.dumps({**settings, "hidden_size": 12}), encoding="utf-8")
    refused(other, "is not a whole ViT; weights such as vit.embeddings.cls_token do not fit")
    (other / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    (other / "model.safetensors").write_bytes(b"\x08")
    refused(other, "cannot load checkpoint")


def test_pickled_weights_are_never_read(checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    torch.save(ViTForImageClassification(config()).state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(SpecError, match="cannot load checkpoint"):
        build(f"vit(checkpoint={str(folder)!r})", (3, *TRAINED), CLASSES, 0)


@pytest.fixture
def said_by(python: Python) -> Callable[..., str]:
    def run(code: str, **environment: str) -> str:
        result = python("-c", code, **environment)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    return run


OFFLINE = """
from huggingface_hub import constants
constants.HF_HUB_OFFLINE = True  # what the variable says at the first import
"""
BUILD = """
from lrensemble.errors import LREnsembleError
from lrensemble.models import build
try:
    build({spec!r}, (3, 8, 12), 5, 0)
except LREnsembleError as error:
    print(type(error).__name__, error)
"""


def test_a_name_without_a_network_is_one_line_that_names_it(said_by: Callable[..., str]) -> None:
    said = said_by(OFFLINE + BUILD.format(spec="vit(checkpoint='nowhere/at-all')"))
    assert said.startswith("SpecError model 'vit': cannot load checkpoint 'nowhere/at-all': ")
    assert "\n" not in said


def test_without_transformers_the_extra_is_named(tmp_path: Path, said_by: Callable[..., str]) -> None:
    (tmp_path / "transformers.py").write_text("raise ImportError('made for\\nanother torch')", encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    said = said_by(BUILD.format(spec="vit(patch=4)"), PYTHONPATH=paths)
    assert said == (
        "MissingExtraError model 'vit' needs transformers; pip install 'lrensemble[vision]' "
        "(ImportError: made for another torch)"
    )


def test_arguments_are_checked_before() -> None:
    with pytest.raises(SpecError, match="size = 'huge' is refused"):
        check("vit(size='huge')")
    with pytest.raises(SpecError, match="patch = 0 is refused"):
        check("vit(patch=0)")
