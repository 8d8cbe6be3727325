"""Processes that collect into one pool at once: every member has a place of its own."""

import subprocess
import sys
from pathlib import Path

import numpy as np

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


def test_orders_are_distinct(tmp_path: Path) -> None:
    processes = []
    for number in range(3):
        probs = np.random.default_rng(number).dirichlet(np.ones(CLASSES), size=(MEMBERS, ROWS))
        names = [f"{number}-{member}" for member in range(MEMBERS)]
        np.savez(tmp_path / f"{number}.npz", probs=probs, labels=np.arange(ROWS) % CLASSES, names=names)
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / f"{number}.npz"), str(tmp_path / "pool")]
        processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 3
    for process in processes:
        assert process.stdin
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
