"""`timm/NAME`: packages of that name that cannot be imported, and one that works, each in a process of its own."""

import os
from pathlib import Path

import pytest
from tests.conftest import Python

WORKING = """
from types import SimpleNamespace
from torch import nn

def list_models():
    return ["plain_net", "square_net", "wide_net"]

def is_model(name):
    return name in list_models()

def get_pretrained_cfg(name):
    return SimpleNamespace(fixed_input_size=name == "square_net")

def create_model(name, num_classes, in_chans, img_size=None):
    if name == "plain_net":
        assert img_size is None
        return nn.Sequential(
            nn.Conv2d(in_chans, 4, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes)
        )
    height, width = img_size
    if height != width:
        raise AssertionError("only squares")
    return nn.Sequential(nn.Flatten(), nn.Linear(in_chans * height * width, num_classes))
"""
BROKEN = """
raise RuntimeError("operator torchvision::nms\\ndoes not exist")
"""
BUILD = """
import torch
from lrensemble.errors import LREnsembleError
from lrensemble.models import build
try:
    print(tuple(build({spec!r}, {shape!r}, 7, 0)(torch.zeros(2, *{shape!r})).shape))
except LREnsembleError as error:
    print(type(error).__name__, error)
"""


def built(python: Python, folder: Path, package: str, spec: str, shape: tuple[int, ...]) -> str:
    (folder / "timm.py").write_text(package, encoding="utf-8")
    paths = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    result = python("-c", BUILD.format(spec=spec, shape=shape), PYTHONPATH=paths)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(("name", "shape"), [("plain_net", (3, 9, 8)), ("square_net", (1, 6, 6))])
def test_a_network_of_timm_takes_channels_classes_and_where_it_must_the_image_size(
    python: Python, tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    assert built(python, tmp_path, WORKING, f"timm/{name}", shape) == "(2, 7)"


@pytest.mark.parametrize(
    ("package", "spec", "shape", "message"),
    [
        (BROKEN, "timm/plain_net", (3, 9, 8), "cannot be imported here (RuntimeError: operator torchvision::nms does"),
        (WORKING, "timm/plan_net", (3, 9, 8), "UnknownNameError timm has no model named 'plan_net'; did you mean 'ti"),
        (WORKING, "timm/plain_net", (12,), "SpecError model 'timm/plain_net' needs images; an input here has shape"),
        (
            WORKING,
            "timm/plain_net",
            (3, 4, 8),
            "SpecError model 'timm/plain_net' does not fit inputs of shape (3, 4, 8",
        ),
        (WORKING, "timm/square_net", (3, 6, 8), "does not fit inputs of shape (3, 6, 8): only squares"),
        (WORKING, "timm/plain_net(depth=3)", (3, 9, 8), "SpecError model 'timm/plain_net' has no argument 'depth'"),
    ],
)
def test_what_cannot_be_built_is_one_clear_line(
    python: Python, tmp_path: Path, package: str, spec: str, shape: tuple[int, ...], message: str
) -> None:
    said = built(python, tmp_path, package, spec, shape)
    assert message in said
    assert "\n" not in said
