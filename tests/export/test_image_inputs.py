"""Images are made inputs as in training, wherever they come from: files of every kind, arrays, tensors, ONNX Runtime.

The pool is trained on photographs of several sizes and kinds that are scaled (`size=`). What a photograph becomes is
written down here by Pillow's own steps, so that a mistake in training and prediction alike would be seen.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.cli.command import Command

from lrensemble.config import Experiment, Inputs, to_record
from lrensemble.errors import DataError
from lrensemble.evaluate import choose, save
from lrensemble.export import Ensemble, ensemble_of
from lrensemble.export.onnx import export_onnx
from lrensemble.export.readers import read
from lrensemble.pool import Pool
from lrensemble.train import tune

image = pytest.importorskip("PIL.Image", reason="pillow is not installed")

SIZE = 6
Bytes = NDArray[np.uint8]


def scene(kind: int, height: int, width: int, seed: int) -> Bytes:
    """A coloured picture [height, width, 3] with more red, or more blue, at its left."""
    generator = np.random.default_rng(seed)
    ramp = np.linspace(230, 20, width)[None, :, None] * np.ones((height, 1, 3))
    ramp[:, :, 2 if kind == 0 else 0] *= 0.3
    return np.clip(ramp + generator.normal(scale=15, size=ramp.shape), 0, 255).astype(np.uint8)


def turned(pixels: Bytes) -> tuple[Bytes, bytes]:
    """The picture as a camera stores it that was held upright, and the EXIF data that say so."""
    exif = image.Exif()
    exif[0x0112] = 6
    return np.ascontiguousarray(np.rot90(pixels, 1)), exif.tobytes()


def write(folder: Path, name: str, pixels: Bytes) -> Path:
    """A file of the kind that its name tells."""
    kind, path = name.split(".")[0].rstrip("0123456789"), folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = image.fromarray(pixels)
    if kind == "turned":
        stored, exif = turned(pixels)
        image.fromarray(stored).save(path, exif=exif)
    elif kind == "palette":
        picture.quantize(32).save(path)
    else:
        picture.convert({"grey": "L", "rgba": "RGBA", "cmyk": "CMYK"}.get(kind, "RGB")).save(path)
    return path


KINDS = ("rgb.png", "rgb.jpg", "rgba.png", "grey.png", "palette.png", "cmyk.jpg", "turned.png", "turned.jpg")
SIZES = ((9, 13), (20, 8), (SIZE, SIZE), (7, 7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for kind, label in enumerate(("cat", "dog")):
        for place in range(16):
            stem, suffix = KINDS[place % len(KINDS)].split(".")
            write(folder / label, f"{stem}{place}.{suffix}", scene(kind, *SIZES[place % len(SIZES)], seed=place))
    return folder


@pytest.fixture(scope="module")
def pool(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    content = {
        "data": {"name": "image-folder", "size": SIZE, "folder": folder},
        "model": "mlp(width=5)",
        "policy": ["constant(peak=0.05)", "constant(peak=0.1)"],
        "train": {"epochs": 3, "batch_size": 8},
    }
    where = tmp_path_factory.mktemp("trained") / "pool"
    list(tune(to_record(Experiment, content, "test"), where))
    return Pool.open(where)


@pytest.fixture(scope="module")
def ensemble(pool: Pool) -> Ensemble:
    team = choose(pool, "all", consensus="mean", folds=2)
    save(pool, team)
    return ensemble_of(pool, team)


@pytest.fixture(scope="module")
def bundle(ensemble: Ensemble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bundle") / "ensemble"
    ensemble.save(place)
    return place


def by_hand(path: Path, mode: str = "RGB", size: int | None = SIZE) -> Bytes:
    """Pixels [channel, height, width] of a file, by Pillow's own steps."""
    with image.open(path) as opened:
        upright = opened.rotate(-90, expand=True) if path.stem.startswith("turned") else opened
        found = upright.convert("L" if opened.mode == "L" else "RGB")
    if size is not None:
        width, height = found.size
        scale = size / min(width, height)
        found = found.resize((max(size, round(width * scale)), max(size, round(height * scale))), image.BICUBIC)
        left, top = (found.size[0] - size) // 2, (found.size[1] - size) // 2
        found = found.crop((left, top, left + size, top + size))
    values = np.asarray(found.convert(mode))
    return values[None] if mode == "L" else np.moveaxis(values, 2, 0)


