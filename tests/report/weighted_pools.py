"""Reports on pools whose val rows count several times, or stand there as often."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate import evaluate, load, save
from lrensemble.evaluate.teams import choose
from lrensemble.pool.collect import collect
from lrensemble.report.report_data import ReportData

ROWS, CLASSES, MEMBERS = 90, 3, 4


def report_of(folder: Path, times: NDArray[np.int64], *, repeated: bool) -> ReportData:
    """A report on a pool whose val rows count so often, or stand there so often."""
    generator = np.random.default_rng(3)
    labels = generator.integers(CLASSES, size=ROWS)
    logits = generator.normal(size=(MEMBERS, ROWS, CLASSES))
    logits[:, np.arange(ROWS), labels] += 1
    order = np.repeat(np.arange(ROWS), times) if repeated else np.arange(ROWS)
    arrays: dict[str, Any] = {"logits": logits[:, order], "labels": labels[order]}
    arrays |= {} if repeated else {"weights": times}
    arrays |= {"test_logits": logits, "test_labels": labels}
    folder.mkdir()
    np.savez(folder / "predictions.npz", **arrays)
    pool = collect([folder / "predictions.npz"], folder / "pool").pool
    save(pool, choose(pool, "all"))
    return ReportData(pool, evaluate(pool, load(pool)))
