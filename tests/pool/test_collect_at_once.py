"""Processes that collect into one pool at once: every member has a place of its own."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from tests.forked import ForkedProcess

from lrensemble.pool import Pool

SCRIPT = """
import sys
from pathlib import Path
from lrensemble.pool.collect import collect

print("ready", flush=True)
sys.stdin.readline()
collect([Path(sys.argv[1])], Path(sys.argv[2]))
"""

MEMBERS, ROWS, CLASSES = 5, 30, 3


def test_orders_are_distinct(tmp_path: Path, forking: Path) -> None:
    for number in range(3):
        probs = np.random.default_rng(number).dirichlet(np.ones(CLASSES), size=(MEMBERS, ROWS))
        names = [f"{number}-{member}" for member in range(MEMBERS)]
        np.savez(tmp_path / f"{number}.npz", probs=probs, labels=np.arange(ROWS) % CLASSES, names=names)
    with ExitStack() as stack:
        commands = [["-c", SCRIPT, tmp_path / f"{number}.npz", tmp_path / "pool"] for number in range(3)]
        processes = [stack.enter_context(ForkedProcess(forking, command)) for command in commands]
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            process.communicate(timeout=120)
            assert process.returncode == 0
    members = Pool.open(tmp_path / "pool").members()
    assert [member.order for member in members] == list(range(3 * MEMBERS))
    files = [member.name.partition("-")[0] for member in members]
    assert all(len(set(files[start : start + MEMBERS])) == 1 for start in range(0, 3 * MEMBERS, MEMBERS)), (
        "in one piece"
    )
