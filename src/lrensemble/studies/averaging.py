"""Soups of the teams of a study: their networks averaged, and asked on the test rows."""

from __future__ import annotations

from collections.abc import Sequence

from lrensemble.config.study_file import Study
from lrensemble.data import Dataset, load
from lrensemble.errors import ExportError
from lrensemble.evaluate import Team
from lrensemble.evaluate.study.findings.soups import Averager, Soup
from lrensemble.export.soup import soup
from lrensemble.export.team import ensemble_of
from lrensemble.pool import Pool
from lrensemble.train.execution.devices import to_devices


def averager_of(study: Study, device: str) -> Averager | None:
    """What averages the weights of teams on the data of a study; None where all of its pools were made elsewhere."""
    if not study.trained:
        return None
    experiment = study.experiment(study.trained[0], 0)
    dataset = load(experiment.data, experiment.split).to(to_devices(device)[0])
    return lambda pool, ids: _averaged(pool, ids, dataset)


def _averaged(pool: Pool, ids: Sequence[str], dataset: Dataset) -> Soup:
    """Soup of members of a pool.

    Raises:
        ExportError: members that are not connected, or that give no probabilities of classes.
        LREnsembleError: networks that cannot be built here.
    """
    if pool.task.target.kind != "classes":
        raise ExportError("a soup goes by accuracy, which only classes have")
    chosen = tuple(dict.fromkeys(ids))
    equal = (1 / len(chosen),) * len(chosen)
    team = Team(
        method="all", metric="accuracy", consensus="mean", seed=0, pool=chosen, team=chosen, weights=equal,
        score=0.0, tried=1, seconds=0.0,
    )  # fmt: skip
    made = soup(ensemble_of(pool, team), dataset)
    said = made.ensemble.predict_proba(dataset.raw(dataset.rows[pool.task.test_sets[0]]))
    return Soup(made.ingredients, said)
