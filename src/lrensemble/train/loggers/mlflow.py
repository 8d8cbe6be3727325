"""Runs in MLflow, by its client: in a database or a tracking server."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Mapping
from typing import Any

from lrensemble.errors import TrainingError
from lrensemble.limits import Count
from lrensemble.pool import Pool
from lrensemble.train.loggers.base import LOGGERS, Logger, needed
from lrensemble.train.loggers.tracked import RunLogger, parameters
from lrensemble.train.run.runs import Run

PARAMETERS_AT_ONCE = 100
"""What MLflow takes in one call."""
PARAMETER_LENGTH = 500
"""Characters of a value that every version of MLflow takes."""
STATUSES = {"finished": "FINISHED", "failed": "FAILED", "diverged": "FAILED"}
"""MLflow's words; all others are KILLED."""


@LOGGERS.register
def mlflow(
    pool: Pool,
    *,
    uri: str | None = None,
    experiment: str = "lrensemble",
    every: Count | None = None,
) -> Logger:
    """A run in MLflow for each member.

    After each epoch, by step: learning rate, training loss, scores on val, samples per second. The recipe is there as
    parameters; pool, member and status as the tags `lrensemble.pool`, `lrensemble.member` and `lrensemble.status`. A
    member that was interrupted goes on in its run. What is logged is sent in the background.

    Args:
        pool: the pool that the members go to.
        uri: of the tracking server or database: `http://…`, `sqlite:///mlflow.db`; MLflow's own choice unless given.
        experiment: name of MLflow's experiment, which is made where it is missing.
        every: steps between two points of rate and loss; epochs alone unless given.

    Raises:
        MissingExtraError: MLflow is not installed.
        TrainingError: the server or database cannot be used.
    """
    tracking = needed("mlflow.tracking", "mlflow", "MLflow")
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Warning)  # MLflow's own, of the libraries that it uses
            client = tracking.MlflowClient(tracking_uri=uri)
            found = client.get_experiment_by_name(experiment)
            home = found.experiment_id if found else client.create_experiment(experiment)
    except Exception as error:  # whatever a server or a database raises
        reason = " ".join(str(error).split())
        raise TrainingError(f"logger mlflow cannot use {uri or 'the tracking server'}: {reason}") from None
    return RunLogger(lambda run: _MlflowRun(client, home, pool, run), every)


class _MlflowRun:
    """MLflow's run of one run; the one that was interrupted where there is one."""

    def __init__(self, client: Any, home: str, pool: Pool, run: Run) -> None:
        self._client, self._entities = client, needed("mlflow.entities", "mlflow", "MLflow")
        self._sent = list[Any]()
        tags = {"lrensemble.pool": str(pool.folder.resolve()), "lrensemble.member": run.id}
        known = client.search_runs([home], f"tags.`lrensemble.member` = '{run.id}'")
        if begun := [each for each in known if tags.items() <= each.data.tags.items()]:
            self._id = begun[0].info.run_id
            client.update_run(self._id, status="RUNNING")
            return
        self._id = client.create_run(home, tags=tags, run_name=run.name).info.run_id
        given = [
            self._entities.Param(key, str(value)[:PARAMETER_LENGTH]) for key, value in parameters(run.recipe).items()
        ]
        for start in range(0, len(given), PARAMETERS_AT_ONCE):
            client.log_batch(self._id, params=given[start : start + PARAMETERS_AT_ONCE])

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Send metrics, in the background."""
        now = int(1000 * time.time())
        metrics = [self._entities.Metric(key, value, now, step) for key, value in values.items()]
        self._sent.append(self._client.log_batch(self._id, metrics=metrics, synchronous=False))

    def end(self, status: str) -> None:
        """Wait for what was sent, and end the run."""
        for each in self._sent:
            each.wait()
        self._client.set_tag(self._id, "lrensemble.status", status)
        self._client.set_terminated(self._id, STATUSES.get(status, "KILLED"))
