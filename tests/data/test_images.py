"""Sources of encoded images: every layout gives the pixels and labels that were written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.data.layouts import (
    GREY,
    HEIGHT,
    LABELS,
    RGB,
    TEST_LABELS,
    WANTED,
    WIDTH,
    as_set,
    folder_layout,
    parquet_layout,
    png,
    tiny_imagenet,
    write_parquet,
)

from lrensemble.data import SOURCES
from lrensemble.data.published import CIFAR_10


@pytest.mark.parametrize(
    ("source", "write"), [("parquet", parquet_layout), ("image-folder", folder_layout)], ids=["parquet", "folder"]
)
def test_a_layout_gives_the_pixels_that_were_written(
    source: str, write: Callable[[Path], None], tmp_path: Path
) -> None:
    write(tmp_path)
    samples = SOURCES.call(source, tmp_path)
    assert (samples.inputs.shape, str(samples.inputs.dtype)) == ((9, 3, HEIGHT, WIDTH), "uint8")
    assert (samples.target.names, samples.test_rows) == (("a", "b", "c"), 3)
    assert as_set(samples) == WANTED
    assert sorted(samples.truth[-3:].tolist()) == [0, 1, 2]


def test_parquet_rows_keep_their_order_and_may_lie_in_a_folder_data(tmp_path: Path) -> None:
    parquet_layout(tmp_path / "data")
    samples = SOURCES.call("parquet", tmp_path)
    np.testing.assert_array_equal(samples.inputs, RGB)
    assert samples.truth.tolist() == [*LABELS, *TEST_LABELS]


def test_classes_without_names_are_numbers_and_texts_are_names(tmp_path: Path) -> None:
    images = list(map(png, RGB[:6]))
    write_parquet(tmp_path / "numbers" / "train.parquet", images, LABELS)
    assert SOURCES.call("parquet", tmp_path / "numbers").target.names == ("0", "1", "2")
    texts = ["dog", "cat", "ant", "dog", "cat", "ant"]
    write_parquet(tmp_path / "texts" / "train.parquet", images, texts, label="target", image="img")
    write_parquet(tmp_path / "texts" / "validation.parquet", images[:2], ["cat", "cat"], label="target", image="img")
    samples = SOURCES.call("parquet", tmp_path / "texts")
    assert samples.target.names == ("ant", "cat", "dog")
    assert samples.truth.tolist() == [2, 1, 0, 2, 1, 0, 1, 1]
    assert samples.test_rows == 2


def test_a_folder_of_class_folders_has_no_test_rows_of_its_own(tmp_path: Path) -> None:
    folder_layout(tmp_path)
    samples = SOURCES.call("image-folder", tmp_path / "train")
    assert (len(samples.truth), samples.test_rows) == (6, 0)
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
    assert (samples.inputs.shape, samples.test_rows, samples.target.names) == ((60, 3, 32, 32), 10, CIFAR_10)
    np.testing.assert_array_equal(samples.inputs[10:20].reshape(10, -1), np.roll(pixels, 1)[:10])
    assert samples.truth[50:].tolist() == list(range(10))

    fine = np.arange(100, dtype=np.uint8)
    many = np.resize(pixels, (100, 3 * 32 * 32))
    for name in ("train.bin", "test.bin"):
        (tmp_path / name).write_bytes(np.concatenate([fine[:, None] // 5, fine[:, None], many], axis=1).tobytes())
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"kind {i}" for i in fine) + "\n")
    samples = SOURCES.call("cifar100", tmp_path)
    assert samples.truth.tolist() == [*range(100), *range(100)]
    assert (samples.target.names[7], samples.test_rows) == ("kind 7", 100)
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
    assert (len(samples.target.names), samples.test_rows) == (6, 6)


def test_tiny_imagenet_from_its_folders(tmp_path: Path) -> None:
    tiny_imagenet(tmp_path / "tiny-imagenet-200")
    samples = SOURCES.call("tiny-imagenet", tmp_path)
    assert (samples.target.names, samples.test_rows) == (("n02", "n01"), 2)
    assert samples.truth.tolist() == [0, 0, 1, 1, 1, 0]
    np.testing.assert_array_equal(samples.inputs[:4], RGB[:4])
    np.testing.assert_array_equal(samples.inputs[4], np.repeat(GREY[0], 3, axis=0))


def test_a_set_of_the_hub_from_a_local_folder(tmp_path: Path) -> None:
    folder_layout(tmp_path / "set")
    samples = SOURCES.call(f"hub(repo={str(tmp_path / 'set')!r})", tmp_path / "kept")
    assert (samples.target.names, samples.test_rows) == (("a", "b", "c"), 3)
    assert as_set(samples) == WANTED
    again = SOURCES.call(f"hub(repo={str(tmp_path / 'set')!r})", tmp_path / "kept")
    np.testing.assert_array_equal(again.inputs, samples.inputs)


@pytest.mark.long
def test_the_real_sets(shared_data: Path) -> None:
    """CIFAR-10 as it was published has 5,000 and 1,000 images of each class."""
    samples = SOURCES.call("cifar10", shared_data / "cifar10-jpeg")
    assert (samples.inputs.shape, samples.test_rows, samples.target.names) == ((60000, 3, 32, 32), 10000, CIFAR_10)
    assert np.bincount(samples.truth[:50000]).tolist() == [5000] * 10
    assert np.bincount(samples.truth[50000:]).tolist() == [1000] * 10


def test_real_images_of_which_some_are_grey(shared_data: Path, tmp_path: Path) -> None:
    """Labelled validation images of Tiny ImageNet, every fifth of each class, read here as if they were all."""
    table = pq.read_table(shared_data / "tiny-imagenet-200" / "valid-00000-of-00001.parquet")
    by_class = np.argsort(table["label"].to_numpy(), kind="stable")
    pq.write_table(table.take(by_class[::5]), tmp_path / "train.parquet")
    samples = SOURCES.call("tiny-imagenet", tmp_path)
    assert (samples.inputs.shape, samples.test_rows, len(samples.target.names)) == ((2000, 3, 64, 64), 0, 200)
    assert np.bincount(samples.truth).tolist() == [10] * 200
    grey = (samples.inputs == samples.inputs[:, :1]).all(axis=(1, 2, 3))
    assert 0 < grey.mean() < 0.1


def test_a_changed_set_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    folder_layout(tmp_path)
    first = SOURCES.call("image-folder", tmp_path)
    path = tmp_path / "train" / "a" / "0.png"
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = SOURCES.call("image-folder", tmp_path)  # nothing tells that the file is nonsense now: it is not opened
    np.testing.assert_array_equal(again.inputs, first.inputs)
    path.write_bytes(png(255 - RGB[0]))
    os.utime(path, ns=(1, 1))
    np.testing.assert_array_equal(SOURCES.call("image-folder", tmp_path).inputs[0], 255 - RGB[0])


def test_corrected_labels_are_seen_though_no_image_changed(tmp_path: Path) -> None:
    tiny_imagenet(tmp_path)
    assert SOURCES.call("tiny-imagenet", tmp_path).truth.tolist() == [0, 0, 1, 1, 1, 0]
    annotations = tmp_path / "val" / "val_annotations.txt"
    annotations.write_text("val_0.png\tn02\nval_1.png\tn01\n")
    assert SOURCES.call("tiny-imagenet", tmp_path).truth.tolist() == [0, 0, 1, 1, 0, 1]
    (tmp_path / "wnids.txt").write_text("n01\nn02\n")
    assert SOURCES.call("tiny-imagenet", tmp_path).truth.tolist() == [0, 0, 1, 1, 1, 0]


def test_a_link_in_the_folder_of_another_class_is_seen(tmp_path: Path) -> None:
    for place, name in enumerate(("a/0", "a/1", "b/2")):
        (tmp_path / f"{place}.png").write_bytes(png(RGB[place]))
        link = tmp_path / "set" / f"{name}.png"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(tmp_path / f"{place}.png")
    assert SOURCES.call("image-folder", tmp_path / "set").truth.tolist() == [0, 0, 1]
    (tmp_path / "set" / "a" / "1.png").rename(tmp_path / "set" / "b" / "1.png")
    assert SOURCES.call("image-folder", tmp_path / "set").truth.tolist() == [0, 1, 1]


def test_hidden_folders_and_files_are_no_images(tmp_path: Path) -> None:
    folder_layout(tmp_path)
    for hidden in (".ipynb_checkpoints/0.png", "a/.ipynb_checkpoints/0.png", "a/._0.png"):
        path = tmp_path / "train" / hidden
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(RGB[0]))
    assert as_set(SOURCES.call("image-folder", tmp_path)) == WANTED
    assert len(SOURCES.call("image-folder", tmp_path).truth) == len(WANTED)


def test_a_column_of_bytes_without_a_struct(tmp_path: Path) -> None:
    for kind in (pa.binary(), pa.large_binary()):
        columns = {"photo": pa.array(list(map(png, RGB[:6])), kind), "label": pa.array(LABELS)}
        pq.write_table(pa.table(columns), tmp_path / "train.parquet")
        np.testing.assert_array_equal(SOURCES.call("parquet", tmp_path).inputs, RGB[:6])


def test_validation_rows_stand_in_for_test_rows_whose_labels_are_secret(tmp_path: Path) -> None:
    images = list(map(png, RGB))
    parts = {"train": (slice(6), LABELS), "test": (slice(6, 9), [-1] * 3), "validation": (slice(3), [0, 1, 2])}
    for split, (rows, labels) in parts.items():
        path = tmp_path / "set" / f"{split}-00000-of-00001.parquet"
        write_parquet(path, images[rows], labels, names=["a", "b", "c"])
    samples = SOURCES.call(f"hub(repo={str(tmp_path / 'set')!r})", tmp_path / "kept")
    assert samples.truth.tolist() == [*LABELS, 0, 1, 2]
    np.testing.assert_array_equal(samples.inputs[6:], RGB[:3])
