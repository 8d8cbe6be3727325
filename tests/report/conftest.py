"""A pool that was trained here, one with hostile names, and a browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.pages import HOSTILE, Window, collapsed_pool, evaluated

from lrensemble.config import Experiment, to_record
from lrensemble.pool import Failure, Pool
from lrensemble.pool.collect import collect
from lrensemble.train import tune


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    sweep: dict[str, Any] = {
        "data": "digits",
        "model": "mlp(width=32)",
        "policy": [{"name": "one_cycle", "peak": [0.2, 0.4]}, {"name": "cosine", "peak": [0.2, 0.4]}],
        "train": {"epochs": 4, "batch_size": 100},
    }
    folder = tmp_path_factory.mktemp("report") / "pool"
    list(tune(to_record(Experiment, sweep, "test"), folder))
    return Pool.open(folder)


@pytest.fixture(scope="session")
def trained_page(trained: Pool) -> Path:
    return evaluated(trained)


@pytest.fixture
def hostile(tmp_path: Path) -> Pool:
    return hostile_pool(tmp_path)


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Page of hostile names: a collapsed member, a diverged one and a failed run, in a folder with a space."""
    pool = collapsed_pool(tmp_path_factory.mktemp("a page") / "pool", HOSTILE)
    traceback = f"Traceback\nValueError: no such layer{HOSTILE}"
    pool.record_failure(Failure(id="f1", name=f"{HOSTILE}failed", traceback=traceback))
    return evaluated(pool)


def hostile_pool(tmp_path: Path) -> Pool:
    generator = np.random.default_rng(0)
    arrays: dict[str, Any] = {"models": np.array([f"{HOSTILE}{i}" for i in range(3)])}
    for prefix, rows in (("", 60), ("test_", 50)):
        labels = generator.integers(3, size=rows)
        logits = generator.normal(size=(3, rows, 3))
        logits[:, np.arange(rows), labels] += 1
        arrays |= {f"{prefix}logits": logits, f"{prefix}labels": labels}
    np.savez(tmp_path / "predictions.npz", **arrays)
    return collect([tmp_path / "predictions.npz"], tmp_path / "pool").pool


@pytest.fixture(scope="session")
def browser() -> Iterator[Window]:
    """A browser with one window."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium here: install Debian's chromium to have the page drawn")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        opened = playwright.chromium.launch(executable_path=found, args=flags)
        yield Window(opened)
        opened.close()
