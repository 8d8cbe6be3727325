"""A large file is spread by its rows: read from the middle in every format, and cut into pieces that are all of it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.config import Inputs
from lrensemble.errors import DataError
from lrensemble.export.readers import count_rows, read
from lrensemble.export.spread import parts_of

INPUTS = Inputs(shape=(3,), dtype="float32", mean=(0.0,) * 3, std=(1.0,) * 3)
ROWS = 9000
"""More than two batches of a table."""

Floats = NDArray[np.float32]
Write = Callable[[Path, Floats], object]


def to_csv(path: Path, rows: Floats) -> None:
    path.write_text("a,b,c\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows.tolist()))


def to_lines(path: Path, rows: Floats) -> None:
    path.write_text("\n".join(f"{json.dumps(row)}\n" for row in rows.tolist()))  # each second line is empty


def to_parquet(path: Path, rows: Floats) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pyarrow.parquet.write_table(pyarrow.table(dict(zip("abc", rows.T, strict=True))), path, row_group_size=700)


def to_npz(path: Path, rows: Floats) -> None:
    np.savez_compressed(path, x=rows, other=rows[:2])


WRITERS: dict[str, Write] = {
    "rows.npy": np.save,
    "rows.npz": to_npz,
    "rows.parquet": to_parquet,
    "rows.csv": to_csv,
    "rows.jsonl": to_lines,
}


@pytest.fixture
def rows() -> Floats:
    return np.random.default_rng(3).normal(size=(ROWS, 3)).astype(np.float32)


@pytest.mark.parametrize("name", WRITERS)
def test_rows_are_counted_and_read_from_the_middle(name: str, rows: Floats, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.parquet")
    path = tmp_path / name
    WRITERS[name](path, rows)
    assert count_rows(path) == ROWS
    for part in (range(1024), range(1024, 3072), range(4000, 8200), range(8192, ROWS)):
        found = np.concatenate(list(read(path, INPUTS, part)))
        np.testing.assert_array_equal(found, rows[part.start : part.stop])


def test_columns_whose_names_are_numbers_are_no_row(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path, named = tmp_path / "waves.csv", INPUTS.model_copy(update={"features": ("400", "405", "410")})
    path.write_text("400,405,410\n1,2,3\n4,5,6\n")
    assert np.concatenate(list(read(path, named))).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (count_rows(path, named=True), count_rows(path)) == (2, 3)


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "rows.jsonl"])
def test_what_is_wrong_is_named_by_its_row_in_the_file(name: str, rows: Floats, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.parquet")
    rows[5003, 1] = np.inf
    WRITERS[name](tmp_path / name, rows)
    for part in (None, range(4096, 6144), range(5000, 5500)):
        with pytest.raises(DataError, match="row 5003 holds a value that is not finite"):
            list(read(tmp_path / name, INPUTS, part))


def test_a_damaged_file_is_left_to_who_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.parquet")
    for name in ("rows.npy", "rows.npz", "rows.parquet"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        assert count_rows(tmp_path / name) is None


def test_a_large_file_is_cut_at_batches_and_small_ones_stay_together(rows: Floats, tmp_path: Path) -> None:
    paths = [tmp_path / f"{place}.npy" for place in range(4)]
    for path, count in zip(paths, (5, 0, ROWS, 7), strict=True):
        np.save(path, rows[:count])
    parts = parts_of(paths, 4)
    assert [[(piece.path.name, piece.rows) for piece in part] for part in parts] == [
        [("0.npy", None)],
        [("1.npy", None)],
        [("2.npy", range(3072))],
        [("2.npy", range(3072, 6144))],
        [("2.npy", range(6144, ROWS))],
        [("3.npy", None)],
    ]
    assert [len(part) for part in parts_of(paths[:2] + paths[3:], 2)] == [2, 1]
    assert [part[0].rows for part in parts_of([paths[2]], 1)] == [None]
