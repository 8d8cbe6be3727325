"""A sample of the faults at every system call; `make crash-test` tries them all.

A command is killed at a call, or the call fails. Then the same command is run again, and all must be as if nothing had
been: every file equal, none left behind.
"""

import random
from pathlib import Path

import pytest
from tests.crash.commands import COMMANDS
from tests.crash.ends import hidden
from tests.crash.faults import faults_of
from tests.crash.plan import Fault
from tests.crash.watched import Forks, case_of, problems

POINTS = dict.fromkeys(COMMANDS, 1) | {"run one by one": 2}
"""How many faults of a command are tried here."""
MANY = 6
SLOW = ("run chains", "run peaks", "export torch", "export onnx")
"""Commands that are like others here, and take longer."""


@pytest.mark.parametrize(
    ("name", "count"),
    [(name, POINTS[name]) for name in COMMANDS if name not in SLOW]
    + [pytest.param(name, MANY, marks=pytest.mark.long) for name in COMMANDS],
)
def test_a_command_survives_faults(name: str, count: int, running: Forks, tmp_path: Path) -> None:
    case = case_of(COMMANDS[name], running, tmp_path)
    points = random.Random(name).sample(list(faults_of(case.calls)), count)
    assert list(problems(case, points, running, tmp_path / "case")) == []


def test_a_fault_that_is_not_survived_is_seen(running: Forks, tmp_path: Path) -> None:
    """A draft that nobody clears away, for its name is not one that the library gives."""
    case = case_of(COMMANDS["select"], running, tmp_path)
    first = next(place for place, call in enumerate(case.calls, 1) if call.kind == "rename")
    (case.start / "out" / "mine.draft").write_text("half")
    (problem,) = problems(case, [Fault(first, "kill")], running, tmp_path / "case")
    assert "left behind: out/mine.draft (a draft)" in problem


def test_what_is_renamed_into_place_was_synced_before(running: Forks, tmp_path: Path) -> None:
    """A power cut loses what was not synced: a file before its rename, and after it the folder of what is to last."""
    case = case_of(COMMANDS["run one by one"], running, tmp_path)
    unsynced, pending = set[str](), set[str]()
    for call in case.calls:
        if call.kind in ("create", "write"):
            unsynced.add(call.path)
        elif call.kind == "sync":
            unsynced.discard(call.path)
            pending.discard(call.path)
        elif call.kind == "rename":
            inside = {path for path in unsynced if path == call.path or path.startswith(f"{call.path}/")}
            assert not inside, f"{inside} renamed before it was synced"
            if not hidden(Path(call.to)) and "unfinished" not in Path(call.to).parts:
                pending.add(str(Path(call.to).parent))
    assert not pending, f"{pending} not synced after a rename"
