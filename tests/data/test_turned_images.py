"""Images are turned as their EXIF data say, before anything else is done with them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.layouts import RGB, WIDTH, Pixels, folder_layout, png

from lrensemble.config import DataSettings, SplitSettings
from lrensemble.data import SOURCES, load
from lrensemble.spec import Spec

UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: np.rot90(stored, 2),
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}
"""What [height, width, channel] is meant by the tag, by hand: 6, for one, is a camera that was held upright."""


def turned_png(pixels: Pixels, orientation: int) -> bytes:
    """A file of [channel, height, width] that says how it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.moveaxis(pixels, 0, 2))).save(buffer, "PNG", exif=exif.tobytes())
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_every_orientation(tmp_path: Path, orientation: int) -> None:
    for name, image in (("a/0", RGB[0]), ("b/1", RGB[1])):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir()
        path.write_bytes(turned_png(image, orientation))
    samples = SOURCES.call("image-folder", tmp_path)
    for row, image in enumerate(RGB[:2]):
        upright = UPRIGHT[orientation](np.moveaxis(image, 0, 2))
        np.testing.assert_array_equal(samples.inputs[row], np.moveaxis(upright, 2, 0))


def test_turned_images_are_among_others_of_their_upright_size(tmp_path: Path) -> None:
    lying = np.ascontiguousarray(np.rot90(RGB[1], 1, axes=(1, 2)))  # its tag turns it back
    for name, content in (("a/0", png(RGB[0])), ("b/1", turned_png(lying, 6))):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir()
        path.write_bytes(content)
    samples = SOURCES.call("image-folder", tmp_path)
    assert samples.inputs.shape[3] == WIDTH
    np.testing.assert_array_equal(samples.inputs[1], RGB[1])


@pytest.mark.parametrize("damage", [b"Exif\x00\x00nothing", b"MM\x00*\x00\x00\x00\x08\x00\x01\x01", b"II*\x00\xff\xff"])
def test_damaged_exif_data_leave_an_image_as_it_lies(tmp_path: Path, damage: bytes) -> None:
    for name, image in (("a/0", RGB[0]), ("b/1", RGB[1])):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir()
        Image.fromarray(np.moveaxis(image, 0, 2).copy()).save(path, exif=damage)
    np.testing.assert_array_equal(SOURCES.call("image-folder", tmp_path).inputs, RGB[:2])


def test_other_sets_are_what_they_were(tmp_path: Path) -> None:
    """The fingerprint of a set as it was before images were turned: older members are of the same rows."""
    folder_layout(tmp_path)
    dataset = load(DataSettings(source=Spec("image-folder"), folder=tmp_path), SplitSettings(val=0.5))
    assert dataset.fingerprint == "e0a85aca6de1e897c1837724857ce748d8e084ffc03791486b0613fbf2f7ce05"