def test_the_size_is_kept_with_the_ensemble(pool: Pool, bundle: Path) -> None:
    assert [member.inputs.image_size for member in pool.members() if member.inputs] == [SIZE, SIZE]
    assert Ensemble.load(bundle).description.inputs.image_size == SIZE


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(17, 11), (SIZE, 9)])
def test_files_of_every_kind_become_what_training_made_of_them(
    ensemble: Ensemble, tmp_path: Path, kind: str, shape: tuple[int, int]
) -> None:
    path = write(tmp_path, kind, scene(0, *shape, seed=99))
    (rows,) = read(path, ensemble.description.inputs)
    np.testing.assert_array_equal(rows[0], by_hand(path))


@pytest.mark.parametrize("kind", KINDS)
def test_grey_ensembles_take_all_of_them(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind, scene(1, 17, 11, seed=7))
    inputs = Inputs(shape=(1, SIZE, SIZE), dtype="uint8", mean=(0.0,), std=(1.0,), image_size=SIZE)
    (rows,) = read(path, inputs)
    np.testing.assert_array_equal(rows[0], by_hand(path, "L"))


def test_one_answer_in_python_in_predict_and_in_onnx_runtime(
    ensemble: Ensemble, bundle: Path, folder: Path, command: Command, tmp_path: Path
) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    pixels = np.stack([by_hand(path) for path in files])
    expected = ensemble.predict_proba(pixels)
    outcome = command("predict", bundle, folder)
    assert outcome.status == 0, outcome.err
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [row["file"] for row in rows] == list(map(str, files))
    found = [[float(row[f"p:{name}"]) for name in ("cat", "dog")] for row in rows]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert len({row["label"] for row in rows}) == 2
    ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'lrensemble[onnx]'")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'lrensemble[onnx]'")
    export_onnx(ensemble, tmp_path / "ensemble.onnx")
    session = ort.InferenceSession(tmp_path / "ensemble.onnx")
    assert json.loads(session.get_modelmeta().custom_metadata_map["inputs"])["images"].startswith("turned as EXIF says")
    probs, label = session.run(None, {"inputs": pixels})
    np.testing.assert_allclose(probs, expected, rtol=0, atol=1e-5)
    assert [("cat", "dog")[each] for each in label] == [row["label"] for row in rows]
    with pytest.raises(Exception, match="Unexpected input data type"):
        session.run(None, {"inputs": pixels.astype(np.float32) / 255})


def test_a_photograph_of_a_camera(ensemble: Ensemble, bundle: Path, command: Command, tmp_path: Path) -> None:
    small = scene(1, 48, 64, seed=3)
    wide = np.asarray(image.fromarray(small).resize((4032, 3024)))
    path = write(tmp_path, "turned.jpg", np.rot90(wide, -1))
    outcome = command("predict", bundle, path)
    assert outcome.status == 0, outcome.err
    (row,) = csv.DictReader(io.StringIO(outcome.out))
    assert row["label"] == ensemble.predict(by_hand(path)[None])[0]


