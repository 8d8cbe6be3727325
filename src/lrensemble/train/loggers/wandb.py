"""Runs in Weights & Biases."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

from lrensemble.limits import Count
from lrensemble.pool import Pool
from lrensemble.train.loggers.base import LOGGERS, Logger, needed
from lrensemble.train.loggers.tracked import RunLogger, parameters
from lrensemble.train.run.runs import Run

NAME_LENGTH = 128
"""Characters of a run's name that Weights & Biases takes."""


@LOGGERS.register
def wandb(
    pool: Pool,
    *,
    project: str = "lrensemble",
    entity: str | None = None,
    mode: Literal["online", "offline"] | None = None,
    every: Count | None = None,
) -> Logger:
    """A run in Weights & Biases for each member, in a group for the pool.

    After each epoch, by step: learning rate, training loss, scores on val, samples per second. The recipe is its
    configuration; pool, member and status are there as well. A member that was interrupted goes on in its run.

    Args:
        pool: the pool that the members go to.
        project: name of the project.
        entity: user or team; the one of the login unless given.
        mode: `offline` writes to `wandb/` in the current folder, for `wandb sync`; `WANDB_MODE` says unless given.
        every: steps between two points of rate and loss; epochs alone unless given.

    Raises:
        MissingExtraError: wandb is not installed.
    """
    client = needed("wandb", "wandb", "Weights & Biases")
    chosen = {"project": project, "entity": entity, "mode": mode}
    return RunLogger(lambda run: _WandbRun(client, chosen, pool, run), every)


class _WandbRun:
    """Run of Weights & Biases of one run; the one that was interrupted where there is one."""

    def __init__(self, client: Any, chosen: Mapping[str, str | None], pool: Pool, run: Run) -> None:
        place = str(pool.folder.resolve())
        # The same recipe may be trained in several pools of one project.
        name = f"{run.id}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
        self._run = client.init(
            **chosen,
            id=name,
            name=run.name[:NAME_LENGTH],
            group=place[-NAME_LENGTH:],
            config={**parameters(run.recipe), "pool": place, "member": run.id},
            reinit="create_new",
            resume="allow",
            settings=client.Settings(silent=True),
        )

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log values at a step."""
        self._run.log(dict(values), step=step)

    def end(self, status: str) -> None:
        """Write the status, and end the run."""
        self._run.summary["status"] = status
        self._run.finish(exit_code=0 if status == "finished" else 1)
