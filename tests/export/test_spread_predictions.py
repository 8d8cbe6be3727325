"""`lrensemble predict … --executor`: files are spread over workers, and the table is the same."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.cli.command import Command
from tests.export.conftest import TeamBy

from lrensemble.errors import ConfigError, DataError
from lrensemble.export.predicting import Asked, predict_files
from lrensemble.export.predictor import predictor_of
from lrensemble.export.spread import predict_spread
from lrensemble.pool import Pool

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


@pytest.fixture
def bundle(pool: Pool, team_by: TeamBy, command: Command, tmp_path: Path) -> Path:
    team_by()
    assert command("export", pool.folder, "--method", "all", "--out", tmp_path / "ensemble").status == 0
    return tmp_path / "ensemble"


def cells(text: str) -> tuple[list[list[str]], NDArray[np.float64]]:
    """Files, rows and labels; and the probabilities."""
    rows = list(csv.reader(io.StringIO(text)))[1:]
    return [row[:3] for row in rows], np.array([[float(cell) for cell in row[3:]] for row in rows])


def test_the_table_is_that_of_one_process(
    bundle: Path, command: Command, images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for place, size in enumerate((3, 0, 7, 1, 2)):  # more files than parts, and one that is empty
        np.save(f"part-{place}.npy", images[0][10 * place : 10 * place + size])
    files = [Path(f"part-{place}.npy") for place in (3, 0, 1, 2, 4)]
    alone = cells(command("predict", bundle, *files).out)
    assert [row[:2] for row in alone[0]][:2] == [["part-3.npy", "0"], ["part-0.npy", "0"]]
    for executor in ("processes(workers=2)", "in_process"):
        outcome = command("predict", bundle, *files, "--executor", executor)
        assert outcome.status == 0, outcome.err
        spread = cells(outcome.out)
        assert spread[0] == alone[0]
        np.testing.assert_allclose(spread[1], alone[1], rtol=0, atol=1e-6)


def test_rows_far_outside_are_refused_wherever_they_are_seen(bundle: Path, images: Images, tmp_path: Path) -> None:
    paths = [tmp_path / "good.npy", tmp_path / "bad.npy"]
    np.save(paths[0], images[0][:4])
    np.save(paths[1], (images[0][:4] / 255).astype(np.uint8))
    strict = Asked(strict=True)
    with pytest.raises(DataError, match="far outside") as caught:
        predict_spread(bundle, paths, strict, executor="processes(workers=1)")
    with pytest.raises(DataError) as expected:
        predict_files(predictor_of(bundle), paths, strict)
    assert str(caught.value) == str(expected.value)


def test_what_else_is_asked_is_asked_of_workers_too(bundle: Path, images: Images, tmp_path: Path) -> None:
    paths = [tmp_path / "a.npy", tmp_path / "b.npy"]
    for path, rows in zip(paths, (images[0][:4], images[0][4:9]), strict=True):
        np.save(path, rows)
    asked = Asked(disagreement=True, abstain=0.9)
    alone = predict_files(predictor_of(bundle), paths, asked)
    spread = predict_spread(bundle, paths, asked, executor="processes(workers=2)")
    assert (spread.files, spread.rows, spread.abstain) == (alone.files, alone.rows, 0.9)
    assert spread.further.keys() == alone.further.keys()
    assert len(alone.further) >= 2
    for heading, column in alone.further.items():
        said, wanted = (np.array(each, dtype=np.float64) for each in (spread.further[heading], column))
        np.testing.assert_allclose(said, wanted, rtol=0, atol=1e-6)


def test_standard_input_is_not_spread(bundle: Path) -> None:
    with pytest.raises(ConfigError, match="standard input is read by one process; give files"):
        predict_spread(bundle, [Path("-")], executor="processes(workers=2)")
