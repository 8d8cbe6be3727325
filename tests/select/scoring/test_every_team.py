"""The complete table of teams, and its files."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lrensemble.errors import MissingExtraError, SelectionError, StorageError
from lrensemble.select import Validation, select, team_score, team_table
from lrensemble.select.scoring import subset_scorer
from lrensemble.select.scoring.every_team import in_order
from lrensemble.select.scoring.subset_scorer import weights_of


def validation_of(members: int, rows: int = 37, classes: int = 3) -> Validation:
    generator = np.random.default_rng(members)
    probs = generator.dirichlet(np.ones(classes), size=(members, rows))
    return Validation(np.log(probs), generator.integers(classes, size=rows))


@pytest.mark.parametrize("ways", [{}, {"FEW": 0}, {"FEW": 0, "SOME": 0}], ids=["products", "arrays", "kernels"])
@pytest.mark.parametrize("consensus", ["mean", "plurality", "geometric_mean", "majority"])
@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
def test_every_team_has_its_score(
    metric: str, consensus: str, ways: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, value in ways.items():
        monkeypatch.setattr(subset_scorer, limit, value)
    validation = validation_of(5)
    table = team_table(validation, metric=metric, consensus=consensus)
    assert table.mask.tolist() == list(range(1, 32))
    for mask, size, score in zip(table.mask.tolist(), table.size.tolist(), table.score.tolist(), strict=True):
        team = [member for member in range(5) if mask >> member & 1]
        assert size == len(team)
        assert score == pytest.approx(team_score(validation, team, metric=metric, consensus=consensus), abs=1e-12)
    assert table.score.max() == pytest.approx(
        select(validation, "brute_force", metric=metric, consensus=consensus).score, abs=1e-12
    )


def test_a_table_is_written_and_read_back(tmp_path: Path) -> None:
    table = team_table(validation_of(4))
    table.save(tmp_path / "teams.npz")
    with np.load(tmp_path / "teams.npz") as file:
        for name in ("mask", "size", "score"):
            np.testing.assert_array_equal(file[name], getattr(table, name))
    with pytest.raises(StorageError, match=r"suffix '.csv'; a table is written as .npz or .parquet"):
        table.save(tmp_path / "teams.csv")
    with pytest.raises(StorageError, match="cannot write"):
        table.save(tmp_path / "missing" / "teams.npz")


def test_parquet_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="needs pyarrow; pip install pyarrow"):
        team_table(validation_of(3)).save(tmp_path / "teams.parquet")


def test_parquet_where_there_is_pyarrow(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = team_table(validation_of(3))
    table.save(tmp_path / "teams.parquet")
    assert parquet.read_table(tmp_path / "teams.parquet").column("mask").to_pylist() == table.mask.tolist()


def test_too_many_teams_are_counted_and_refused() -> None:
    with pytest.raises(SelectionError, match=r"6 members have 63 teams, above the limit of 62; .* limit=63"):
        team_table(validation_of(6), limit=62)


def test_masks_and_weights() -> None:
    assert weights_of(np.array([5, 6]), 4).tolist() == [[1, 0, 1, 0], [0, 1, 1, 0]]
    assert in_order(np.array([7, 6, 4, 3])).tolist() == [4, 3, 6, 7]


def test_a_table_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table, path = team_table(validation_of(4)), tmp_path / "teams.parquet"
    table.save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="length"):
        replace(table, mask=table.mask[:-1]).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
