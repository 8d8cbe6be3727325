"""`lrensemble export` and `lrensemble predict`: from a pool to a table of predictions of files."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.cli.command import Command
from tests.export.conftest import CLASSES, SHAPE, TeamBy

from lrensemble.config import Inputs
from lrensemble.errors import DataError
from lrensemble.export import Ensemble
from lrensemble.export.readers import count_rows, files_of, read
from lrensemble.pool import Pool

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


@pytest.fixture
def bundle(pool: Pool, team_by: TeamBy, command: Command, tmp_path: Path) -> Path:
    team_by()
    outcome = command("export", pool.folder, "--method", "all", "--out", tmp_path / "ensemble", "--json")
    assert outcome.status == 0, outcome.err
    record = json.loads(outcome.out)
    assert record["path"] == str(tmp_path / "ensemble")
    assert len(record["ensemble"]["parts"]) == 4
    return tmp_path / "ensemble"


def table_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_arrays_to_csv(bundle: Path, command: Command, images: Images, tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", x=images[0][:7])
    np.save(tmp_path / "more.npy", np.moveaxis(images[0][7:9], 1, 3))
    outcome = command("predict", bundle, tmp_path / "some.npz", tmp_path / "more.npy")
    assert outcome.status == 0, outcome.err
    rows = table_of(outcome.out)
    assert rows[0] == ["file", "row", "label", *(f"p:{name}" for name in CLASSES)]
    expected = Ensemble.load(bundle).predict_proba(images[0][:9])
    np.testing.assert_allclose([[float(cell) for cell in row[3:]] for row in rows[1:]], expected, rtol=0, atol=1e-6)
    assert [row[2] for row in rows[1:]] == [CLASSES[index] for index in expected.argmax(axis=1)]
    assert [(Path(row[0]).name, row[1]) for row in rows[-3:]] == [
        ("some.npz", "6"),
        ("more.npy", "0"),
        ("more.npy", "1"),
    ]


def test_to_parquet_and_json(bundle: Path, command: Command, images: Images, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    np.savez(tmp_path / "some.npz", images=images[0][:5])
    outcome = command("predict", bundle, tmp_path / "some.npz", "--out", tmp_path / "out.parquet", "--json")
    assert outcome.status == 0, outcome.err
    found = parquet.read_table(tmp_path / "out.parquet").to_pydict()
    records = json.loads(outcome.out)["predictions"]
    assert found["label"] == [record["label"] for record in records]
    for index, name in enumerate(CLASSES):
        assert found[f"p:{name}"] == [record["probabilities"][index] for record in records]


def inputs_of(*shape: int, dtype: str = "uint8") -> Inputs:
    return Inputs.model_validate({"shape": shape, "dtype": dtype, "mean": (0.0,) * shape[0], "std": (1.0,) * shape[0]})


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_become_rows(tmp_path: Path, channels: int) -> None:
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    pixels = np.random.default_rng(0).integers(0, 256, size=(5, 6, channels), dtype=np.uint8)
    image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(tmp_path / "a.png")
    (rows,) = read(tmp_path / "a.png", inputs_of(channels, 5, 6))
    np.testing.assert_array_equal(rows, np.moveaxis(pixels, 2, 0)[None])
    (grey,) = read(tmp_path / "a.png", inputs_of(1, 5, 6))
    assert grey.shape == (1, 1, 5, 6)


def test_parquet_of_images_and_of_features(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    pixels = np.random.default_rng(0).integers(0, 256, size=(4, 5, 6), dtype=np.uint8)
    encoded = []
    for one in pixels:
        buffer = io.BytesIO()
        image.fromarray(one).save(buffer, "PNG")
        encoded.append(buffer.getvalue())
    for cells in (encoded, [{"bytes": content, "path": None} for content in encoded]):
        parquet.write_table(arrow.table({"label": [0] * 4, "image": cells}), tmp_path / "images.parquet")
        (rows,) = read(tmp_path / "images.parquet", inputs_of(1, 5, 6))
        np.testing.assert_array_equal(rows, pixels[:, None])
    features = np.random.default_rng(0).normal(size=(7, 3))
    parquet.write_table(
        arrow.table({"name": list("abcdefg"), **{f"f{i}": features[:, i] for i in range(3)}}), tmp_path / "f.parquet"
    )
    (rows,) = read(tmp_path / "f.parquet", inputs_of(3, dtype="float32"))
    np.testing.assert_array_equal(rows, features.astype(np.float32))
    with pytest.raises(DataError, match=r"f\.parquet has 3 columns of numbers .* takes inputs of shape \(4,\)"):
        list(read(tmp_path / "f.parquet", inputs_of(4, dtype="float32")))
    (tmp_path / "g.parquet").write_bytes(b"PAR1 or not")
    with pytest.raises(DataError, match=r"g\.parquet is damaged, or no parquet file"):
        list(read(tmp_path / "g.parquet", inputs_of(4)))


def test_mistakes_are_told_in_one_line(
    bundle: Path,
    pool: Pool,
    command: Command,
    images: Images,
    tmp_path: Path,
) -> None:
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    image.fromarray(np.zeros((5, 6), dtype=np.uint8)).save(tmp_path / "grey.png")
    np.savez(tmp_path / "small.npz", x=images[0][:, :, :4])
    np.savez(tmp_path / "other.npz", z=images[0])
    np.savez(tmp_path / "nan.npz", x=np.full((2, *SHAPE), np.nan))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder.npz").mkdir()
    for arguments, message in (
        (("predict", bundle, tmp_path / "small.npz"), "the ensemble takes [sample, 2, 6, 5]"),
        (("predict", bundle, tmp_path / "other.npz"), "holds none of the arrays x"),
        (("predict", bundle, tmp_path / "nan.npz"), "row 0 holds a value that is not finite"),
        (("predict", bundle, tmp_path / "missing.npz"), "missing.npz: No such file"),
        (("predict", bundle, tmp_path / "notes.txt"), "cannot predict from .txt"),
        (("predict", bundle, tmp_path / "folder.npz"), "folder.npz holds no file that can be predicted from"),
        (("predict", bundle, tmp_path / "grey.png"), "is an image; the ensemble takes"),
        (("predict", bundle, tmp_path / "small.npz", "--out", tmp_path / "a.xlsx"), "ends in .csv or .parquet"),
        (("predict", tmp_path, tmp_path / "small.npz"), "it has no config.json"),
        (("export", pool.folder, "--format", "onx"), "did you mean 'onnx'?"),
        (("export", pool.folder, "--method", "pareto"), "has no team by 'pareto'"),
        (("export", pool.folder, "--method", "all", "--out", bundle), "is there already"),
        (
            ("export", pool.folder, "--variant", "student", "--out", tmp_path / "notes.txt/a/b"),
            "notes.txt is no folder",
        ),
        (("export", tmp_path), "no pool at"),
    ):
        outcome = command(*arguments)
        assert outcome.status == 2, arguments
        assert message in outcome.err
        assert outcome.err.count("\n") == 1
        assert outcome.out == ""


def test_folders_and_patterns(bundle: Path, command: Command, images: Images, tmp_path: Path) -> None:
    folder = tmp_path / "some of them"
    (folder / "below" / ".hidden").mkdir(parents=True)
    for place, name in enumerate(("b.npy", "a.npy", "below/c.npy", "below/.hidden/d.npy")):
        np.save(folder / name, images[0][place : place + 1])
    (folder / "notes.txt").write_text("x")
    for given, names in ((folder, ["a", "b", "c"]), (folder / "*.npy", ["a", "b"]), (folder / "**/c.*", ["c"])):
        outcome = command("predict", bundle, given)
        assert outcome.status == 0, outcome.err
        assert [Path(row[0]).stem for row in table_of(outcome.out)[1:]] == names
    outcome = command("predict", bundle, folder / "*.png")
    assert (outcome.status, outcome.out) == (2, "")
    assert "no file is called like" in outcome.err


def test_images_of_a_folder_come_before_its_tables(tmp_path: Path) -> None:
    for name in ("labels.csv", "z/2.PNG", "1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_of([tmp_path]) == [tmp_path / "1.jpg", tmp_path / "z/2.PNG"]
    strange = tmp_path / "a[1].npy"
    strange.touch()
    assert files_of([strange]) == [strange]


def test_csv_of_features(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (tmp_path / "t.csv").write_text("name,a,b\nx,1,2.5\ny,-3,1e3\n")
    (rows,) = read(tmp_path / "t.csv", inputs_of(2, dtype="float32"))
    np.testing.assert_array_equal(rows, np.array([[1, 2.5], [-3, 1000]], dtype=np.float32))
    with pytest.raises(DataError, match=r"t\.csv has 2 columns of numbers .* takes inputs of shape \(3,\)"):
        list(read(tmp_path / "t.csv", inputs_of(3, dtype="float32")))
    (tmp_path / "u.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(DataError, match=r"u\.csv is no CSV table that can be read"):
        list(read(tmp_path / "u.csv", inputs_of(2, dtype="float32")))
    (tmp_path / "gap.csv").write_text("a,b\n1,2\n3,\n")
    with pytest.raises(DataError, match=r"gap\.csv: row 1 holds a value that is not finite"):
        list(read(tmp_path / "gap.csv", inputs_of(2, dtype="float32")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5,2.5\n0.25,0.5\n", [[1.5, 2.5], [0.25, 0.5]]),  # of numpy.savetxt
        ("-1e-3,nan\n1,2\n", None),
        ("0,1\n3,4\n", [[3, 4]]),  # of a frame that was made of an array
        ("1,2\n3,4\n", [[3, 4]]),
        ("3,4\n5,6\n", [[3, 4], [5, 6]]),
        ("7,7\n5,6\n", [[7, 7], [5, 6]]),
    ],
)
def test_a_table_without_names_keeps_its_first_row(
    text: str, expected: list[list[float]] | None, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    path = tmp_path / "t.csv"
    path.write_text(text)
    if expected is None:
        with pytest.raises(DataError, match=r"t\.csv: row 0 holds a value that is not finite"):
            list(read(path, inputs_of(2, dtype="float32")))
        return
    np.testing.assert_array_equal(np.concatenate(list(read(path, inputs_of(2, dtype="float32")))), expected)
    assert count_rows(path) == len(expected)


def test_sixteen_bits_are_refused_and_not_cut(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    image.fromarray(np.full((5, 6), 40_000, dtype=np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(DataError, match=r"deep\.png: pixels of more than 8 bits .* convert the images to 8"):
        list(read(tmp_path / "deep.png", inputs_of(1, 5, 6)))


def test_an_image_of_the_wrong_size(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    image.fromarray(np.zeros((9, 8), dtype=np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png is 8x9 pixels; the ensemble takes 8x8, and training scaled no"):
        list(read(tmp_path / "a.png", inputs_of(1, 8, 8)))
    (tmp_path / "b.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"b\.png: not a readable image"):
        list(read(tmp_path / "b.png", inputs_of(1, 8, 8)))
