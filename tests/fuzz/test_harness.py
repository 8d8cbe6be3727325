"""The harness sees what it is there to see: each fault that a command can have is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fuzz.case import Case, Output
from tests.fuzz.process import Ended, written
from tests.fuzz.snapshot import snapshot, touched
from tests.fuzz.verdict import faults

CASE = Case("as it should be", ("ls",), wanted=Output(0, "a\n", {}))


def ended(status: int = 0, out: str = "a\n", err: str = "", *, memory: int = 0) -> Ended:
    return Ended(status, out, err, 1.0, memory, interrupted=False)


@pytest.mark.parametrize("good", [ended(), ended(2, "", "note\nlrensemble: no\n")])
def test_the_same_and_a_refusal_in_a_line_are_good(tmp_path: Path, good: Ended) -> None:
    assert faults(CASE, good, tmp_path, []) == []


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (ended(1, "", "Traceback (most recent call last):\nValueError: x\n"), "raw error"),
        (ended(0, "a\n", "x.py:3: UserWarning: y\n"), "raw error"),
        (ended(1, "", "lrensemble: ended by KeyError; the traceback is in /tmp/x\n"), "ended by a bug"),
        (ended(2, "", "lrensemble: one\nlrensemble: two\n"), "other than one line"),
        (ended(2, "", "no\n"), "other than one line"),
        (ended(2, "half", "lrensemble: no\n"), "refused, and printed"),
        (ended(2, "", f"lrensemble: {'a' * 30_000}\n"), "in a line of 30,012 characters"),
        (ended(0, "b\n"), "other output than undisturbed"),
        (ended(0, "a\n", "\x1b[31mred"), "control character"),
        (ended(2, "", "lrensemble: Unable to allocate 9 TiB\n"), "ran out of memory"),
        (ended(0, memory=3 * 2**30), "took 3072 MB"),
        (ended(-9), "hangs"),
        (ended(-11), "died of signal 11"),
        (ended(70), "ended with status 70"),
        (ended(130), "ended with status 130"),
    ],
)
def test_every_fault_is_seen(tmp_path: Path, bad: Ended, fault: str) -> None:
    assert fault in " ".join(faults(CASE, bad, tmp_path, []))


def test_what_was_touched_and_what_was_left_are_seen(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "keep.txt").write_text("a")
    (tmp_path / "link").symlink_to("beside")
    before = snapshot(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".a.json.x.draft").write_text("half")
    (tmp_path / "beside" / "keep.txt").write_text("b")
    assert touched(before, snapshot(tmp_path), ("out",)) == ["beside/keep.txt"]
    assert touched(before, snapshot(tmp_path), ("beside",)) == ["out", "out/.a.json.x.draft"]
    assert "left" in " ".join(faults(CASE, ended(), tmp_path, []))
    assert faults(CASE, ended(), tmp_path, ["beside/keep.txt"])[0] == "touched beside/keep.txt"


def test_a_command_can_be_typed_again() -> None:
    assert written(("ls", "a b")) == "lrensemble ls 'a b'"
    assert written(("-", "spec", "f(a=1)")) == "python -m tests.fuzz.checks spec 'f(a=1)'"
