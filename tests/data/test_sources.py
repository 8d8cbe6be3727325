"""Every source of data: what it returns, and every damaged file refused by name."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrensemble.config import DataSettings, SplitSettings
from lrensemble.data import SOURCES, Samples, load, packaged
from lrensemble.data.mnist import FASHION_MNIST, MNIST
from lrensemble.data.source import check_samples
from lrensemble.errors import DataError, SpecError
from lrensemble.spec import Spec

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 5, 7), dtype=np.uint8)
LABELS = np.tile(np.arange(3, dtype=np.uint8), 4)
TEST_IMAGES, TEST_LABELS = IMAGES[:6, :, :] // 2, LABELS[:6]


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """Twelve training images and six test images, one file of them compressed."""
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(TEST_IMAGES)))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(TEST_LABELS))
    return tmp_path


def samples_of(source: str, folder: Path | None) -> Samples:
    return SOURCES.call(source, folder)


def test_digits_whose_file_lies_elsewhere_are_asked_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    found = samples_of("digits", None)
    looked_for = list[str]()
    monkeypatch.setattr(packaged, "find_spec", looked_for.append)
    packaged._read.cache_clear()
    asked = samples_of("digits", None)
    packaged._read.cache_clear()
    assert looked_for == ["sklearn"]
    assert np.array_equal(found.inputs, asked.inputs)
    assert np.array_equal(found.truth, asked.truth)


def test_a_packaged_table_is_read_once_and_everybody_has_a_copy() -> None:
    before = samples_of("diabetes", None)
    reads = packaged._read.cache_info().misses
    before.truth[:] = 0
    assert samples_of("diabetes", None).truth.min() == 25
    assert packaged._read.cache_info().misses == reads


def test_digits_are_those_of_scikit_learn() -> None:
    samples = samples_of("digits", None)
    assert (samples.inputs.shape, str(samples.inputs.dtype), samples.inputs.max()) == ((1797, 1, 8, 8), "uint8", 16)
    assert np.bincount(samples.truth).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert samples.test_rows == 0


def test_idx_files_plain_or_compressed(idx_folder: Path) -> None:
    samples = samples_of("idx", idx_folder)
    assert samples.inputs.shape == (18, 1, 5, 7)
    np.testing.assert_array_equal(samples.inputs[:12, 0], IMAGES)
    np.testing.assert_array_equal(samples.inputs[12:, 0], TEST_IMAGES)
    assert samples.truth.tolist() == [*LABELS, *TEST_LABELS]
    assert (samples.target.names, samples.test_rows) == (("0", "1", "2"), 6)
    assert samples_of("idx(test=None)", idx_folder).test_rows == 0
    assert len(samples_of("idx(train='t10k', test=None)", idx_folder).truth) == 6


def damage(content: bytes, how: str) -> bytes:
    middle = len(content) // 2
    return {
        "truncated": content[:middle],
        "flipped": content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :],
        "longer": content + b"\0",
        "empty": b"",
        "text": b"<!DOCTYPE html><title>404</title>",
    }[how]


@pytest.mark.parametrize(
    ("name", "how", "reason"),
    [
        ("train-images-idx3-ubyte", "truncated", r"truncated: 218 bytes where its header \(12, 5, 7\) asks for 436"),
        ("train-images-idx3-ubyte", "longer", "longer than its header says"),
        ("train-images-idx3-ubyte", "text", "not an idx file .* with 3 axes: it begins with 3c 21 44 4f"),
        ("train-labels-idx1-ubyte", "empty", "not an idx file .* it begins with nothing"),
        ("t10k-images-idx3-ubyte.gz", "truncated", "damaged or truncated"),
        ("t10k-images-idx3-ubyte.gz", "flipped", "damaged or truncated"),
        ("t10k-images-idx3-ubyte.gz", "text", "damaged or truncated: Not a gzipped file"),
    ],
)
def test_a_damaged_idx_file_is_refused_by_name(idx_folder: Path, name: str, how: str, reason: str) -> None:
    path = idx_folder / name
    path.write_bytes(damage(path.read_bytes(), how))
    with pytest.raises(DataError, match=reason) as caught:
        samples_of("idx", idx_folder)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_idx_files_that_are_missing_or_do_not_fit_are_refused(idx_folder: Path) -> None:
    labels = idx_folder / "train-labels-idx1-ubyte"
    labels.write_bytes(idx_bytes(LABELS[:9]))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte has 12 images but .*train-labels.* has 9 labels"):
        samples_of("idx", idx_folder)
    labels.unlink()
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte is missing, and so is train-labels-idx1-ubyte\.gz"):
        samples_of("idx", idx_folder)
    labels.write_bytes(idx_bytes(LABELS))
    (idx_folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(TEST_IMAGES[:, :, 1:])))
    with pytest.raises(DataError, match=r"training images are \(5, 7\) and test images \(5, 6\)"):
        samples_of("idx", idx_folder)


def test_a_flipped_label_shows_as_a_class_without_rows(idx_folder: Path) -> None:
    labels = LABELS.copy()
    labels[4] ^= 64
    (idx_folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    with pytest.raises(DataError, match="no row has label 3"):
        samples_of("idx", idx_folder)


def test_a_folder_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"fashion-mnist needs the folder of its files .* give --data FOLDER"):
        samples_of("fashion-mnist", None)
    with pytest.raises(DataError, match="nowhere is not a folder; mnist needs the one"):
        samples_of("mnist", tmp_path / "nowhere")


def test_other_data_under_the_names_of_mnist_are_refused(idx_folder: Path) -> None:
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte is not the file of mnist, or is damaged; .* use idx"):
        samples_of("mnist", idx_folder)


@pytest.mark.parametrize(("name", "sums"), [("mnist", MNIST), ("fashion-mnist", FASHION_MNIST)])
def test_the_real_files_are_known(shared_data: Path, name: str, sums: dict[str, str]) -> None:
    for file_name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "train-labels-idx1-ubyte"):
        content = gzip.decompress((shared_data / name / f"{file_name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == sums[file_name]


def test_fashion_mnist_keeps_its_own_test_rows(shared_data: Path) -> None:
    dataset = load(
        DataSettings(source=Spec("fashion-mnist"), folder=shared_data / "fashion-mnist"), SplitSettings(val=0.1)
    )
    assert {split: len(rows) for split, rows in dataset.rows.items()} == {"train": 54000, "val": 6000, "test": 10000}
    assert dataset.rows["test"].tolist() == list(range(60000, 70000))
    assert [dataset.target.names[label] for label in dataset.truth[:2]] == ["Ankle boot", "T-shirt/top"]
    assert dataset.mean.item() / 255 == pytest.approx(0.2860, abs=1e-3), "the usual mean of the training images"
    assert dataset.std.item() / 255 == pytest.approx(0.3530, abs=1e-3)


def save(folder: Path, **arrays: object) -> Path:
    content: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items()}
    np.savez(folder / "data.npz", **content)
    return folder


@pytest.mark.parametrize(
    ("inputs", "shape"),
    [
        (np.zeros((6, 4)), (6, 4)),
        (np.zeros((6, 5, 7), np.uint8), (6, 1, 5, 7)),
        (np.zeros((6, 3, 5, 7)), (6, 3, 5, 7)),
        (np.zeros((6, 5, 7, 3), np.uint8), (6, 3, 5, 7)),
    ],
)
def test_arrays_of_every_layout(tmp_path: Path, inputs: np.ndarray, shape: tuple[int, ...]) -> None:
    samples = samples_of("npz(file='data.npz')", save(tmp_path, x=inputs, y=[0, 1, 0, 1, 0, 1]))
    assert samples.inputs.shape == shape
    assert samples.inputs.dtype == (np.uint8 if inputs.dtype == np.uint8 else np.float32)


def test_arrays_with_test_rows_and_names(tmp_path: Path) -> None:
    images = np.arange(6 * 4.0).reshape(6, 4)
    save(tmp_path, images=images, labels=["b", "a", "b", "a", "b", "a"], test_images=images[:2], test_labels=["c", "a"])
    samples = samples_of("npz(file='data.npz')", tmp_path)
    assert (samples.target.names, samples.test_rows) == (("a", "b", "c"), 2)
    assert samples.truth.tolist() == [1, 0, 1, 0, 1, 0, 2, 0]
    save(tmp_path, x=images, y=[0, 1, 0, 1, 0, 1], classes=["cat", "dog"])
    assert samples_of("npz(file='data.npz')", tmp_path).target.names == ("cat", "dog")


X, Y = np.ones((6, 4)), [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": X}, r"must hold exactly one of y, labels, y_train; it holds x"),
        ({"x": X, "images": X, "y": Y}, "exactly one of x, X, images, x_train, X_train"),
        ({"x": X, "y": Y[:5]}, "6 inputs but 5 labels"),
        ({"x": X, "y": [0, 1, 0, 1, 0, 3]}, "no row has label 2"),
        ({"x": X, "y": [0, 1, 0, 1, 0, -1]}, "label -1 in row 5 is outside the classes"),
        ({"x": X, "y": [0] * 6}, "there is only one class"),
        (
            {"x": X, "y": [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]},
            "labels hold 2 whole numbers from 0 to 1; say what they are: kind = 'classes' or kind = 'values'",
        ),
        ({"x": X, "y": [[0, 1, 0], [1, 0, 1]]}, r"labels have shape \(2, 3\)"),
        ({"x": np.full((6, 4), np.nan), "y": Y}, "row 0 holds a value that is not finite"),
        ({"x": np.ones(6), "y": Y}, r"inputs have shape \(6,\)"),
        ({"x": ["a"] * 6, "y": Y}, "inputs are <U1; give numbers"),
        ({"x": X, "y": Y, "x_test": X}, "exactly one of y_test, test_y, test_labels"),
        ({"x": X, "y": Y, "x_test": X[:, 1:], "y_test": Y}, r"a training row is \(4,\) and a test row \(3,\)"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y[:5]}, "6 test inputs but 5 labels"),
        ({"x": X, "y": Y, "classes": ["a", "b", "c"]}, "no row has label 2"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, object], reason: str) -> None:
    save(tmp_path, **arrays)
    with pytest.raises(DataError, match=reason) as caught:
        samples_of("npz(file='data.npz')", tmp_path)
    assert "data.npz" in str(caught.value)


@pytest.mark.parametrize("how", ["truncated", "flipped", "empty", "text"])
def test_a_damaged_npz_is_refused_by_name(tmp_path: Path, how: str) -> None:
    path = save(tmp_path, x=np.random.default_rng(0).random((60, 40)), y=Y * 10) / "data.npz"
    path.write_bytes(damage(path.read_bytes(), how))
    with pytest.raises(DataError, match="is damaged") as caught:
        samples_of("npz(file='data.npz')", tmp_path)
    assert str(path) in str(caught.value)


def test_an_npz_that_is_missing_or_holds_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.npz is missing"):
        samples_of("npz(file='data.npz')", tmp_path)
    with (tmp_path / "data.npz").open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match="is a single array"):
        samples_of("npz(file='data.npz')", tmp_path)
    save(tmp_path, x=X, y=np.array([{}] * 6, dtype=object))
    with pytest.raises(DataError, match="holds objects that are not numbers"):
        samples_of("npz(file='data.npz')", tmp_path)


def test_an_unknown_source_is_refused_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="no data set named 'fashion_mnist'; did you mean 'fashion-mnist'"):
        samples_of("fashion_mnist", None)


def test_rows_and_labels_of_other_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="here: 3 inputs but 2 labels"):
        check_samples(Samples(np.ones((3, 5), np.float32), np.array([0, 1]), ("a", "b")), "here")
