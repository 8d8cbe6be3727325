"""Sources of encoded images: every fault of a file is one line that names its place."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.data.layouts import LABELS, RGB, folder_layout, parquet_layout, png, tiny_imagenet, write_parquet

from lrensemble.data import SOURCES
from lrensemble.errors import DataError, LREnsembleError, StorageError


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


@pytest.mark.parametrize(
    ("pixels", "mode"),
    [(np.full((5, 7), 300, np.uint16), "I;16"), (np.full((5, 7), 0.5, np.float32), "F")],
    ids=["16 bits", "floats"],
)
@pytest.mark.parametrize("options", ["", "(channels=3)", "(size=4)"])
def test_pixels_of_more_than_8_bits_are_not_cut(pixels: NDArray[Any], mode: str, options: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF")
    write_parquet(tmp_path / "train.parquet", [png(RGB[0]), buffer.getvalue()], [0, 1])
    with pytest.raises(DataError, match=rf"row 1: pixels of more than 8 bits \(mode {mode}\); convert the images"):
        SOURCES.call(f"parquet{options}", tmp_path)


def test_splits_are_no_classes(tmp_path: Path) -> None:
    folder_layout(tmp_path)
    (tmp_path / "train").rename(tmp_path / "test")
    with pytest.raises(DataError, match=r"holds no folder train and no classes; it holds test, val$"):
        SOURCES.call("image-folder", tmp_path)


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("cifar10", r"data_batch_1\.bin … test_batch\.bin \(the binary version\)"),
        ("cifar100", r"train\.bin and test\.bin \(the binary version\)"),
        ("tiny-imagenet", r"wnids\.txt, train/ and val/"),
    ],
)
def test_a_folder_in_another_layout_says_what_was_looked_for(source: str, files: str, tmp_path: Path) -> None:
    message = rf"must hold {files}, or train\*\.parquet and test\*\.parquet; it holds "
    with pytest.raises(DataError, match=rf"{message}nothing$"):
        SOURCES.call(source, tmp_path)
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(DataError, match=rf"{message}cifar-10-batches-py$"):
        SOURCES.call(source, tmp_path)


def class_names_twice(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:4])), [0, 1, 2, 0], names=["a", "b", "a"])


def huge_label(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:4])), [0, 1, 2**40, 0])


def nan_label(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:4])), [0.5, 1.5, float("nan"), 0.5])


def nan_text(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:4])), ["a", "b", "nan", "a"])


def list_label(folder: Path) -> None:
    write_parquet(folder / "train.parquet", list(map(png, RGB[:2])), [[0], [1]])


def folder_with_a_loop(folder: Path) -> None:
    (folder / "train.parquet").mkdir(parents=True)
    (folder / "train.parquet" / "loop").symlink_to("..")


def link_to_itself(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "train.parquet").symlink_to("train.parquet")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (class_names_twice, "classes 0 and 2 are both called 'a'; give each a name of its own"),
        (huge_label, f"labels go up to {2**40} in 4 rows; labels run from 0 to classes - 1, each with rows"),
        (nan_label, "rows have nan for a label; remove them, or label them"),
        (nan_text, "class 2 is called 'nan', as if its name were missing; give it one"),
        (list_label, "labels are lists or tables; give numbers or texts"),
        (folder_with_a_loop, r"train\.parquet is a folder; give a parquet file of that name"),
        (link_to_itself, r"cannot read .*train\.parquet: Too many levels of symbolic links"),
    ],
)
def test_labels_and_links_that_lead_nowhere(tmp_path: Path, write: Callable[[Path], None], message: str) -> None:
    write(tmp_path / "data")
    with pytest.raises(LREnsembleError, match=message) as caught:
        SOURCES.call("parquet", tmp_path / "data")
    assert "\n" not in str(caught.value)


def test_links_between_folders_of_images_are_no_images(tmp_path: Path) -> None:
    folder_layout(tmp_path / "plain")
    folder_layout(tmp_path / "looped")
    own = tmp_path / "looped" / "train" / "a"
    (own / "up").symlink_to("..")
    (own / "self").symlink_to("self")
    (tmp_path / "looped" / "train" / "loop").symlink_to("loop")
    plain, looped = (SOURCES.call("image-folder", tmp_path / name) for name in ("plain", "looped"))
    assert plain.target.names == looped.target.names
    assert np.array_equal(plain.inputs, looped.inputs)
    (own / "b.png").symlink_to("b.png")
    with pytest.raises(StorageError, match=r"cannot read .*b\.png: Too many levels of symbolic links"):
        SOURCES.call("image-folder", tmp_path / "looped")
