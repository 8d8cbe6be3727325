"""Sets of images, written small in every layout that a source reads."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from lrensemble.data import Samples

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH = 5, 7
RGB = np.random.default_rng(0).integers(0, 256, (9, 3, HEIGHT, WIDTH), dtype=np.uint8)
GREY = np.random.default_rng(1).integers(0, 256, (9, 1, HEIGHT, WIDTH), dtype=np.uint8)
LABELS = [0, 1, 2, 0, 1, 2]
TEST_LABELS = [2, 1, 0]


def png(pixels: Pixels) -> bytes:
    """A file without loss of [channel, height, width]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, 2)).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(
    path: Path,
    images: list[bytes],
    labels: list[Any],
    *,
    image: str = "image",
    label: str = "label",
    names: list[str] | None = None,
    more: dict[str, list[Any]] | None = None,
) -> None:
    """Images as Hugging Face writes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    encoded = pa.array([{"bytes": content, "path": None} for content in images], kind)
    columns: dict[str, Any] = {image: encoded, label: labels}
    table = pa.table(columns | (more or {}))
    if names:
        features = {image: {"_type": "Image"}, label: {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path)


def parquet_layout(folder: Path) -> None:
    write_parquet(folder / "train-00000-of-00002.parquet", list(map(png, RGB[:4])), LABELS[:4], names=["a", "b", "c"])
    write_parquet(folder / "train-00001-of-00002.parquet", list(map(png, RGB[4:6])), LABELS[4:], names=["a", "b", "c"])
    write_parquet(folder / "test-00000-of-00001.parquet", list(map(png, RGB[6:])), TEST_LABELS, names=["a", "b", "c"])


def folder_layout(folder: Path) -> None:
    for part, pixels, labels in (("train", RGB[:6], LABELS), ("val", RGB[6:], TEST_LABELS)):
        for place, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            path = folder / part / "abc"[label] / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(image))


def as_set(samples: Samples) -> set[tuple[bytes, int]]:
    return {(image.tobytes(), int(label)) for image, label in zip(samples.inputs, samples.truth, strict=True)}


WANTED = {(image.tobytes(), label) for image, label in zip(RGB, [*LABELS, *TEST_LABELS], strict=True)}


def tiny_imagenet(folder: Path) -> Path:
    """Two classes, two training images and one test image of each; one image is grey."""
    names = ("n02", "n01")
    (folder / "val" / "images").mkdir(parents=True)
    (folder / "wnids.txt").write_text("n02\nn01\n")
    for place, name in enumerate(names):
        images = folder / "train" / name / "images"
        images.mkdir(parents=True)
        for number in range(2):
            (images / f"{name}_{number}.png").write_bytes(png(RGB[2 * place + number]))
    lines = [f"val_{place}.png\t{name}\t0\t0\t62\t62" for place, name in enumerate(reversed(names))]
    (folder / "val" / "val_annotations.txt").write_text("\n".join(lines) + "\n")
    (folder / "val" / "images" / "val_0.png").write_bytes(png(GREY[0]))
    (folder / "val" / "images" / "val_1.png").write_bytes(png(RGB[5]))
    return folder
