"""Whether a command did what it must with an input: the same as ever, or a refusal in one line, and nothing else."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

from tests.fuzz.case import Arguments, Case, Output
from tests.fuzz.process import PEAK_MEMORY, REFUSED, Ended
from tests.fuzz.snapshot import contents

GOOD, FOUND_FAILURES, INTERRUPTED = 0, 1, 130

VARIES = ("seconds", "when", "environment", "made_with")
"""Keys of what differs from run to run."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal obeys; text that was printed holds line ends and tabs alone."""
RAW = re.compile(r"^\w*(Error|Exception|Warning)\b|^[^ ]+:\d+: \w*Warning", re.MULTILINE)
"""An error or a warning as Python prints it."""
DRAFT = re.compile(r"(^|/)\.[^/]*draft|\.draft($|/)")
LONGEST_LINE = 20_000


def output_of(ended: Ended, folder: Path) -> Output:
    """What a command gave, as it is compared."""
    try:
        printed: Any = _steady(json.loads(ended.stdout))
    except ValueError:
        printed = ended.stdout
    return Output(ended.status, printed, contents(folder / "out"))


def faults(case: Case, ended: Ended, folder: Path, touched: list[str]) -> list[str]:
    """What is wrong with how a command ended; empty where nothing is."""
    found = [*_faults_of_ending(ended, case.long), *_faults_of_text(ended)]
    if touched:
        found.append(f"touched {', '.join(touched[:5])}")
    drafts = [str(path) for path in folder.rglob("*") if DRAFT.search(str(path.relative_to(folder)))]
    if drafts and not ended.interrupted:
        found.append(f"left {drafts[0]} behind")
    same = case.wanted is None or ended.status == REFUSED or output_of(ended, folder) == case.wanted
    without = bool(case.unless) and case.unless in ended.stderr
    if not (found or same or without):
        found.append(f"other output than undisturbed: {ended.stdout[:200] or 'nothing'}")
    return found


def faults_of_next(arguments: Arguments, ended: Ended) -> list[str]:
    """What is wrong where a command that must succeed after another does not."""
    return (
        [] if ended.status == GOOD else [f"then {' '.join(arguments)} ended with {ended.status}: {ended.stderr[-300:]}"]
    )


def _faults_of_ending(ended: Ended, long: bool) -> list[str]:
    if ended.status == -signal.SIGKILL:
        return [f"hangs: killed after {ended.seconds:.0f} s"]
    found = []
    if ended.status < 0:
        found.append(f"died of signal {-ended.status}")
    elif ended.status not in (GOOD, FOUND_FAILURES, REFUSED) and not (long and ended.status == INTERRUPTED):
        found.append(f"ended with status {ended.status}")
    if ended.memory > PEAK_MEMORY:
        found.append(f"took {ended.memory / 2**20:.0f} MB")
    return found


def _faults_of_text(ended: Ended) -> list[str]:
    both = ended.stdout + ended.stderr
    found = []
    if "Traceback" in both or RAW.search(ended.stderr):
        found.append(f"raw error: {ended.stderr.strip()[-300:]}")
    if "the traceback is in" in both or "no room for a file with the traceback" in both:
        found.append(f"ended by a bug: {ended.stderr.strip()[-300:]}")
    if "out of memory" in both or "Unable to allocate" in both or "can't allocate" in both or "MemoryError" in both:
        found.append("ran out of memory")
    if control := CONTROL.search(both):
        found.append(f"control character {control[0]!r} in what was printed")
    if ended.status == REFUSED:
        lines = ended.stderr.rstrip("\n").split("\n")
        refusals = [line for line in lines if line.startswith("lrensemble: ")]
        if len(refusals) != 1 or lines[-1] != refusals[0]:
            found.append(f"refused in other than one line: {ended.stderr[-300:]!r}")
        elif len(lines[-1]) > LONGEST_LINE:
            found.append(f"refused in a line of {len(lines[-1]):,} characters")
        if ended.stdout:
            found.append(f"refused, and printed {ended.stdout[:100]!r}")
    return found


def _steady(record: Any) -> Any:
    if isinstance(record, dict):
        return {key: _steady(value) for key, value in record.items() if key not in VARIES}
    return [_steady(each) for each in record] if isinstance(record, list) else record
