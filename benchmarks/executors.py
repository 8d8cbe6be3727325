"""What a Ray cluster costs beside worker processes, and what a second machine brings: `python -m benchmarks.executors`.

Small members, trained by as many workers either way, in turn, on this machine; then, with `--nodes`, by a
cluster of one node and by one of two, of a core each. Counted is the time in which all workers are busy: from when each
has ended a member until the list is empty.

Wall-clock time on one machine says little of a cluster, whose head and raylets take from the cores that train. So CPU
seconds are counted beside it, by what they are for: *messages and claims* are what workers do to tell and to claim
(`benchmarks.counted`), Ray's own threads in them, the mailbox, and the program, which does nothing else.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from benchmarks.counted import FOLDER, Counts, heartbeat_seconds, read
from benchmarks.measure import show
from benchmarks.processes import PARTS, cpu_seconds

from lrensemble.config import Experiment, to_record
from lrensemble.environment import cores
from lrensemble.train import Ended, tune


@dataclass(frozen=True)
class Sweep:
    """Small networks on digits, one for each peak."""

    members: int
    epochs: int

    @property
    def experiment(self) -> Experiment:
        """As it is trained."""
        content = {
            "data": "digits",
            "model": "mlp(width=64)",
            "policy": [{"name": "cosine", "peak": [0.001 * (1 + place) for place in range(self.members)]}],
            "train": {"epochs": self.epochs, "batch_size": 32},
            "plugins": ["benchmarks.counted"],
        }
        return to_record(Experiment, content, "benchmark")


@dataclass(frozen=True)
class Spent:
    """A moment of a sweep."""

    time: float
    ended: int
    cpu: Counter[str]
    counts: dict[int, Counts]


@dataclass(frozen=True)
class Cost:
    """What a member costs, in seconds."""

    wall: float
    cpu: dict[str, float]
    """By part."""
    counts: Counts
    heartbeats: float
    """CPU seconds of those of all steps."""

    @property
    def claims(self) -> float:
        """CPU seconds of claims."""
        return self.counts.claim_seconds + self.heartbeats

    @property
    def messages(self) -> float:
        """CPU seconds of messages, on both sides and on the way."""
        told = self.counts.message_seconds + self.cpu["workers, other threads"]
        return told + self.cpu["mailbox"] + self.cpu["program"]

    @property
    def share(self) -> float:
        """Messages and claims, as a part of all CPU seconds."""
        return (self.messages + self.claims) / sum(self.cpu.values())


def cost(sweep: Sweep, executor: str, workers: int) -> Cost:
    """Cost of a member while all workers are busy."""
    folder, first, last, ended, steps = Path(os.environ[FOLDER]), None, None, 0, 0
    for path in folder.iterdir():
        path.unlink()
    with tempfile.TemporaryDirectory() as pool:
        for event in tune(sweep.experiment, Path(pool), execution="one-by-one", executor=executor):
            if isinstance(event, Ended):
                assert event.status == "finished", event.reason
                ended, steps = ended + 1, event.run.policy.total
                if first is None and len(read(folder)) == workers:
                    first = Spent(time.perf_counter(), ended, cpu_seconds(), read(folder))
                if ended == sweep.members - workers:
                    last = Spent(time.perf_counter(), ended, cpu_seconds(), read(folder))
    assert first is not None, "more workers than members"
    assert last is not None
    assert last.ended > first.ended, "too few members for so many workers"
    return _between(first, last, steps * heartbeat_seconds())


def _between(first: Spent, last: Spent, heartbeats: float) -> Cost:
    members, counts = last.ended - first.ended, Counts()
    for process, each in last.counts.items():
        counts = counts.plus(each.minus(first.counts.get(process, Counts())))
    cpu = {part: max(0.0, last.cpu[part] - first.cpu[part]) / members for part in PARTS}
    return Cost((last.time - first.time) / members, cpu, Counts(*(each / members for each in counts)), heartbeats)


@contextmanager
def cluster_of(nodes: int, head: int = 0) -> Iterator[str]:
    """Address of a cluster whose nodes have a core each, beside a head of so many."""
    import ray
    from ray.cluster_utils import Cluster

    node = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": head, **node})
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1, **node)
        cluster.wait_for_nodes()
        yield str(cluster.address)
    finally:
        ray.shutdown()
        cluster.shutdown()


def beside_processes(sweep: Sweep, workers: int, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """Costs by worker processes and by a machine of Ray, in turn."""
    processes, spread = list[Cost](), list[Cost]()
    with cluster_of(0, head=workers) as address:
        for _ in range(rounds):
            processes.append(cost(sweep, f"processes(workers={workers})", workers))
            spread.append(cost(sweep, f"ray(address='{address}')", workers))
    return processes, spread


def rows_of(processes: Sequence[Cost], spread: Sequence[Cost]) -> list[list[str]]:
    """The table: medians of both, in milliseconds a member."""

    def row(name: str, value: Callable[[Cost], float], form: str = "{:.1f} ms", wanted: str = "") -> list[str]:
        own, other = (median(value(each) for each in costs) for costs in (processes, spread))
        return [name, form.format(own), form.format(other), f"{other / own:.3f}" if own else "", wanted]

    parts = [row(f"CPU: {part}", lambda each, part=part: 1000 * each.cpu[part]) for part in PARTS]  # type: ignore[misc]
    return [
        row("wall clock", lambda each: 1000 * each.wall),
        row("CPU in all", lambda each: 1000 * sum(each.cpu.values())),
        *parts,
        row("of which workers tell", lambda each: 1000 * each.counts.message_seconds),
        row("of which workers claim", lambda each: 1000 * each.claims),
        row("messages", lambda each: each.counts.messages, "{:.1f}"),
        row("messages and claims", lambda each: 100 * each.share, "{:.2f} %", "below 2 %"),
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--nodes", action="store_true", help="Compare two nodes with one, instead of with processes.")
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled", OMP_NUM_THREADS="1")
    torch.set_num_threads(1)
    sweep = Sweep(given.members, given.epochs)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        if given.nodes:
            found = list[float]()
            for nodes in (1, 2):
                with cluster_of(nodes) as address:
                    costs = [cost(sweep, f"ray(address='{address}')", nodes) for _ in range(given.rounds)]
                found.append(median(each.wall for each in costs))
            rows = [
                ["1 node of Ray", f"{1000 * found[0]:.0f} ms", "1.00", ""],
                ["2 nodes of Ray", f"{1000 * found[1]:.0f} ms", f"{found[0] / found[1]:.2f} times one", "at least 1.7"],
            ]
            show(
                f"{given.members} members of {given.epochs} epochs",
                ["who trains", "a member", "ratio", "wanted"],
                rows,
                given.save,
            )
            return
        rows = rows_of(*beside_processes(sweep, given.workers, given.rounds))
    title = f"{given.members} members of {given.epochs} epochs, {given.workers} workers, {given.rounds} times in turn"
    show(title, ["a member", "worker processes", "Ray", "ratio", "wanted"], rows, given.save)


if __name__ == "__main__":
    main()
