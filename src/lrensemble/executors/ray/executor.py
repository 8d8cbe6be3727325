"""The executor `ray`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from lrensemble.errors import WorkerError
from lrensemble.executors.base import EXECUTORS, Crashed, Item, Message, Work
from lrensemble.executors.ray.connection import connected, machines
from lrensemble.executors.ray.items import items_of
from lrensemble.limits import Count
from lrensemble.text.counted import counted

logger = logging.getLogger(__name__)

Cores = Annotated[int, Field(gt=0, le=1024)]


@EXECUTORS.register
def ray(*, address: str = "auto", gpus: float = 0, cpus: Cores = 1, workers: Count | None = None) -> Cluster:
    """Workers on the machines of a Ray cluster, spread over them; those that come late get work too.

    The folder of the pool must be one that all machines share. Versions of Python, torch and lrensemble are compared
    first, and modules of the user's own are sent. Ray starts workers and says when one died, no more: items are handed
    out again by this process, and claims in the pool decide who trains what.

    Args:
        address: of the cluster: `auto` for the one that this machine is part of, `local` to start one here, or
            `HOST:PORT`.
        gpus: 1 for a GPU for each worker, 0 for none. Members share a GPU in a group; parts of one are refused.
        cpus: cores that Ray keeps free for a worker.
        workers: at a time; as many as the cluster has room for unless given.
    """
    if gpus not in (0, 1):
        raise WorkerError(
            f"ray(gpus={gpus:g}) is refused; give 1, and members share the GPU in a group, or 0: Ray would put all "
            "parts of GPUs on the first one, and a member is trained on one device"
        )
    return Cluster(address, int(gpus), cpus, workers)


@dataclass(frozen=True)
class Cluster:
    """The executor of `ray`."""

    address: str = "auto"
    gpus: int = 0
    cpus: int = 1
    workers: int | None = None

    shares_arrays: ClassVar[bool] = True
    """By Ray's object store."""

    def places(self, devices: Sequence[str], modules: Sequence[str] = ()) -> tuple[str, ...]:
        """One for each GPU, or for each worker's cores, that the cluster has now, or for `workers`.

        Raises:
            WorkerError: devices of this machine were asked for, or the cluster cannot be used.
        """
        if tuple(devices) != ("cpu",):
            raise WorkerError(
                f"device {','.join(devices)} is of this machine, and executor ray trains on others; leave it out, and "
                "say ray(gpus=1) for GPUs"
            )
        found = machines(connected(self.address, modules))
        room = sum(self._room(node["Resources"]) for node in found)
        if not room:
            needed = f"{counted(self.cpus, 'core')}{' and a GPU' if self.gpus else ''}"
            logger.warning("no machine of the cluster has %s for a worker now; waiting for one that has", needed)
        count = max(1, room if self.workers is None else self.workers)
        return ("auto" if self.gpus else "cpu",) * count

    def map(
        self,
        prepare: Callable[..., Work[Item, Message]],
        items: Sequence[Item],
        *,
        devices: Sequence[str] = (),
        attempts: int = 2,
        stop: Callable[[], bool] = lambda: False,
        answer: Callable[[Any], object] | None = None,
    ) -> Generator[Message | Crashed, None, None]:
        """Do the items in the cluster. As `Executor.map`; all workers compute on the first of the devices.

        The cluster has all items at once, unless the workers are counted: machines that come late shall find some.
        """
        if not items:
            return
        cluster = connected(self.address)
        options = {"num_cpus": self.cpus, "num_gpus": self.gpus, "scheduling_strategy": "SPREAD"}
        device = devices[0] if devices else None
        workers = self.workers or len(devices) or 1
        given = items_of(cluster, prepare, items, options, device, workers=workers, asks=answer is not None)
        try:
            while given.waiting or given.busy:
                given.hand_out(self.workers or len(items))
                if stop():
                    raise KeyboardInterrupt
                ended = given.ended()
                yield from given.heard(answer)
                for reference in ended:
                    yield from given.settled(reference, attempts, answer)
        finally:
            given.call_back(answer)

    def _room(self, resources: Mapping[str, float]) -> int:
        """Workers that a machine has room for."""
        by_cores = int(resources.get("CPU", 0) // self.cpus)
        return min(by_cores, int(resources.get("GPU", 0) // self.gpus)) if self.gpus else by_cores
