"""From a pool of adopted models to predictions of the exported team, and the same from what the tool itself gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lrensemble
from lrensemble.export import Ensemble
from lrensemble.export.networks import Networks

Predict = Callable[[NDArray[Any]], NDArray[Any]]


def assert_team_predicts_as_its_tools(
    pool: Path, folder: Path, predict: Mapping[str, Predict], x: NDArray[Any], *, rtol: float = 1e-5, atol: float = 1e-9
) -> Ensemble:
    """All members as one exported team, read again.

    Args:
        pool: folder of the pool.
        folder: where the bundle is to be.
        predict: what each member gives in its tool, by its name.
        x: raw inputs.
        rtol: largest relative difference.
        atol: difference beside it that is not looked at.
    """
    lrensemble.select(pool, "all")
    lrensemble.export(pool, folder, method="all")
    ensemble = Ensemble.load(folder)
    parts = ensemble.description.parts
    assert sorted(part.name for part in parts) == sorted(predict)
    theirs = [np.asarray(predict[part.name](x), dtype=np.float64) for part in parts]
    expected = np.average(np.stack(theirs), axis=0, weights=ensemble.description.weights)
    found = ensemble.predict_dense(x)
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=rtol, atol=atol)
    assert Networks(ensemble).threads() >= 1, "serve can begin"
    return ensemble
