"""Four processes that train one experiment, killed and stopped at random: the pool of one that was left alone.

`LRENSEMBLE_CLUSTER=20` plays twenty rounds, one by one and in groups by turns; one otherwise.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.forked import ForkedProcess

from lrensemble.config import Experiment
from lrensemble.pool import Pool
from lrensemble.train import tune

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stops and kills processes")

ROUNDS = int(os.environ.get("LRENSEMBLE_CLUSTER", "1"))
PROCESSES, RUNS, STEPS, SAVE_STEPS = 4, 6, 16, 2
LEASE = 2

SCRIPT = """
import json, sys, time
from pathlib import Path
import torch
from lrensemble.config import Experiment, to_record
from lrensemble.train import Began, Elsewhere, Ended, Step, tune

torch.set_num_threads(1)
folder, sweep, execution = sys.argv[1:]
experiment = to_record(Experiment, json.loads(sweep), "test")
in_groups = {"reproducible": True, "group_size": 2} if execution == "fused" else {}
failed = False
for event in tune(experiment, Path(folder), save_steps=2, execution=execution, **in_groups):
    if isinstance(event, Step):
        print("step", event.run, event.step, flush=True)
        time.sleep(0.01)
    elif isinstance(event, Began | Elsewhere):
        print(type(event).__name__, event.run.id, flush=True)
    elif isinstance(event, Ended):
        print("ended", event.run.id, event.status, flush=True)
        failed |= event.status == "failed"
sys.exit(int(failed))
"""

Lines = list[list[str]]


def test_every_member_is_that_of_a_serial_pool(
    sweep: dict[str, Any],
    experiment: Callable[..., Experiment],
    contents: Callable[[Path], dict[str, object]],
    forking: Path,
    tmp_path: Path,
) -> None:
    sweep |= {"model": "mlp(width=8)", "policy": [{"name": "cosine", "peak": [0.01 * (1 + n) for n in range(RUNS)]}]}
    one, expected = experiment(model=sweep["model"], policy=sweep["policy"]), dict[str, dict[str, object]]()
    drawn = random.Random(int(os.environ.get("LRENSEMBLE_SEED", "0")))
    for number in range(ROUNDS):
        execution = ("one-by-one", "fused")[number % 2]
        if execution not in expected:
            whole = tmp_path / execution
            in_groups: dict[str, Any] = {"reproducible": True, "group_size": 2} if number % 2 else {}
            list(tune(one, whole, execution=execution, **in_groups))
            expected[execution] = contents(whole)
        folder = tmp_path / f"round-{number}"
        logs, kills, stops = play(forking, sweep, folder, execution, drawn)
        check(folder, logs, kills + stops, number)
        assert contents(folder) == expected[execution], f"round {number}"
        sys.stdout.write(f"round {number}, {execution}: {kills} kills, {stops} stops, {steps_of(logs)} steps\n")


def play(
    forking: Path, sweep: dict[str, Any], folder: Path, execution: str, drawn: random.Random
) -> tuple[list[Lines], int, int]:
    """What each process said, the successors of the dead as well, and how often one was killed or stopped."""
    logs, kills, stops = list[Lines](), 0, 0
    command = ["-c", SCRIPT, folder, json.dumps(sweep), execution]
    with ExitStack() as stack:

        def start() -> ForkedProcess:
            return stack.enter_context(ForkedProcess(forking, command, LRENSEMBLE_LEASE=str(LEASE)))

        processes = [start() for _ in range(PROCESSES)]
        for share in sorted(drawn.random() for _ in range(3)):
            wait_for_events(folder, round(share * 2 * RUNS), processes)
            time.sleep(drawn.random() / 20)
            place = drawn.randrange(PROCESSES)
            if drawn.random() < 0.6:
                kills += processes[place].poll() is None
                processes[place].kill()
                logs.append(said(processes[place], {0, -signal.SIGKILL}))
                processes[place] = start()
            else:
                stops += processes[place].poll() is None
                processes[place].send_signal(signal.SIGSTOP)
                time.sleep(1.5 * LEASE)
                processes[place].send_signal(signal.SIGCONT)
        logs += [said(process, {0}) for process in processes]
    return logs, kills, stops


def wait_for_events(folder: Path, count: int, processes: list[ForkedProcess]) -> None:
    """Until so many runs have begun or ended, or all processes have."""
    path = folder / "progress.jsonl"
    while any(process.poll() is None for process in processes):
        events = path.read_bytes().splitlines() if path.exists() else []
        if sum(b'"began"' in line or b'"ended"' in line for line in events) >= count:
            return
        time.sleep(0.01)


def said(process: ForkedProcess, statuses: set[int]) -> Lines:
    """All that a process wrote, until it ends with one of these statuses."""
    output, _ = process.communicate(timeout=300)
    assert process.returncode in statuses
    return [line.split() for line in output.splitlines()]


def steps_of(logs: list[Lines]) -> int:
    return sum(line[0] == "step" and len(line) == 3 for log in logs for line in log)


def check(folder: Path, logs: list[Lines], disturbances: int, number: int) -> None:
    """None is lost, none is added twice, and no more steps are done again than a loss of the claim costs."""
    assert len(Pool.open(folder).members()) == RUNS, f"round {number}"
    finished = Counter(line[1] for log in logs for line in log if line[0] == "ended" and line[2:] == ["finished"])
    assert max(finished.values()) == 1, f"round {number}"
    lost = 0
    for log in logs:
        begun = set[str]()
        for word, run, *_ in (line for line in log if len(line) > 1):
            begun |= {run} if word == "Began" else set()
            lost += word == "Elsewhere" and run in begun
    # A process loses the steps since it saved; of a group all members do.
    most = RUNS * STEPS + 2 * (SAVE_STEPS + 1) * (disturbances + lost)
    assert RUNS * STEPS - 2 * (SAVE_STEPS + 1) * disturbances <= steps_of(logs) <= most, f"round {number}"
    assert not (folder / "processes").exists(), "all have left"
