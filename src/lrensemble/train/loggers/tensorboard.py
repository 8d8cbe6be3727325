"""Event files that TensorBoard reads: scalars by step, the recipe as hyper-parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrensemble.limits import Count
from lrensemble.pool import Pool
from lrensemble.train.loggers.base import LOGGERS, Logger, needed
from lrensemble.train.loggers.tracked import RunLogger, parameters
from lrensemble.train.run.runs import Run

NAME_LENGTH = 60
"""Characters of a run's name in the name of its folder."""


@LOGGERS.register
def tensorboard(pool: Pool, *, folder: str | None = None, every: Count | None = None) -> Logger:
    """Event files for TensorBoard (`tensorboard --logdir FOLDER`), in a folder for each member.

    After each epoch, by step: learning rate, training loss, scores on val, samples per second. The recipe is there as
    hyper-parameters; pool, member, name and status as text.

    Args:
        pool: the pool that the members go to.
        folder: where; `tensorboard` beside the folder of the pool unless given.
        every: steps between two points of rate and loss; epochs alone unless given.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """
    needed("tensorboard", "tensorboard", "TensorBoard")
    place = pool.folder.absolute().parent / "tensorboard" if folder is None else Path(folder)
    return RunLogger(lambda run: _EventFile(place, pool, run), every)


class _EventFile:
    """Event file of one run; a run that goes on after an interruption gets another one in the same folder."""

    def __init__(self, place: Path, pool: Pool, run: Run) -> None:
        name = re.sub(r"[^\w.,=()+-]+", "_", run.name)[:NAME_LENGTH]
        board = needed("torch.utils.tensorboard", "tensorboard", "TensorBoard")
        self._writer: Any = board.SummaryWriter(str(place / f"{run.id} {name}"))
        _, started, self._succeeded = board.summary.hparams(parameters(run.recipe), {})
        self._writer.file_writer.add_summary(started)
        for tag, text in {"pool": str(pool.folder), "member": run.id, "name": run.name}.items():
            self._writer.add_text(tag, text)

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Write scalars."""
        for tag, value in values.items():
            self._writer.add_scalar(tag, value, step)

    def end(self, status: str) -> None:
        """Write the status, and close the file."""
        self._writer.add_text("status", status)
        if status == "finished":
            self._writer.file_writer.add_summary(self._succeeded)
        self._writer.close()
