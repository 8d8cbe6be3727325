"""What a Ray cluster costs beside worker processes, and what a second machine brings: `python -m benchmarks.executors`.

Sixty-four small members, trained by as many workers either way, in turn, on this machine; then by a cluster of one node
and by one of two, of a core each. Counted is the time from the first member that has ended to the last, so without what
it takes to start workers. Only on a machine that does nothing else do the ratios say something.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import torch
from benchmarks.measure import show

from lrensemble.config import Experiment, to_record
from lrensemble.environment import cores
from lrensemble.train import Ended, tune

MEMBERS = 64


def experiment(epochs: int) -> Experiment:
    """Small networks on digits, one for each peak."""
    peaks = [0.001 * (1 + place) for place in range(MEMBERS)]
    content = {
        "data": "digits",
        "model": "mlp(width=64)",
        "policy": [{"name": "cosine", "peak": peaks}],
        "train": {"epochs": epochs, "batch_size": 32},
    }
    return to_record(Experiment, content, "benchmark")


def seconds(epochs: int, executor: str) -> float:
    """Seconds from the end of the first member to that of the last."""
    ends = list[float]()
    with tempfile.TemporaryDirectory() as folder:
        for event in tune(experiment(epochs), Path(folder), execution="one-by-one", executor=executor):
            if isinstance(event, Ended):
                assert event.status == "finished", event.reason
                ends.append(time.perf_counter())
    return ends[-1] - ends[0]


@contextmanager
def cluster_of(nodes: int) -> Iterator[str]:
    """Address of a cluster whose nodes have a core each, beside a head without."""
    import ray
    from ray.cluster_utils import Cluster

    node = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **node})
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1, **node)
        cluster.wait_for_nodes()
        yield str(cluster.address)
    finally:
        ray.shutdown()
        cluster.shutdown()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled", OMP_NUM_THREADS="1")
    torch.set_num_threads(1)
    processes, spread, one, two = list[float](), list[float](), list[float](), list[float]()
    with cluster_of(given.workers) as address:
        for _ in range(given.rounds):
            processes.append(seconds(given.epochs, f"processes(workers={given.workers})"))
            spread.append(seconds(given.epochs, f"ray(address='{address}')"))
    for nodes, found in ((1, one), (2, two)):
        with cluster_of(nodes) as address:
            found += [seconds(given.epochs, f"ray(address='{address}')") for _ in range(given.rounds)]
    rows = [
        [f"{given.workers} worker processes", f"{median(processes):.1f} s", "1.00", ""],
        [
            f"{given.workers} nodes of Ray",
            f"{median(spread):.1f} s",
            f"{median(spread) / median(processes):.3f} of worker processes",
            "at most 1.02",
        ],
        ["1 node of Ray", f"{median(one):.1f} s", "1.00", ""],
        ["2 nodes of Ray", f"{median(two):.1f} s", f"{median(one) / median(two):.2f} times one node", "at least 1.7"],
    ]
    show(f"{MEMBERS} members of {given.epochs} epochs", ["who trains", "median", "ratio", "wanted"], rows, given.save)


if __name__ == "__main__":
    main()
