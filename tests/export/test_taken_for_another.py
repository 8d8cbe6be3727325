"""A pool where an ensemble is wanted, an ensemble or a file where a pool is: said in one line, nothing is written."""

from pathlib import Path

import numpy as np
import pytest

from lrensemble.errors import ExportError, LREnsembleError, PoolError, PredictionsError
from lrensemble.export import Ensemble
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    path = tmp_path / "predictions.npz"
    np.savez(path, probs=np.full((2, 6, 3), 1 / 3), labels=np.arange(6) % 3)
    return path


def test_a_pool_is_no_ensemble(pool: Pool) -> None:
    with pytest.raises(ExportError, match="is a pool and no ensemble; make one of it with lrensemble export"):
        Ensemble.load(pool.folder)


def test_a_file_is_neither(predictions: Path) -> None:
    with pytest.raises(
        ExportError, match=r"no ensemble at .*predictions.npz: it is a file; give the folder of a bundle"
    ):
        Ensemble.load(predictions)
    with pytest.raises(PoolError, match=r"no pool at .*predictions.npz: it is a file; a pool is a folder"):
        Pool.open(predictions)


def test_an_ensemble_is_no_pool_and_becomes_none(bundle: Path, predictions: Path) -> None:
    before = sorted(path.name for path in bundle.iterdir())
    with pytest.raises(PoolError, match="is an exported ensemble and no pool; lrensemble show"):
        Pool.open(bundle)
    with pytest.raises(PoolError, match="is an exported ensemble; name another folder for the pool"):
        collect(predictions, bundle)
    assert sorted(path.name for path in bundle.iterdir()) == before


@pytest.mark.parametrize("content", ['{"kind": "a run of mine"}', "[]", "{"])
def test_a_config_of_others_is_in_nobodys_way(predictions: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text(content)
    assert len(collect(predictions, tmp_path / "out").added) == 2
    assert (tmp_path / "out" / "config.json").read_text() == content


def test_a_pool_is_no_folder_of_predictions(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match="is a pool already; lrensemble merge"):
        collect(pool.folder, tmp_path / "another")


def test_show_of_a_file_says_what_it_takes(bundle: Path) -> None:
    from lrensemble.cli.show import show

    with pytest.raises(LREnsembleError, match=r"model.safetensors is a file; show takes the folder of a pool"):
        show(bundle / "model.safetensors")