def test_arrays_and_tensors_of_another_size(ensemble: Ensemble, tmp_path: Path) -> None:
    pictures = np.stack([scene(place % 2, 13, 9, seed=place) for place in range(5)])  # [5, 13, 9, 3]
    paths = [write(tmp_path, f"rgb{place}.png", picture) for place, picture in enumerate(pictures)]
    expected = ensemble.predict_proba(np.stack([by_hand(path) for path in paths]))
    first = np.moveaxis(pictures, 3, 1)
    for given in (pictures, first, first.astype(np.float64), first.astype(np.int32), torch.from_numpy(first.copy())):
        np.testing.assert_array_equal(ensemble.predict_proba(given), expected)
    opaque = np.concatenate([pictures, np.full((5, 13, 9, 1), 128, np.uint8)], axis=3)
    np.testing.assert_array_equal(ensemble.predict_proba(opaque), expected)
    grey = pictures[..., 0]
    same = np.repeat(grey[..., None], 3, axis=3)
    np.testing.assert_array_equal(ensemble.predict_proba(grey), ensemble.predict_proba(same))


def test_arrays_of_the_trained_size_are_taken_as_they_are(ensemble: Ensemble) -> None:
    exact = np.random.default_rng(0).uniform(0, 255, size=(4, 3, SIZE, SIZE))
    np.testing.assert_array_equal(ensemble.raw(exact).numpy(), exact)
    np.testing.assert_array_equal(ensemble.raw(np.moveaxis(exact, 1, 3)).numpy(), exact)


def test_what_cannot_be_made_as_in_training_is_refused(
    ensemble: Ensemble, bundle: Path, command: Command, tmp_path: Path
) -> None:
    pictures = np.stack([scene(0, 13, 9, seed=0)] * 2)
    with pytest.raises(DataError, match=r"images of 9x13 and 3 channels .* give whole numbers from 0 to 255"):
        ensemble.predict(pictures / 255)
    with pytest.raises(DataError, match=r"values go from 0.*divided by 255.* leave strict away"):
        ensemble.predict(ensemble.raw(pictures).numpy() / 255, strict=True)
    with pytest.raises(DataError, match=r"inputs have shape \(2, 13, 9, 2\); the ensemble takes \[sample, 3, 6, 6\]"):
        ensemble.predict(pictures[..., :2])
    image.fromarray(np.full((8, 8), 40_000, dtype=np.uint16)).save(tmp_path / "deep.png")
    np.save(tmp_path / "unit.npy", np.moveaxis(pictures[:, :SIZE, :SIZE], 3, 1) / 255)
    for name, message in (("deep.png", "more than 8 bits (mode I;16)"), ("unit.npy", "divided by 255?")):
        outcome = command("predict", bundle, tmp_path / name, "--strict")
        assert (outcome.status, outcome.out) == (2, "")
        assert message in outcome.err


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_kinds_that_training_reads_are_predicted(tmp_path: Path, mode: str) -> None:
    inputs = Inputs(shape=(len(mode), 8, 8), dtype="uint8", mean=(0.0,) * len(mode), std=(1.0,) * len(mode))
    picture = image.fromarray(np.full((8, 8, 3), 90, dtype=np.uint8))
    picture.convert("LAB").save(tmp_path / "lab.tif")
    picture.save(tmp_path / "plain.ppm")
    for name in ("lab.tif", "plain.ppm"):
        np.testing.assert_allclose(next(iter(read(tmp_path / name, inputs)))[0], np.full(inputs.shape, 90), atol=2)


def test_a_set_that_was_not_scaled_takes_its_own_size_alone(tmp_path: Path) -> None:
    inputs = Inputs(shape=(3, 8, 8), dtype="uint8", mean=(0.0,) * 3, std=(1.0,) * 3)
    path = write(tmp_path, "rgb.png", scene(0, 8, 9, seed=0))
    with pytest.raises(
        DataError, match=r"rgb\.png is 9x8 pixels; the ensemble takes 8x8, and training scaled no image"
    ):
        list(read(path, inputs))
    path = write(tmp_path, "turned.png", scene(0, 8, 8, seed=0))
    np.testing.assert_array_equal(next(iter(read(path, inputs)))[0], by_hand(path, size=None))
