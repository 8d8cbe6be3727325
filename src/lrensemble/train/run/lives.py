"""Lives of runs, by whichever loop their recipes ask for."""

from __future__ import annotations

from collections.abc import Generator

from lrensemble.data import Dataset, Learnable
from lrensemble.pool import MemberRecord, Pool
from lrensemble.train.run.claims import Claims
from lrensemble.train.run.epochs import Epoch
from lrensemble.train.run.life import live
from lrensemble.train.run.loop import Step
from lrensemble.train.run.own_loop.life import live_by_function
from lrensemble.train.run.session import Session

Life = Generator[Step | Epoch, None, list[MemberRecord]]


def train_runs(claims: Claims, dataset: Learnable, pool: Pool, session: Session) -> Life:
    """Train runs by the library's loop, or by the function that the recipe of a run alone names. As `live`."""
    if claims.runs[0].recipe.train.function is None:
        return live(claims, dataset, pool, session)
    assert isinstance(dataset, Dataset)  # no other is handed to a function (`check_training`)
    return live_by_function(claims, dataset, pool, session)
