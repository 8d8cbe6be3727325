"""Callback of Optuna: the network of every trial becomes a member of a pool at once."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from lrensemble.adopt.callbacks import Keeper
from lrensemble.adopt.inside import models_in
from lrensemble.adopt.into_pool import AdoptedMember, AdoptResult
from lrensemble.adopt.logged import differences
from lrensemble.adopt.tools.optuna import asked_of, check_metric, facts_of, name_of
from lrensemble.errors import AdoptError
from lrensemble.pool import Pool

__all__ = ["Keep"]

logger = logging.getLogger(__name__)


class Keep:
    """What the objective gives each trial's network to, and a callback that compares and tells what is missing.

    ```python
    keep = Keep("pool", data={"x_val": x, "y_val": y}, builder=build, metric="nll")

    def objective(trial):
        model = ...
        keep.network(trial, model)
        return loss

    study.optimize(objective, n_trials=20, callbacks=[keep])
    ```

    A network is in the pool when `network` returns: a process that is killed afterwards, in this trial or in a later
    one, loses nothing. Several processes and threads of one study may fill one pool.
    """

    def __init__(
        self,
        pool: Pool | str | Path,
        *,
        data: Any = None,
        builder: Any = None,
        metric: str | None = None,
        facts: Mapping[str, Any] | None = None,
        **said: Any,
    ) -> None:
        """Open the pool, or make it: what is wrong with the data is said before anything is trained.

        Args:
            pool: a pool or its folder, which is made where there is none.
            data: rows to predict, as of `lrensemble.adopt`.
            builder: what builds a network of torch anew; a trial's parameters are its arguments where it takes them.
                Without one, networks are converted to ONNX.
            metric: what the objective returns (`nll`, `accuracy`), to be compared with the score here.
            facts: what is known of the training, kept beside each member.
            said: `gives`, `mean`, `std` and `truth`, as of `lrensemble.adopt`.

        Raises:
            AdoptError, DataError, PoolError, SpecError: as `lrensemble.adopt` does.
        """
        self._keeper = Keeper(pool, {"data": data, "builder": builder, "facts": facts, **said})
        self._keeper.prepared()
        self._metric = None if metric is None else check_metric(metric)
        self._kept: dict[int, AdoptedMember] = {}
        self._lock = Lock()

    @property
    def result(self) -> AdoptResult:
        """What was kept so far by this object."""
        return AdoptResult(self._keeper.prepared()[0].pool, tuple(self._kept.values()))

    def __repr__(self) -> str:
        return f"<Keep: {len(self._kept)} networks kept in {self._keeper.prepared()[0].pool.folder}>"

    def network(self, trial: Any, model: Any) -> AdoptedMember:
        """Make a trial's network a member, at once; to be called once in a trial, when it is trained.

        Args:
            trial: the trial that is running.
            model: its network, or the path of its file; whatever `lrensemble.adopt` takes of one model.

        Raises:
            AdoptError: a model that cannot be run again on these rows, or several.
        """
        study = trial.study.study_name
        began = trial.datetime_start
        found = models_in(model, asked_of(trial, study, self._keeper.prepared()[1]))
        if len(found) != 1:
            raise AdoptError(f"{name_of(study, trial.number)} gives {len(found)} models; give one")
        one = replace(
            found[0],
            name=name_of(study, trial.number),
            facts={**found[0].facts, **facts_of(trial), "study": study},
            seconds=(datetime.datetime.now() - began).total_seconds() if began else None,
        )
        with self._lock:
            member: AdoptedMember = self._keeper.add(one)[0]
            self._kept[trial.number] = member
        return member

    def __call__(self, study: Any, trial: Any) -> None:
        """Tell, after a trial, what it did not leave, and a value that its network does not have here."""
        kept, state, name = self._kept.get(trial.number), trial.state.name, name_of(study.study_name, trial.number)
        if kept is None:
            if state == "COMPLETE":
                logger.warning("%s left no network; call keep.network(trial, model) in the objective", name)
        elif state != "COMPLETE":
            logger.warning("%s ended as %s, and its network stays a member", name, state.lower())
        elif self._metric is not None and len(trial.values) == 1:
            for theirs, ours in differences({self._metric: trial.value}, kept.scores).values():
                logger.warning(
                    "%s: the objective returned %s %.4g, and on the pool's val rows it has %.4g: other rows, or "
                    "another preprocessing (mean=, std=)",
                    name,
                    self._metric,
                    theirs,
                    ours,
                )
