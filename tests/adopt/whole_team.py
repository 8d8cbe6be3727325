"""All members of a pool as one exported team, whatever was chosen, and the same from what their own tools give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lrensemble
from lrensemble.evaluate import load
from lrensemble.export import Ensemble
from lrensemble.export.networks import Networks
from lrensemble.export.team import ensemble_of
from lrensemble.pool import Pool


def assert_bundle_predicts_as_its_tools(
    pool: Path,
    predict: Mapping[str, Callable[[NDArray[Any]], NDArray[Any]]],
    x: NDArray[Any],
    *,
    rtol: float = 1e-5,
    atol: float = 1e-9,
) -> None:
    """Adopted, chosen, exported, read again: the mean of what the tools give.

    Args:
        pool: folder of the pool.
        predict: what each member gives in its tool, by its name.
        x: raw inputs.
        rtol: largest relative difference.
        atol: difference beside it that is not looked at.
    """
    lrensemble.select(pool, "all")
    opened = Pool.open(pool)
    members = opened.members()
    assert sorted(member.name for member in members) == sorted(predict)
    share = [1 / len(members)] * len(members)
    team = load(opened)[0].model_copy(update={"team": [member.id for member in members], "weights": share})
    ensemble_of(opened, team).save(pool / "bundle")
    ensemble = Ensemble.load(pool / "bundle")
    found = ensemble.predict_dense(x)
    expected = np.mean([np.asarray(predict[member.name](x), dtype=np.float64) for member in members], axis=0)
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=rtol, atol=atol)
    assert Networks(ensemble).threads() >= 1, "serve can begin"
