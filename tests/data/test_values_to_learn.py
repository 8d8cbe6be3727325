"""Numbers to learn: what sources make of them, how rows are divided, and how they are standardised."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn.datasets
import torch

from lrensemble.config import DataSettings, SplitSettings
from lrensemble.data import SOURCES, Dataset, Samples, load, packaged
from lrensemble.errors import DataError
from lrensemble.spec import Spec
from lrensemble.targets import Classes, Values

X = np.random.default_rng(0).normal(3, 2, (30, 4))
Y = np.random.default_rng(1).normal(100, 5, (30, 2))


def asked(source: str) -> Any:
    if source == "diabetes":
        inputs, truth = sklearn.datasets.load_diabetes(scaled=False, return_X_y=True)
        return inputs, truth[:, None]
    return sklearn.datasets.load_linnerud(return_X_y=True)


@pytest.mark.parametrize(
    ("source", "names"), [("diabetes", ("progression",)), ("linnerud", ("weight", "waist", "pulse"))]
)
@pytest.mark.parametrize("from_the_file", [True, False])
def test_sets_of_scikit_learn_are_as_it_has_them(
    source: str, names: tuple[str, ...], from_the_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not from_the_file:
        monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    samples = SOURCES.call(source, None)
    inputs, truth = asked(source)
    np.testing.assert_allclose(samples.inputs, inputs.astype(np.float32))
    np.testing.assert_array_equal(samples.truth, truth)
    assert (str(samples.truth.dtype), samples.test_rows) == ("float64", 0)
    assert samples.target == Values(names=names)


def npz(folder: Path, argument: str = "", **arrays: Any) -> Samples:
    np.savez(folder / "data.npz", **{"x": X, **arrays})
    return SOURCES.call(f"npz(file='data.npz'{argument})", folder)


def test_real_numbers_in_a_file_of_numpy(tmp_path: Path) -> None:
    one = npz(tmp_path, y=Y[:, 0])
    assert (one.target, one.truth.shape) == (Values(names=("y",)), (30, 1))
    two = npz(tmp_path, y=Y.astype(np.float32), x_test=X[:7], y_test=Y[:7])
    assert (two.target, two.truth.shape, two.test_rows) == (Values(names=("y0", "y1")), (37, 2), 7)
    np.testing.assert_array_equal(two.truth[:30], Y.astype(np.float32))
    named = npz(tmp_path, y=Y, outputs=["left", "right"], classes=["no", "part"])
    assert named.target == Values(names=("left", "right"))


def test_whole_numbers_are_what_they_are_said_to_be(tmp_path: Path) -> None:
    grades = np.tile([3.0, 5.0, 4.0], 10)
    for floats in (grades, np.tile([0.0, 1.0], 15), np.arange(30.0), np.eye(3)[np.tile([0, 1, 2], 10)]):
        with pytest.raises(DataError, match="say what they are: kind = 'classes' or kind = 'values'"):
            npz(tmp_path, y=floats)
        assert npz(tmp_path, ", kind='values'", y=floats).target.kind == "values"
    classes = npz(tmp_path, ", kind='classes'", y=np.tile([0.0, 1.0], 15))
    assert classes.target == Classes(names=("0", "1"))
    assert str(classes.truth.dtype) == "int64"
    counted = npz(tmp_path, ", kind='values'", y=np.tile([0, 1], 15))
    assert counted.target == Values(names=("y",))
    assert str(counted.truth.dtype) == "float64"
    many = np.arange(30) + 25.0
    assert npz(tmp_path, y=many).target.kind == "values", "too many for classes, and they do not begin at 0"


@pytest.mark.parametrize(
    ("argument", "arrays", "reason"),
    [
        ("", {"y": Y, "outputs": ["a"]}, "outputs are named a; give 2 different names"),
        ("", {"y": Y, "outputs": ["a", "a"]}, "outputs are named a, a; give 2 different names"),
        ("", {"y": np.where(Y[4, 1] == Y, np.inf, Y)}, r"row 4 has .*, inf to learn, which is not finite"),
        ("", {"y": np.where([[True, False]], Y, 7.5)}, "output 1 is 7.5 in every row; there is nothing to learn"),
        ("", {"y": Y * 1e300}, r"output 0 goes up to .*e\+\d+, whose square no number holds; give it in another unit"),
        ("", {"y": Y * [1, 1e-300]}, r"output 1 goes up to .*e-\d+, whose square no number holds"),
        (", kind='values'", {"y": np.array(["a"] * 30)}, "labels are <U1; values are numbers"),
        (", kind='classes'", {"y": Y[:, 0]}, "labels are float64; give integers from 0, or texts"),
        (", kind='classes'", {"y": Y}, r"labels have shape \(30, 2\); give one a row"),
        ("", {"y": Y, "x_test": X, "y_test": Y[:, 0]}, r"labels have shape \(30, 2\) and test labels \(30,\)"),
        ("", {"y": Y[:, :, None]}, r"labels have shape \(30, 2, 1\); give one a row, or numbers"),
    ],
)
def test_values_that_cannot_be_learned_are_refused(
    argument: str, arrays: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=reason):
        npz(tmp_path, argument, **arrays)


COLUMNS: dict[str, list[Any]] = {
    "age": [31, 44, 28, 60, 52, 39],
    "weight": [70.5, 81.0, 66.25, 90.0, 77.5, 59.0],
    "smokes": [True, False, False, True, False, True],
    "price": [1.5, 2.25, 0.5, 3.0, 1.0, 2.0],
    "kind": ["cat", "dog", "cat", "dog", "cat", "dog"],
    "grade": [3, 5, 4, 3, 5, 4],
    "place": [0, 1, 2, 0, 1, 2],
}
NUMBERS = "['age', 'weight', 'smokes']"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same table in every format."""
    table = pa.table(COLUMNS)
    pq.write_table(table, tmp_path / "data.parquet")
    pq.write_table(table.slice(0, 2), tmp_path / "held.parquet")
    rows = list(zip(*COLUMNS.values(), strict=True))
    for name, mark in (("data.csv", ","), ("data.tsv", "\t"), ("semicolon.csv", ";")):
        lines = [mark.join(map(str, row)) for row in (tuple(COLUMNS), *rows)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    return tmp_path


def table(folder: Path, arguments: str) -> Samples:
    return SOURCES.call(f"table({arguments})", folder)


@pytest.mark.parametrize("file", ["data.csv", "data.tsv", "semicolon.csv", "data.parquet"])
def test_a_table_gives_features_and_a_target(file: str, folder: Path) -> None:
    mark = ", delimiter=';'" if file == "semicolon.csv" else ""
    samples = table(folder, f"file='{file}', target='price', features={NUMBERS}{mark}")
    assert samples.inputs.dtype == np.float32
    np.testing.assert_array_equal(samples.inputs, np.array([COLUMNS[name] for name in ("age", "weight", "smokes")]).T)
    np.testing.assert_array_equal(samples.truth[:, 0], COLUMNS["price"])
    assert samples.target == Values(names=("price",))


def test_a_target_of_a_table_is_what_its_column_holds(folder: Path) -> None:
    start = f"file='data.csv', features={NUMBERS}"
    assert table(folder, f"{start}, target='kind'").target == Classes(names=("cat", "dog"))
    assert table(folder, f"{start}, target='place'").target == Classes(names=("0", "1", "2"))
    assert table(folder, f"{start}, target='place', kind='values'").target == Values(names=("place",))
    both = table(folder, f"{start}, target=['price', 'grade']")
    assert (both.target, both.truth[1].tolist()) == (Values(names=("price", "grade")), [2.25, 5.0])
    yes = table(folder, "file='data.csv', features=['age', 'weight'], target='smokes'")
    assert (yes.target, yes.truth.tolist()) == (Classes(names=("false", "true")), [1, 0, 0, 1, 0, 1])
    with pytest.raises(
        DataError, match=r"data\.csv, grade: labels hold 3 whole numbers from 3 to 5; say what they are"
    ):
        table(folder, f"{start}, target='grade'")


def test_all_other_columns_are_features_and_a_second_file_has_the_test_rows(folder: Path) -> None:
    numbers = pa.table({key: COLUMNS[key] for key in ("price", "age", "weight")})
    pq.write_table(numbers, folder / "numbers.parquet")
    samples = table(folder, "file='numbers.parquet', target='price', test='held.parquet'")
    assert samples.inputs[-2:].tolist() == [[31, 70.5], [44, 81]]
    assert (len(samples.truth), samples.test_rows) == (8, 2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("file='data.csv', target='price'", "feature 'kind' holds string, no numbers; encode it .* features = "),
        ("file='data.csv', target='cost'", "has 0 columns 'cost', not one; its columns are age, weight"),
        ("file='data.csv', target=['price', 'kind'], features=['age']", "target 'kind' holds string, no numbers"),
        ("file='data.csv', target='price', features=['age', 'price']", "'price' is a feature and a target"),
        ("file='none.csv', target='price'", "none.csv is missing"),
        ("file='data.xls', target='price'", "data.xls is no table; give a file whose name ends in .csv"),
        ("file='gaps.csv', target='y'", "gaps.csv: column 'a' is empty in row 1; fill it in, or leave the row out"),
        ("file='twice.csv', target='y'", "has 2 columns 'a', not one"),
        ("file='bare.csv', target='y'", "bare.csv has no column beside the target"),
        ("file='ragged.csv', target='y'", "ragged.csv is no CSV file that can be read: .*Expected 2 columns, got 1"),
        ("file='semicolon.csv', target='price'", "; give delimiter = ';', if that stands between them"),
        (
            "file='latin.csv', target='y', features=['a']",
            "target 'y' holds texts that are not UTF-8; save the table as",
        ),
        ("file='held.csv', target='y'", "held.csv is no CSV file that can be read: .*"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused(arguments: str, reason: str, folder: Path) -> None:
    (folder / "gaps.csv").write_text("a,y\n1,0.5\n,1.5\n2,3.5\n")
    (folder / "twice.csv").write_text("a,a,y\n1,0,0.5\n4,2,1.5\n")
    (folder / "bare.csv").write_text("y\n0.5\n1.5\n")
    (folder / "ragged.csv").write_text("a,y\n1,0.5\n3\n")
    (folder / "latin.csv").write_bytes("a,y\n1,café\n3,thé\n".encode("latin-1"))
    (folder / "held.csv").write_bytes(b"\xff\xfe\x00a,y\n\xff,\x00\n")
    with pytest.raises(DataError, match=reason):
        table(folder, arguments)


def test_row_numbers_that_are_learned_from_are_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As pandas writes them unasked."""
    (folder / "indexed.csv").write_text(",a,y\n0,1,0.5\n1,4,1.5\n2,0,3.5\n")
    assert table(folder, "file='indexed.csv', target='y'").inputs.shape == (3, 2)
    line = "column '', which has no name of its own, numbers the rows, and is learned from; leave it out with features"
    assert line in caplog.text
    caplog.clear()
    assert table(folder, "file='indexed.csv', target='y', features=['a']").inputs.shape == (3, 1)
    assert not caplog.text


def dataset(folder: Path, truth: np.ndarray, **settings: Any) -> Dataset:
    np.savez(folder / "data.npz", x=np.arange(2.0 * len(truth)).reshape(-1, 2), y=truth)
    source = DataSettings(source=Spec("npz", {"file": "data.npz"}), folder=folder)
    return load(source, SplitSettings(**settings))


def test_every_split_has_its_share_of_low_and_of_high_values(tmp_path: Path) -> None:
    found = dataset(tmp_path, np.random.default_rng(3).permutation(200) + 0.5, val=0.25, test=0.25)
    for split, share in (("train", 0.5), ("val", 0.25), ("test", 0.25)):
        below = (found.truth_of(split) < 60).sum()
        assert abs(below - share * 60) <= 2


def test_values_are_standardised_by_the_training_rows_alone(tmp_path: Path) -> None:
    found = dataset(tmp_path, Y)
    train = found.truth_of("train")
    np.testing.assert_allclose(found.scale.mean, train.mean(axis=0))
    np.testing.assert_allclose(found.scale.std, train.std(axis=0))
    _, learned = found.batch(found.rows["val"])
    assert learned.dtype == torch.float32
    expected = (found.truth_of("val") - train.mean(axis=0)) / train.std(axis=0)
    np.testing.assert_allclose(learned, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.truth_of("val"), Y[found.rows["val"].numpy()])


def test_what_the_fingerprint_of_values_depends_on(tmp_path: Path) -> None:
    first = dataset(tmp_path, Y)
    assert first.fingerprint == dataset(tmp_path, Y).fingerprint
    assert first.fingerprint != dataset(tmp_path, Y + np.array([0, 1e-9])).fingerprint
