"""A tiny sweep, and what must be equal between the pools of two sweeps."""

import copy
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from lrensemble.config import DataSettings, Experiment, SplitSettings, to_record
from lrensemble.data import Dataset, load
from lrensemble.pool import Pool
from lrensemble.spec import Spec

SWEEP: dict[str, Any] = {
    "data": "digits",
    "split": {"val": 0.2, "test": 0.35},
    "model": "mlp(width=7, dropout=0.2)",
    "policy": ["constant(peak=0.01)", "one_cycle(peak=0.05)", "cosine(peak=0.02)"],
    "train": {"epochs": 2, "batch_size": 100, "optimizer": "adamw"},
}
"""Three runs of two epochs of eight steps; 809 rows to train on, so that nine of them wait in every epoch."""

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load(DataSettings(source=Spec("digits")), SplitSettings(val=0.2, test=0.35))


@pytest.fixture
def sweep() -> dict[str, Any]:
    """The sweep as it would be read from TOML."""
    return copy.deepcopy(SWEEP)


@pytest.fixture
def experiment(sweep: dict[str, Any]) -> MakeExperiment:
    """The sweep with parts replaced; keys of `train` are merged."""

    def make(**changes: Any) -> Experiment:
        train = sweep["train"] | changes.pop("train", {})
        return to_record(Experiment, sweep | changes | {"train": train}, "test")

    return make


@pytest.fixture
def contents() -> Contents:
    """All of a pool that must be equal to the last bit (everything but times), and all that must not be left behind."""

    def read(folder: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        for member in Pool.open(folder).members(include_diverged=True):
            found[member.id] = {**member.record(), "seconds": None}
            for path in sorted(member.folder.iterdir()):
                if path.name != "member.json":
                    found[f"{member.id}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (*folder.rglob(".*.draft"), *folder.glob("unfinished/*"), *folder.glob("failed/*")):
            found[f"left behind: {path}"] = None
        return found

    return read
