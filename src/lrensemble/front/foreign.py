"""Foreign data sets of an experiment: read before any training, and predicted once the teams are chosen."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.config import Experiment
from lrensemble.data import SOURCES
from lrensemble.data.source import Samples
from lrensemble.errors import ConfigError, DataError, LREnsembleError
from lrensemble.evaluate import Team, judged
from lrensemble.evaluate.uncertainty.stored import foreign_sets, write_foreign
from lrensemble.export.raw_inputs import PREDICT_BATCH_ROWS
from lrensemble.models.arithmetic import cuda_arithmetic
from lrensemble.pool import Pool

if TYPE_CHECKING:
    from lrensemble.export import Ensemble

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ForeignRows:
    """Rows of a foreign data set."""

    data: str
    """The data set in its text form."""
    inputs: NDArray[np.generic]
    """[sample, *shape], as they are."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of type, shape and inputs, in hexadecimal."""
        digest = hashlib.sha256(f"{self.inputs.dtype.newbyteorder('<')} {self.inputs.shape}".encode())
        digest.update(np.ascontiguousarray(self.inputs).data)
        return digest.hexdigest()


def foreign_of(experiment: Experiment) -> dict[str, ForeignRows]:
    """Rows of the foreign data sets of an experiment, by name: their test rows, or all where they have none.

    Raises:
        SpecError: an unknown data set or argument.
        ConfigError: the experiment is of values, or of texts.
        DataError: a set that cannot be read, or is of inputs of another shape than those of the experiment.
    """
    settings = experiment.data
    if not settings.foreign:
        return {}
    if settings.source.name not in SOURCES and ":" not in settings.source.name:
        raise ConfigError(
            f"data.foreign is for data sets of inputs, and {settings.source.name} is of texts; leave it out"
        )
    for each in settings.foreign.values():
        SOURCES.check(each.source)
    own = SOURCES.call(settings.source, settings.folder)
    if own.target.kind != "classes":
        raise ConfigError(
            "data.foreign is measured by probabilities of classes, and these data are values; leave it out"
        )
    found, shape = {}, own.inputs.shape[1:]
    for name, each in settings.foreign.items():
        samples = SOURCES.call(each.source, each.folder or settings.folder)
        if samples.inputs.shape[1:] != shape:
            raise DataError(
                f"data.foreign.{name}: {each.source} has inputs of shape {samples.inputs.shape[1:]}, and those of "
                f"{settings.source} have {shape}; name a set of inputs of the same shape"
            )
        inputs = _by_name(samples, own.features, f"data.foreign.{name}: {each.source}")
        found[name] = ForeignRows(str(each.source), inputs[-samples.test_rows :])  # all where there are none
    return found


def _by_name(samples: Samples, features: tuple[str, ...] | None, source: str) -> NDArray[np.generic]:
    """Inputs of foreign samples, with the columns of a table in the order of the features that are learned.

    Raises:
        DataError: a table with other columns.
    """
    if samples.features is None or features is None or samples.features == features:
        return samples.inputs
    if missing := [name for name in features if name not in samples.features]:
        raise DataError(
            f"{source} has no column {missing[0]!r}, which the experiment learns from; name a table with the same "
            "features"
        )
    order = [samples.features.index(name) for name in features]
    return np.ascontiguousarray(samples.inputs[:, order])


def predict_foreign(pool: Pool, teams: Sequence[Team], sets: Mapping[str, ForeignRows]) -> None:
    """Have the judged team and the best single model predict foreign rows, and keep what they say in the pool.

    What is there already is not predicted again. Where a network is gone, a warning says so.

    Raises:
        StorageError: the pool cannot be written to.
    """
    if not sets:
        return
    first = judged(pool, teams)[0]
    asked = [first.single] if first.team is None else [first.single, first.team]
    needed, kept = {member for team in asked for member in team.team}, foreign_sets(pool)
    missing = {
        name: rows
        for name, rows in sets.items()
        if name not in kept or kept[name].fingerprint != rows.fingerprint or not needed <= set(kept[name].members)
    }
    if not missing:
        return
    from lrensemble.export import ensemble_of  # late: a run without foreign rows exports nothing

    try:
        ensembles = [ensemble_of(pool, team) for team in asked]
    except LREnsembleError as error:
        logger.warning("foreign rows are not told from those of test: %s", error)
        return
    for name, rows in missing.items():
        logger.info("predicting %d rows of %s", len(rows.inputs), name)
        said = {member: own for ensemble in ensembles for member, own in _said(ensemble, rows.inputs).items()}
        write_foreign(pool, name, said, data=rows.data, fingerprint=rows.fingerprint)


@torch.no_grad()
def _said(ensemble: Ensemble, inputs: NDArray[np.generic]) -> dict[str, NDArray[np.float32]]:
    """Log-probabilities [sample, class] of each member, by id."""
    device = ensemble.mean.device
    with cuda_arithmetic(device):
        blocks = [
            ensemble.member_log_probs(torch.from_numpy(np.array(inputs[start : start + PREDICT_BATCH_ROWS])).to(device))
            for start in range(0, len(inputs), PREDICT_BATCH_ROWS)
        ]
    said = torch.cat(blocks, dim=1).cpu().numpy()
    return {part.id: own for part, own in zip(ensemble.description.parts, said, strict=True)}
