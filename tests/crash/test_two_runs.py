"""Two runs of one experiment into one folder at the same time, killed at random calls and started again.

`LRENSEMBLE_ROUNDS=20` plays twenty rounds; two otherwise.
"""

import os
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.crash.commands import COMMANDS
from tests.crash.ends import difference, ends
from tests.crash.plan import Call, Fault
from tests.crash.watched import KILLED, Case, Forks, Outcome, case_of, forks

ROUNDS = int(os.environ.get("LRENSEMBLE_ROUNDS", "2"))


@pytest.fixture(scope="module")
def beside(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """A second process that has imported everything."""
    with forks(library, tmp_path_factory.mktemp("beside")) as started:
        yield started


@pytest.mark.long  # always run, of this kind: tests/train/execution/test_cluster.py
def test_two_runs_at_once_killed_at_random(running: Forks, beside: Forks, tmp_path: Path) -> None:
    case = case_of(COMMANDS["run one by one"], running, tmp_path)
    drawn = random.Random(0)
    kills = taken_over = 0
    for number in range(ROUNDS):
        folder = tmp_path / f"round-{number}"
        case.begin(folder)
        moments = [[drawn.randrange(1, len(case.calls)) for _ in range(drawn.choice((0, 1, 2)))] for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(run_to_the_end, (running, beside), (case, case), (folder, folder), moments))
        for outcomes in both:
            assert outcomes[-1].status == 0, f"round {number}: {outcomes[-1].err}"
        assert not difference(case.expected, ends(folder)), f"round {number}"
        outcomes = [outcome for each in both for outcome in each]
        assert saved(outcomes) == saved([Outcome(0, "", case.calls)]), f"round {number}: trained twice"
        killed = sum(outcome.status == KILLED for outcome in outcomes)
        kills, taken_over = kills + killed, taken_over + (killed and len(trained_by(outcomes)) > 1)
    sys.stdout.write(f"{ROUNDS} rounds, {kills} kills, members by several processes in {taken_over}" + "\n")


def run_to_the_end(running: Forks, case: Case, folder: Path, moments: list[int]) -> list[Outcome]:
    """A command that is killed at its so-manieth call, as often as there are moments, and then ends by itself."""
    faults = [*(Fault(moment, "kill") for moment in moments), None]
    return [running.run(case.command.arguments, folder, fault) for fault in faults]


def done(outcome: Outcome) -> tuple[Call, ...]:
    """The calls of a command, without the one before which it was killed."""
    return outcome.calls[:-1] if outcome.status == KILLED else outcome.calls


def saved(outcomes: list[Outcome]) -> int:
    """How often a state was saved. Steps that a kill has lost are saved when they are done again, for the first time.

    Steps that two processes did are saved by both.
    """
    calls = [call for outcome in outcomes for call in done(outcome)]
    return sum(call.kind == "rename" and call.to.endswith("/state.safetensors") for call in calls)


def trained_by(outcomes: list[Outcome]) -> set[int]:
    """The processes that have put a member in its place."""
    calls = [call for outcome in outcomes for call in done(outcome)]
    return {call.process for call in calls if call.kind == "rename" and Path(call.to).parent.name == "members"}
