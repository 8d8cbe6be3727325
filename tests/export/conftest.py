"""A small pool with its networks: byte images of 2x6x5, four classes, two architectures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.cli.conftest import command  # noqa: F401  (a fixture for the tests here as well)

from lrensemble.config import Experiment, to_record
from lrensemble.evaluate import Team, choose, save
from lrensemble.export import Ensemble, ensemble_of
from lrensemble.pool import Pool
from lrensemble.train import Ended, tune

SHAPE = (2, 6, 5)
CLASSES = ("ant", "bee, with a comma", "<b>cat</b>", "dog")
ROWS = 150


@pytest.fixture(scope="session")
def images() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Inputs [sample, *SHAPE] whose classes overlap, and labels [sample]."""
    generator = np.random.default_rng(0)
    labels = np.arange(ROWS) % len(CLASSES)
    centres = generator.uniform(60, 200, size=(len(CLASSES), *SHAPE))
    noise = generator.normal(scale=70, size=(ROWS, *SHAPE))
    return np.clip(centres[labels] + noise, 0, 255).astype(np.uint8), labels


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory, images: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> Path:
    folder = tmp_path_factory.mktemp("data")
    np.savez(folder / "tiny.npz", x=images[0], y=images[1], classes=np.array(CLASSES))
    return folder


@pytest.fixture(scope="session")
def experiment(data_folder: Path) -> Experiment:
    content = {
        "data": {"name": "npz", "file": "tiny.npz", "folder": data_folder},
        "model": "cnn(width=3)",
        "policy": ["constant(peak=0.1)", "one_cycle(peak=0.2)"],
        "train": {"epochs": 2, "batch_size": 16},
        "sweep": {"space": {"model": ["cnn(width=3)", "mlp(width=7)"]}},
    }
    return to_record(Experiment, content, "test")


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory, experiment: Experiment) -> Pool:
    """Four members: two of each architecture."""
    folder = tmp_path_factory.mktemp("trained") / "pool"
    ended = [event for event in tune(experiment, folder) if isinstance(event, Ended)]
    assert [event.status for event in ended] == ["finished"] * 4
    return Pool.open(folder)


TeamBy = Callable[..., Team]


@pytest.fixture(scope="session")
def team_by(pool: Pool) -> TeamBy:
    """The team of a method under a consensus, stored in the pool."""

    def make(method: str = "all", consensus: str = "mean") -> Team:
        team = choose(pool, method, consensus=consensus, folds=2)
        save(pool, team)
        return team

    return make


@pytest.fixture(scope="module")
def ensemble(pool: Pool, team_by: TeamBy) -> Ensemble:
    """Of all four members, by the mean."""
    return ensemble_of(pool, team_by())


@pytest.fixture(scope="module")
def bundle(ensemble: Ensemble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the ensemble."""
    folder = tmp_path_factory.mktemp("bundle") / "ensemble"
    ensemble.save(folder)
    return folder
