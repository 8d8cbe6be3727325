"""A sweep in several processes that train each member together: one has it, the others follow."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from lrensemble.config import Experiment
from lrensemble.data import Learnable
from lrensemble.errors import ConfigError
from lrensemble.language.dataset import SequenceDataset
from lrensemble.train.execution.events import Event
from lrensemble.train.execution.signals import deferred_interrupt
from lrensemble.train.run.sharded.follow import follow
from lrensemble.train.run.sharded.processes import Processes
from lrensemble.train.sweep.setup import checked_factory


def require_language_model(dataset: Learnable, processes: Processes) -> int:
    """The number of processes, where the data are texts.

    Raises:
        ConfigError: they are arrays.
    """
    if not isinstance(dataset, SequenceDataset):
        processes.tell(do="end")
        raise ConfigError("execution sharded is for adapters of language models; choose from auto, one-by-one, …")
    return processes.share.of


@contextmanager
def leading(processes: Processes | None) -> Iterator[None]:
    """A block at whose end, however it ends, the others are told to end too, if they wait for word."""
    try:
        yield
    finally:
        if processes is not None and processes.in_step:
            processes.tell(do="end")


def following(experiment: Experiment, processes: Processes) -> Generator[Event, None, None]:
    """No events: the process does what the leader tells it. It is the leader who is interrupted, and saves."""
    dataset = checked_factory(experiment).dataset.to(processes.device)

    def events() -> Generator[Event, None, None]:
        with deferred_interrupt():
            if isinstance(dataset, SequenceDataset):
                follow(dataset, processes)
            else:
                processes.hear()
        yield from ()

    return events()
