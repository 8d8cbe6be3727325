"""Image processors of Hugging Face: photographs become what transformers makes of them, in the bundle too."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.adopt.given.digits import rows

import lrensemble
from lrensemble.adopt.hf.processor import preprocessed
from lrensemble.config import Inputs, Resize
from lrensemble.errors import AdoptError, DataError
from lrensemble.evaluate import choose, save
from lrensemble.export import Ensemble, ensemble_of
from lrensemble.export.metadata import inputs_of
from lrensemble.export.readers import read

image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
transformers: Any = import_module("transformers")

HEIGHT, WIDTH = 8, 10
SETTINGS: dict[str, dict[str, Any]] = {
    "vit": {"size": {"height": HEIGHT, "width": WIDTH}},
    "vit bicubic": {"size": {"height": HEIGHT, "width": WIDTH}, "resample": 3},
    "clip": {"size": {"shortest_edge": 13}, "crop_size": {"height": HEIGHT, "width": WIDTH}},
}


def processor(name: str) -> Any:
    """The processor on Pillow, which needs no torchvision."""
    kind = name.partition(" ")[0]
    module = import_module(f"transformers.models.{kind}.image_processing_pil_{kind}")
    return getattr(module, {"vit": "ViTImageProcessorPil", "clip": "CLIPImageProcessorPil"}[kind])(**SETTINGS[name])


class Known:
    """What is asked of an adopter, as far as a processor is concerned."""

    def __init__(self, *, normalised: bool = False, shape: tuple[int, int] = (HEIGHT, WIDTH), **inputs: Any) -> None:
        self.normalised = normalised
        self.inputs = Inputs(shape=(3, *shape), dtype="uint8", mean=(0.0,) * 3, std=(1.0,) * 3, **inputs)


def inputs_from(folder: Path, said: dict[str, Any], **known: Any) -> Inputs:
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    found = preprocessed(folder / "preprocessor_config.json", Known(**known))  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("shape", [(17, 31), (40, 23), (HEIGHT, WIDTH), (13, 13)])
def test_a_photograph_becomes_what_the_processor_makes_of_it(tmp_path: Path, name: str, shape: tuple[int, int]) -> None:
    given = processor(name)
    given.save_pretrained(tmp_path)
    inputs = preprocessed(tmp_path / "preprocessor_config.json", Known())  # type: ignore[arg-type]
    assert inputs is not None
    photograph = image.fromarray(np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8))
    photograph.save(tmp_path / "photograph.png")
    expected = given(photograph, return_tensors="np")["pixel_values"][0]
    (found,) = read(tmp_path / "photograph.png", inputs)
    mean, std = (np.array(each)[:, None, None] for each in (inputs.mean, inputs.std))
    np.testing.assert_allclose((found[0] - mean) / std, expected, atol=1e-5)


def test_an_ensemble_keeps_it_and_so_does_its_bundle(tmp_path: Path) -> None:
    settings = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 6}
    config = transformers.ViTConfig(**settings, image_size=8, patch_size=4, num_channels=3, num_labels=10)
    x, y = rows()["x_val"][:40], rows()["y_val"][:40]
    data = {"x_val": (15 * x).reshape(-1, 1, 8, 8).repeat(3, 1).astype(np.uint8), "y_val": y}
    networks = []
    for seed in range(2):
        torch.manual_seed(seed)
        networks.append(transformers.ViTForImageClassification(config).eval())
        networks[-1].save_pretrained(tmp_path / f"vit{seed}")
        said = {"size": {"height": 8, "width": 8}, "resample": 1, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
        (tmp_path / f"vit{seed}" / "preprocessor_config.json").write_text(json.dumps(said))
        lrensemble.adopt(tmp_path / "pool", tmp_path / f"vit{seed}", data=data)
    pool = lrensemble.Pool.open(tmp_path / "pool")
    save(pool, team := choose(pool, "all"))
    ensemble = ensemble_of(pool, team)
    ensemble.save(tmp_path / "bundle")
    photograph = image.fromarray(np.random.default_rng(3).integers(0, 256, (17, 31, 3), dtype=np.uint8))
    photograph.save(tmp_path / "photograph.png")
    pixels = np.asarray(photograph.resize((8, 8), image.Resampling.LANCZOS)).transpose(2, 0, 1)[None] / np.float32(255)
    with torch.no_grad():
        given = [each((torch.from_numpy(pixels) - 0.5) / 0.25).logits.softmax(1).numpy() for each in networks]
    loaded = Ensemble.load(tmp_path / "bundle")
    (found,) = read(tmp_path / "photograph.png", loaded.description.inputs)
    np.testing.assert_allclose(loaded.predict_proba(found), np.mean(given, 0), atol=1e-4)
    described = inputs_of(ensemble.description.inputs)["images"]
    assert (
        described == "turned as EXIF says; converted to RGB; scaled to 8x8 (lanczos, Pillow), 8x8 cut out of the middle"
    )


@pytest.mark.parametrize(
    "said",
    [
        {"do_resize": False, "size": {"height": HEIGHT, "width": WIDTH}},
        {"size": {"height": 9, "width": WIDTH}},
        {"size": {"shortest_edge": 9}},
        {"size": {"longest_edge": 9}, "do_center_crop": True, "crop_size": {"height": HEIGHT, "width": WIDTH}},
        {"size": 13, "do_center_crop": True, "crop_size": {"height": HEIGHT, "width": WIDTH}},
        {"size": {"shortest_edge": 9}, "do_center_crop": True, "crop_size": {"height": HEIGHT, "width": WIDTH}},
        {"size": {"height": HEIGHT, "width": WIDTH}, "do_pad": True},
        {"size": {"height": HEIGHT, "width": WIDTH}, "resample": 9},
        {},
    ],
    ids=str,
)
def test_what_is_scaled_otherwise_is_refused_in_another_size(tmp_path: Path, said: dict[str, Any]) -> None:
    inputs = inputs_from(tmp_path, said)
    assert inputs.resize is None
    image.new("RGB", (31, 17)).save(tmp_path / "photograph.png")
    with pytest.raises(DataError, match="31x17 pixels; the ensemble takes 10x8"):
        list(read(tmp_path / "photograph.png", inputs))


def test_one_number_is_a_square_where_nothing_is_cut(tmp_path: Path) -> None:
    inputs = inputs_from(tmp_path, {"size": 8}, shape=(8, 8))
    assert inputs.resize == Resize(size=(8, 8), resample="bilinear")


def test_the_size_of_the_pools_own_data_comes_first_and_stated_means_too(tmp_path: Path) -> None:
    said = {"size": {"height": 8, "width": 8}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    assert inputs_from(tmp_path, said, shape=(8, 8), image_size=8).resize is None
    stated = inputs_from(tmp_path, said, shape=(8, 8), normalised=True)
    assert stated.resize is not None
    assert stated.mean == (0.0,) * 3


@pytest.mark.parametrize("step", ["rescale_offset", "do_flip_channel_order"])
def test_steps_that_cannot_be_taken_over_are_refused(tmp_path: Path, step: str) -> None:
    with pytest.raises(AdoptError, match=rf"has {step}, which is no scale, mean and deviation .* say mean and std"):
        inputs_from(tmp_path, {step: True})
    assert inputs_from(tmp_path, {step: True}, normalised=True).mean == (0.0,) * 3
