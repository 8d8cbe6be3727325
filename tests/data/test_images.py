"""Sources of encoded images: every layout written small, and every fault of a file named with its place."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

from lrensemble.data import SOURCES, Samples
from lrensemble.data.published import CIFAR_10
from lrensemble.errors import DataError

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
    columns: dict[str, Any] = {image: [{"bytes": content, "path": None} for content in images], label: labels}
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
    return {(image.tobytes(), int(label)) for image, label in zip(samples.inputs, samples.labels, strict=True)}


WANTED = {(image.tobytes(), label) for image, label in zip(RGB, [*LABELS, *TEST_LABELS], strict=True)}


@pytest.mark.parametrize(
    ("source", "write"), [("parquet", parquet_layout), ("image-folder", folder_layout)], ids=["parquet", "folder"]
)
def test_a_layout_gives_the_pixels_that_were_written(
    source: str, write: Callable[[Path], None], tmp_path: Path
) -> None:
    write(tmp_path)
    samples = SOURCES.call(source, tmp_path)
    assert (samples.inputs.shape, str(samples.inputs.dtype)) == ((9, 3, HEIGHT, WIDTH), "uint8")
    assert (samples.classes, samples.test_rows) == (("a", "b", "c"), 3)
    assert as_set(samples) == WANTED
    assert sorted(samples.labels[-3:].tolist()) == [0, 1, 2]


def test_parquet_rows_keep_their_order_and_may_lie_in_a_folder_data(tmp_path: Path) -> None:
    parquet_layout(tmp_path / "data")
    samples = SOURCES.call("parquet", tmp_path)
    np.testing.assert_array_equal(samples.inputs, RGB)
    assert samples.labels.tolist() == [*LABELS, *TEST_LABELS]


def test_classes_without_names_are_numbers_and_texts_are_names(tmp_path: Path) -> None:
    images = list(map(png, RGB[:6]))
    write_parquet(tmp_path / "numbers" / "train.parquet", images, LABELS)
    assert SOURCES.call("parquet", tmp_path / "numbers").classes == ("0", "1", "2")
    texts = ["dog", "cat", "ant", "dog", "cat", "ant"]
    write_parquet(tmp_path / "texts" / "train.parquet", images, texts, label="target", image="img")
    write_parquet(tmp_path / "texts" / "validation.parquet", images[:2], ["cat", "cat"], label="target", image="img")
    samples = SOURCES.call("parquet", tmp_path / "texts")
    assert samples.classes == ("ant", "cat", "dog")
    assert samples.labels.tolist() == [2, 1, 0, 2, 1, 0, 1, 1]
    assert samples.test_rows == 2


def test_a_folder_of_class_folders_has_no_test_rows_of_its_own(tmp_path: Path) -> None:
    folder_layout(tmp_path)
    samples = SOURCES.call("image-folder", tmp_path / "train")
    assert (len(samples.labels), samples.test_rows) == (6, 0)
    np.testing.assert_array_equal(samples.inputs[0], RGB[0])


def test_grey_stays_grey_unless_one_is_coloured_or_rgb_is_asked_for(tmp_path: Path) -> None:
    grey = list(map(png, GREY[:6]))
    write_parquet(tmp_path / "grey" / "train.parquet", grey, LABELS)
    samples = SOURCES.call("parquet", tmp_path / "grey")
    np.testing.assert_array_equal(samples.inputs, GREY[:6])
    coloured = SOURCES.call("parquet(channels=3)", tmp_path / "grey")
    np.testing.assert_array_equal(coloured.inputs, np.repeat(GREY[:6], 3, axis=1))
    write_parquet(tmp_path / "mixed" / "train.parquet", [*grey[:5], png(RGB[5])], LABELS)
    mixed = SOURCES.call("parquet", tmp_path / "mixed")
    np.testing.assert_array_equal(mixed.inputs[:5], np.repeat(GREY[:5], 3, axis=1))
    np.testing.assert_array_equal(mixed.inputs[5], RGB[5])
    assert SOURCES.call("parquet(channels=1)", tmp_path / "mixed").inputs.shape == (6, 1, HEIGHT, WIDTH)


def test_a_size_scales_the_shorter_side_and_cuts_the_middle(tmp_path: Path) -> None:
    flat = np.zeros((3, 4, 12), np.uint8)
    flat[:, :, 4:8] = 200  # a bright square in the middle
    write_parquet(tmp_path / "train.parquet", [png(flat), png(flat[:, :, 2:10]), png(RGB[0])], [0, 1, 0])
    samples = SOURCES.call("parquet(size=4)", tmp_path)
    assert samples.inputs.shape == (3, 3, 4, 4)
    assert (samples.inputs[:2] == 200).all()


def test_cifar_10_and_100_from_their_binary_version(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (30, 3 * 32 * 32), dtype=np.uint8)
    for part in range(6):
        name = "test_batch.bin" if part == 5 else f"data_batch_{part + 1}.bin"
        rows = np.concatenate([np.arange(10, dtype=np.uint8)[:, None], np.roll(pixels, part)[:10]], axis=1)
        path = tmp_path / "cifar-10-batches-bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(rows.tobytes())
    samples = SOURCES.call("cifar10", tmp_path)
    assert (samples.inputs.shape, samples.test_rows, samples.classes) == ((60, 3, 32, 32), 10, CIFAR_10)
    np.testing.assert_array_equal(samples.inputs[10:20].reshape(10, -1), np.roll(pixels, 1)[:10])
    assert samples.labels[50:].tolist() == list(range(10))

    fine = np.arange(100, dtype=np.uint8)
    many = np.resize(pixels, (100, 3 * 32 * 32))
    for name in ("train.bin", "test.bin"):
        (tmp_path / name).write_bytes(np.concatenate([fine[:, None] // 5, fine[:, None], many], axis=1).tobytes())
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"kind {i}" for i in fine) + "\n")
    samples = SOURCES.call("cifar100", tmp_path)
    assert samples.labels.tolist() == [*range(100), *range(100)]
    assert (samples.classes[7], samples.test_rows) == ("kind 7", 100)
    np.testing.assert_array_equal(samples.inputs[:100].reshape(100, -1), many)


def test_cifar_100_from_parquet_takes_the_fine_labels(tmp_path: Path) -> None:
    for part in ("train", "test"):
        images = list(map(png, RGB[:6]))
        write_parquet(
            tmp_path / f"{part}-00000-of-00001.parquet",
            images,
            [0, 1, 2, 3, 4, 5],
            image="img",
            label="fine_label",
            more={"coarse_label": [0, 0, 0, 1, 1, 1]},
        )
    samples = SOURCES.call("cifar100", tmp_path)
    assert (len(samples.classes), samples.test_rows) == (6, 6)


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


def test_tiny_imagenet_from_its_folders(tmp_path: Path) -> None:
    tiny_imagenet(tmp_path / "tiny-imagenet-200")
    samples = SOURCES.call("tiny-imagenet", tmp_path)
    assert (samples.classes, samples.test_rows) == (("n02", "n01"), 2)
    assert samples.labels.tolist() == [0, 0, 1, 1, 1, 0]
    np.testing.assert_array_equal(samples.inputs[:4], RGB[:4])
    np.testing.assert_array_equal(samples.inputs[4], np.repeat(GREY[0], 3, axis=0))


def test_a_set_of_the_hub_from_a_local_folder(tmp_path: Path) -> None:
    folder_layout(tmp_path / "set")
    samples = SOURCES.call(f"hub(repo={str(tmp_path / 'set')!r})", tmp_path / "kept")
    assert (samples.classes, samples.test_rows) == (("a", "b", "c"), 3)
    assert as_set(samples) == WANTED
    again = SOURCES.call(f"hub(repo={str(tmp_path / 'set')!r})", tmp_path / "kept")
    np.testing.assert_array_equal(again.inputs, samples.inputs)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("label='kind'", r"has no column of labels \(kind\); it has image, label$"),
        ("image='photo'", "must have a column 'photo' of images; it has image, label$"),
    ],
)
def test_a_set_of_the_hub_without_such_a_column(option: str, message: str, tmp_path: Path) -> None:
    folder_layout(tmp_path / "set")
    with pytest.raises(DataError, match=message):
        SOURCES.call(f"hub(repo={str(tmp_path / 'set')!r}, {option})", tmp_path / "kept")


def test_a_set_of_the_hub_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"^data set 'nobody/nothing' cannot be loaded: \S"):
        SOURCES.call("hub(repo='nobody/nothing')", tmp_path)


def broken_image(folder: Path) -> None:
    parquet_layout(folder)
    write_parquet(folder / "train-00001-of-00002.parquet", [png(RGB[4]), png(RGB[5])[:40]], LABELS[4:])


def no_label(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:6])), LABELS, label="kind")


def empty_label(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:6])), [0, 1, None, 0, 1, 2])


def more_in_test(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:4])), [0, 1, 0, 1], names=["a", "b", "c"])
    write_parquet(folder / "test.parquet", list(map(png, RGB[4:6])), [0, 2], names=["a", "b", "c"])


def numbers_beyond(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:4])), [0, 1, 0, 1])
    write_parquet(folder / "test.parquet", list(map(png, RGB[4:6])), [0, 7])


def texts_beyond(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:4])), ["a", "b", "a", "b"])
    write_parquet(folder / "test.parquet", list(map(png, RGB[4:6])), ["a", "zebra"])


def sizes_differ(folder: Path) -> None:
    write_parquet(folder / "train.parquet", [png(RGB[0]), png(RGB[1][:, :3])], [0, 1])


def two_images(folder: Path) -> None:
    other = [{"bytes": png(RGB[0]), "path": None}] * 2
    write_parquet(folder / "train.parquet", list(map(png, RGB[:2])), [0, 1], more={"photo": other})


def only_test(folder: Path) -> None:
    write_parquet(folder / "test.parquet", list(map(png, RGB[:2])), [0, 1])


def damaged_file(folder: Path) -> None:
    (folder / "train.parquet").write_bytes(b"PAR1 and nothing else")


def without_bytes(folder: Path) -> None:
    columns = {"image": [{"bytes": png(RGB[0]), "path": None}, {"bytes": None, "path": "x.png"}], "label": [0, 1]}
    pq.write_table(pa.table(columns), folder / "train.parquet")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (broken_image, r"train-00001-of-00002\.parquet, row 1: not a readable image \("),
        (no_label, r"train\.parquet has no column of labels \(label, .*\); it has image, kind; give label=$"),
        (empty_label, r"train\.parquet, row 2: it has no label$"),
        (more_in_test, r"the test rows have classes that no training row has \(c\); remove them or train on them$"),
        (numbers_beyond, r"the test rows have classes that no training row has \(7\); remove them or train on them$"),
        (texts_beyond, r"test\.parquet, row 1: its label 'zebra' is none of the classes of training$"),
        (sizes_differ, r"train\.parquet, row 1: an image of 7x3 among images of 7x5; give a size$"),
        (two_images, r"must have one column of images; say which with image=; it has image, label, photo$"),
        (only_test, r"must hold train\*\.parquet; it holds test\.parquet$"),
        (damaged_file, r"train\.parquet is damaged, or no parquet file: "),
        (without_bytes, r"train\.parquet, row 1: no bytes of an image in column 'image'$"),
    ],
)
def test_a_fault_of_parquet_files_is_named(write: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        SOURCES.call("parquet", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_fault_of_a_folder_of_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no folder with images \(\.png, "):
        SOURCES.call("image-folder", tmp_path)
    folder_layout(tmp_path)
    (tmp_path / "val" / "zebra").mkdir()
    (tmp_path / "val" / "zebra" / "1.png").write_bytes(png(RGB[0]))
    with pytest.raises(DataError, match=r"val: the test rows have classes that no training row has \(zebra\)"):
        SOURCES.call("image-folder", tmp_path)
    (tmp_path / "train" / "b" / "1.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"train/b/1\.png: not a readable image"):
        SOURCES.call("image-folder", tmp_path / "train")


def test_a_fault_of_published_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "test_batch.bin").write_bytes(b"1" * 3073)
    with pytest.raises(DataError, match=r"data_batch_1\.bin is missing$"):
        SOURCES.call("cifar10", tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(b"1" * 3072)
    with pytest.raises(DataError, match=r"data_batch_1\.bin is damaged: 3072 bytes are no whole number of 3073$"):
        SOURCES.call("cifar10", tmp_path)
    folder = tiny_imagenet(tmp_path / "tiny")
    annotations = folder / "val" / "val_annotations.txt"
    annotations.write_text(annotations.read_text().replace("\tn01", "\tn77"))
    with pytest.raises(DataError, match=r"val_0\.png: its label 'n77' is none of the classes of training$"):
        SOURCES.call("tiny-imagenet", folder)
    annotations.write_text("val_9.png\tn01\n")
    with pytest.raises(DataError, match=r"val_9\.png is missing$"):
        SOURCES.call("tiny-imagenet", folder)
    annotations.write_text("what is this?\n")
    with pytest.raises(DataError, match="every line must be: file, tab, class"):
        SOURCES.call("tiny-imagenet", folder)
    annotations.unlink()
    with pytest.raises(DataError, match=r"val_annotations\.txt is missing$"):
        SOURCES.call("tiny-imagenet", folder)


@pytest.mark.parametrize("source", ["parquet", "image-folder", "cifar10", "cifar100", "tiny-imagenet"])
def test_a_source_without_its_folder(source: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{source} needs the folder of its files"):
        SOURCES.call(source, None)
    with pytest.raises(DataError, match="is not a folder"):
        SOURCES.call(source, tmp_path / "nowhere")


def test_the_real_sets(shared_data: Path) -> None:
    """CIFAR-10 as it was published has 5,000 and 1,000 images of each class."""
    samples = SOURCES.call("cifar10", shared_data / "cifar10-jpeg")
    assert (samples.inputs.shape, samples.test_rows, samples.classes) == ((60000, 3, 32, 32), 10000, CIFAR_10)
    assert np.bincount(samples.labels[:50000]).tolist() == [5000] * 10
    assert np.bincount(samples.labels[50000:]).tolist() == [1000] * 10
