"""What an image processor of Hugging Face does with images, read from its file; transformers need not load it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrensemble.adopt.found import Asked
from lrensemble.adopt.hf.folders import json_in
from lrensemble.config import Inputs, Resize
from lrensemble.errors import AdoptError

FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""Filters by their numbers in Pillow, which processors write down."""

BILINEAR = 2
"""Filter of a processor that names none."""

OTHERS = ("rescale_offset", "include_top", "do_flip_channel_order", "do_color_quantize")
"""Steps that some processors take and that are no scale, mean and deviation."""

UNLIKE = ("crop_pct", "do_pad", "do_reduce_labels", "do_align_long_axis", "do_thumbnail")
"""Settings of processors that scale or cut otherwise than `Resize` says."""


def preprocessed(path: Path, asked: Asked) -> Inputs | None:
    """Inputs as an image processor scales images and normalises bytes; None where there is none, or the user says it.

    Raises:
        AdoptError: a processor of other channels, or with steps that cannot be taken over.
    """
    inputs = asked.inputs
    if inputs.dtype != "uint8" or len(inputs.shape) != 3 or not path.is_file():
        return None
    said = json_in(path)
    if inputs.image_size is None:  # else the pool's own data say it, by which members are scored
        inputs = inputs.model_copy(update={"resize": _resize(said, (inputs.shape[1], inputs.shape[2]))})
    if asked.normalised:
        return inputs
    mean, std = _normalisation(said, inputs.shape[0], path)
    return inputs.model_copy(update={"mean": mean, "std": std})


def _normalisation(said: Mapping[str, Any], channels: int, path: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel, on the scale of bytes."""
    if wrong := [name for name in OTHERS if said.get(name)]:
        raise AdoptError(
            f"{path} has {wrong[0]}, which is no scale, mean and deviation of each channel: say mean and std that do "
            "the same to bytes"
        )
    scale = float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0
    mean, std = (0.0,) * channels, (1.0,) * channels
    if said.get("do_normalize", True) and "image_mean" in said and "image_std" in said:
        mean, std = tuple(said["image_mean"]), tuple(said["image_std"])
    if channels == 1 and len(set(mean)) == len(set(std)) == 1:
        mean, std = mean[:1], std[:1]
    if len(mean) != channels or len(std) != channels:
        raise AdoptError(
            f"{path} normalises {len(mean)} channels, and the pool's images have {channels}; say mean and std"
        )
    return tuple(float(each) / scale for each in mean), tuple(float(each) / scale for each in std)


def _resize(said: Mapping[str, Any], shape: tuple[int, int]) -> Resize | None:
    """How it scales images to those of a shape; None where it does not, or not so: then images of other sizes are
    refused where the ensemble is asked.
    """
    cut = said.get("do_center_crop", False)
    size, crop = _sides(said.get("size"), square=not cut), _sides(said.get("crop_size"), square=True)
    number = said.get("resample", BILINEAR)
    if not said.get("do_resize", True) or any(said.get(name) for name in UNLIKE) or size is None:
        return None
    if not isinstance(number, int) or number not in range(len(FILTERS)):
        return None
    least = shape if len(size) == 2 else (max(shape),)
    if (crop if cut else size) != shape or any(own < cut_out for own, cut_out in zip(size, least, strict=True)):
        return None
    return Resize(size=size, resample=FILTERS[number])  # type: ignore[arg-type]


def _sides(given: Any, *, square: bool) -> tuple[int, ...] | None:
    """(height, width), or (shorter edge,); None of anything else, or where it is not clear what one number means."""
    if isinstance(given, int) and square and not isinstance(given, bool):
        return given, given
    if not isinstance(given, Mapping) or not all(isinstance(each, int) and each > 0 for each in given.values()):
        return None
    if given.keys() == {"height", "width"}:
        return given["height"], given["width"]
    return (given["shortest_edge"],) if given.keys() == {"shortest_edge"} else None
