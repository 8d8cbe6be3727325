"""A pool whose members began at the same weights and were trained little: they make a soup."""

from pathlib import Path

import pytest

from lrensemble.config import Experiment, to_record
from lrensemble.data import Dataset, load
from lrensemble.evaluate import choose, save
from lrensemble.pool import Pool
from lrensemble.train import tune


@pytest.fixture(scope="session")
def near_experiment(data_folder: Path) -> Experiment:
    content = {
        "data": {"name": "npz", "file": "tiny.npz", "folder": data_folder},
        "model": "mlp(width=7)",
        "policy": ["constant(peak=0.02)", "constant(peak=0.022)", "one_cycle(peak=0.03)"],
        "train": {"epochs": 6, "batch_size": 8, "init_seed": 5},
    }
    return to_record(Experiment, content, "test")


@pytest.fixture(scope="session")
def near(tmp_path_factory: pytest.TempPathFactory, near_experiment: Experiment) -> Pool:
    folder = tmp_path_factory.mktemp("near") / "pool"
    list(tune(near_experiment, folder))
    pool = Pool.open(folder)
    save(pool, choose(pool, "all", folds=2))
    return pool


@pytest.fixture(scope="session")
def near_data(near_experiment: Experiment) -> Dataset:
    return load(near_experiment.data, near_experiment.split)
