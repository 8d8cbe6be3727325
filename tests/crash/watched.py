"""Commands under watch: the process that forks them, how each goes undisturbed, and how a fault was survived."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.commands import Command, Prepare
from tests.crash.ends import Ends, difference, ends, hidden
from tests.crash.faults import steady
from tests.crash.plan import Call, Fault, Plan

ROOT = Path(__file__).parents[2]
KILLED = -9
ATTEMPTS = 3


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    err: str
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Forks:
    """The process that has imported everything, and where its commands run."""

    process: subprocess.Popen[str]
    folder: Path
    begun: dict[tuple[object, ...], Path] = field(default_factory=dict)
    """By what prepares a folder and the commands run in it then, the folder: several cases begin with one."""

    def run(self, arguments: tuple[str, ...], folder: Path, fault: Fault | None = None) -> Outcome:
        """Run a command to its end in a folder."""
        request = {
            "arguments": arguments,
            "folder": str(folder),
            "fault": None if fault is None else asdict(fault),
            "environment": {"LRENSEMBLE_CACHE": str(folder / "cache")},
            "out": str(self.folder / "out.txt"),
            "err": str(self.folder / "err.txt"),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        err = (self.folder / "err.txt").read_text(encoding="utf-8")
        return Outcome(answer["status"], err, tuple(Call(**call) for call in answer["calls"]))


@contextmanager
def forks(library: Path, folder: Path) -> Iterator[Forks]:
    """Start the process, and end it."""
    plan = folder / "plan"
    Plan.make(plan)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    environment = {
        **os.environ,
        **threads,
        "COLUMNS": "200",
        "FAULTS_PLAN": str(plan),
        "LD_PRELOAD": str(library),
        "NUMBA_THREADING_LAYER": "workqueue",  # the one that survives a fork
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
    }
    command = [sys.executable, "-m", "tests.crash.forks"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Forks(process, folder)
        process.stdin.close()  # type: ignore[union-attr]


@dataclass(frozen=True)
class Case:
    """A command with the folder that it begins in, and how it goes and ends undisturbed."""

    command: Command
    start: Path
    calls: tuple[Call, ...]
    expected: Ends

    def begin(self, folder: Path) -> None:
        """Make a folder as it is before the command."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.start, folder, symlinks=True)


def case_of(command: Command, running: Forks, folder: Path) -> Case:
    """Prepare a command, and run it undisturbed."""
    start, whole = folder / "start", folder / "case"
    for copy in (start, whole):
        shutil.copytree(begun(command.prepare, command.before, running), copy)
    outcome = running.run(command.arguments, whole)
    assert outcome.status == 0, outcome.err
    return Case(command, start, outcome.calls, ends(whole))


def begun(prepare: Prepare, commands: tuple[tuple[str, ...], ...], running: Forks) -> Path:
    """A folder that was prepared and in which these commands were run, undisturbed: made once, and only copied."""
    if (prepare, commands) not in running.begun:
        before = begun(prepare, commands[:-1], running) if commands else None
        folder = running.folder / f"begun-{len(running.begun)}"
        if before is None:
            folder.mkdir()
            prepare(folder)
        else:
            shutil.copytree(before, folder)
            outcome = running.run(commands[-1], folder)
            assert outcome.status == 0, outcome.err
        running.begun[prepare, commands] = folder
    return running.begun[prepare, commands]


def problems(case: Case, points: Sequence[Fault], running: Forks, folder: Path) -> Iterator[str]:
    """What was not survived, one line each."""
    for fault in points:
        if problem := survived(case, fault, running, folder):
            call = case.calls[fault.at - 1]
            path = call.path.removeprefix(str(folder))
            yield f"call {fault.at}, {call.kind} {path}, {fault}: {problem}"


def survived(case: Case, fault: Fault, running: Forks, folder: Path) -> str:
    """What is wrong after a fault and the same command again, in a line; nothing where all is well."""
    for _ in range(ATTEMPTS):
        case.begin(folder)
        outcome = running.run(case.command.arguments, folder, fault)
        if case.command.several or _met(case, fault, outcome):
            return _ended_badly(case, fault, outcome, folder) or _goes_on_badly(case, running, folder)
    return f"in {ATTEMPTS} attempts the call was another one each time"


def _met(case: Case, fault: Fault, outcome: Outcome) -> bool:
    """Whether the call was the one that was meant: a heartbeat comes when its time has come."""
    calls = (outcome.calls[fault.at - 1 : fault.at], case.calls[fault.at - 1 : fault.at])
    met, meant = ([(call.kind, steady(call.path)) for call in each] for each in calls)
    return met == meant


def _goes_on_badly(case: Case, running: Forks, folder: Path) -> str:
    again = running.run(case.command.arguments, folder)
    done = again.status == 2 and any(words in again.err for words in case.command.again)
    if again.status != 0 and not done:
        return f"again: exit status {again.status}: {last_line(again.err)}"
    problem = difference(case.expected, ends(folder))
    return f"again: {problem}" if problem else ""


def _ended_badly(case: Case, fault: Fault, outcome: Outcome, folder: Path) -> str:
    if fault.action in ("kill", "tear"):
        if len(outcome.calls) < fault.at:  # several processes, and a day on which they had less to do
            return ""
        own = outcome.calls[fault.at - 1].process == outcome.calls[0].process
        return "" if outcome.status == KILLED or not own else f"exit status {outcome.status}, not killed"
    if "Traceback" in outcome.err:
        return f"traceback: {last_line(outcome.err)}"
    if outcome.status == 2:
        lines = [line for line in outcome.err.splitlines() if line.startswith("lrensemble: ")]
        return "" if lines == outcome.err.splitlines()[-1:] else f"not one line: {outcome.err.strip()[-300:]}"
    if outcome.status != 0:
        return f"exit status {outcome.status}: {last_line(outcome.err)}"
    problem = difference(lasting(case.expected), lasting(ends(folder)))
    return f"exit status 0, but {problem}" if problem else ""


def lasting(found: Ends) -> Ends:
    """Without what a command may leave to the next one, where removing or caching it failed: it says so and goes on."""
    parts = {name: Path(name).parts for name in found}
    left = {
        name for name in found if {"cache", "unfinished"} & {*parts[name]} or any(map(hidden, map(Path, parts[name])))
    }
    return {name: what for name, what in found.items() if name not in left}


def last_line(text: str) -> str:
    """What was said last."""
    return (text.strip().splitlines() or [""])[-1][-300:]
