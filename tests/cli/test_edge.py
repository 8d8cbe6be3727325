"""What reaches terminals, pipes and full disks, and how the command line ends: real processes."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Python
from tests.forked import run

ROOT = Path(__file__).parents[2]
HOSTILE = ["\x1b[2J\x1b]0;title\x07a", "\x9b2Jb\u202e", "c\nlrensemble: all is well", "[/red]:smile:\x08\r"]
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")

BREAKS = """
import sys

import lrensemble.front.teams as part


def broken(*_arguments, **_keywords):
    raise {error}


part.measured = broken
"""


SAY_ALL = """
import sys

from lrensemble.cli import main

for line in sys.argv[1:]:
    sys.argv = ["lrensemble", *line.split()]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, line
    print(end="\\0")
"""

RUN_ALL = """
import os
import runpy
import sys

sys.path[0] = os.getcwd()  # as python -m begins
for line in sys.argv[1:]:
    sys.argv = ["lrensemble", *line.split()]
    try:
        runpy.run_module("lrensemble", run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
"""

CLOSED = """
import os
import sys

for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
    if str(descriptor) in sys.argv[1]:
        getattr(sys, name).close()
        setattr(sys, name, None)  # as an interpreter does that finds it closed
from lrensemble.cli import main

sys.argv = ["lrensemble", *sys.argv[2:]]
try:
    main()
except SystemExit as ended:
    os._exit(ended.code or 0)
"""

Forked = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def forked(forking: Path) -> Forked:
    """A command, in an interpreter that is there already; a variable that is None is not set."""

    def run_there(folder: Path, command: str, **environment: str | None) -> "subprocess.CompletedProcess[str]":
        given = {**os.environ, "COLUMNS": "120"} | environment
        known = {key: value for key, value in given.items() if value is not None}
        return run(forking, shlex.split(command), folder, known)

    return run_there


@pytest.fixture(scope="module")
def folder(forked: Forked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with predictions of members and classes of hostile names, and a pool of them with teams."""
    place = tmp_path_factory.mktemp("edge")
    generator = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {
        "names": np.array(HOSTILE),
        "classes": np.array(["\x1b[2Jclass", "b", "c"]),
    }
    for prefix, rows in (("", 60), ("test_", 50)):
        labels = generator.integers(3, size=rows)
        logits = generator.normal(size=(4, rows, 3))
        logits[:, np.arange(rows), labels] += 1
        arrays |= {f"{prefix}logits": logits, f"{prefix}labels": labels}
    np.savez(place / "p.npz", **arrays)  # type: ignore[arg-type]
    for command in ("collect p.npz --out pool", "select pool -m best -m all"):
        done = forked(place, command)
        assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def forked_bash(forking: Path) -> Forked:
    """A script of bash in which `lrensemble` is the command, in an interpreter that is there already."""
    return partial(_bash, f'"{sys.executable}" -S -E "{ROOT}/tests/in_shells.py" "{forking}"')


def bash(folder: Path, script: str, **environment: str | None) -> "subprocess.CompletedProcess[str]":
    """A script of bash in which `lrensemble` is the command; a variable that is None is not set."""
    return _bash(f'"{sys.executable}" -m lrensemble', folder, script, **environment)


def _bash(words: str, folder: Path, script: str, **environment: str | None) -> "subprocess.CompletedProcess[str]":
    given = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "120", **environment}
    return subprocess.run(
        ["bash", "-c", f'set -o pipefail\nlrensemble() {{ {words} "$@"; }}\n{script}'],
        cwd=folder,
        env={key: value for key, value in given.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
        errors="surrogateescape",
    )


@pytest.mark.parametrize(
    "command",
    [
        "ls pool",
        "ls pool --json",
        "select pool -m best -m all --resamples 2",
        "select pool -m best --json",
        "evaluate pool",
        "report pool",
        "collect '\x1b[2J\u202e.npz' --out other",
        "select pool --metric '\x1b[2J'",
        "ls pool --plugin '\x1b[2J'",
        "'\x1b[2J'",
    ],
)
def test_no_text_of_a_stranger_acts_on_the_terminal(folder: Path, forked: Forked, command: str) -> None:
    done = forked(folder, command)
    assert not ACTING.search(done.stdout + done.stderr)
    assert "Traceback" not in done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith("lrensemble: all is well")]


@pytest.mark.parametrize("command", ["ls pool", "evaluate pool"])
def test_nor_where_the_printer_moves_the_cursor_itself(folder: Path, forked: Forked, command: str) -> None:
    done = forked(folder, command, FORCE_COLOR="1", TTY_COMPATIBLE="1", NO_COLOR=None)
    own = re.sub(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[[0-9]*[AGK]|\x1b\[2K|\r", "", done.stdout + done.stderr)
    assert not ACTING.search(own)
    assert r"\x1b[2J\x1b]0;title\x07a" in own


def test_records_keep_every_character(folder: Path, forked: Forked) -> None:
    names = [member["name"] for member in json.loads(forked(folder, "ls pool --json").stdout)]
    assert [name[0] for name in names] == [name[0] for name in HOSTILE]
    assert "\x9b2Jb\u202e" in names


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"LC_ALL": "C", "HOME": None}, id="C and no home"),
        pytest.param({"PYTHONIOENCODING": "ascii"}, marks=pytest.mark.long),
        pytest.param({"PYTHONIOENCODING": "latin-1"}, marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize(
    "commands",
    [
        ("ls pool", "evaluate pool --json"),
        pytest.param(("evaluate pool", "report pool --json", "ls selectors --json"), marks=pytest.mark.long),
    ],
)
def test_every_encoding_can_say_it(folder: Path, commands: tuple[str, ...], environment: dict[str, str | None]) -> None:
    """An interpreter that starts with the encoding says all of them, one after another."""
    given = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "120", **environment}
    done = subprocess.run(
        [sys.executable, "-c", SAY_ALL, *commands],
        cwd=folder,
        env={key: value for key, value in given.items() if value is not None},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    *said, nothing = done.stdout.decode(errors="surrogateescape").split("\0")
    assert (len(said), nothing) == (len(commands), "")
    for command, text in zip(commands, said, strict=True):
        assert json.loads(text) if "--json" in command else "pool" in text or "best" in text


@pytest.mark.parametrize(
    "verb",
    [
        *("ls pool --json", "ls pool", "select pool -m best --json", "evaluate pool", "ls selectors"),
        *("--version", "--help", "run --help"),
    ],
)
def test_a_full_standard_output_is_one_line(folder: Path, forked_bash: Forked, verb: str) -> None:
    done = forked_bash(folder, f"lrensemble {verb} > /dev/full")
    assert done.returncode == 2
    assert done.stderr == "lrensemble: cannot write to standard output: No space left on device\n"


def test_a_closed_standard_output_is_one_line(folder: Path, forked: Forked) -> None:
    done = bash(folder, "lrensemble ls pool --json >&-")
    assert done.returncode == 2
    assert done.stderr == "lrensemble: cannot write to standard output: it is closed\n"
    assert forked(folder, "ls pool --json").returncode == 0, "no file has been written to"


@pytest.mark.parametrize(("closed", "script"), [("1", "ls pool >&-"), ("012", "evaluate pool >&- 2>&- <&-")])
@pytest.mark.parametrize("fresh", [False, pytest.param(True, marks=pytest.mark.long)])
def test_other_closed_streams_end_as_well(
    folder: Path, python: Python, forked: Forked, closed: str, script: str, fresh: bool
) -> None:
    """In an interpreter that starts without them, and in one that has closed them as if it had."""
    command = script.partition(" >")[0].split()
    done = bash(folder, f"lrensemble {script}") if fresh else python("-c", CLOSED, closed, *command, folder=folder)
    assert done.returncode == 2
    assert forked(folder, "ls pool --json").returncode == 0, "no file has been written to"


@pytest.mark.parametrize(
    "script", ["lrensemble ls pool --json | true", "lrensemble ls pool | true", "lrensemble ls pool 2>&1 | true"]
)
def test_a_broken_pipe_is_silent(folder: Path, forked_bash: Forked, script: str) -> None:
    done = forked_bash(folder, script)
    assert (done.returncode, done.stderr) == (141, "")
    assert forked_bash(folder, "lrensemble ls selectors --json | head -c 10").returncode in (0, 141)


@pytest.mark.parametrize("verb", ["--version", "--help", "run --help"])
def test_nobody_reads_the_help(folder: Path, forked_bash: Forked, verb: str) -> None:
    """The reader is gone before anything is written: a process whose end is waited for."""
    done = forked_bash(folder, f"exec 3> >(true); wait $!; lrensemble {verb} >&3")
    assert (done.returncode, done.stderr) == (141, "")


def test_no_columns_are_no_width(folder: Path, forked: Forked) -> None:
    for verb in ("ls pool", "ls selectors"):
        assert forked(folder, verb, COLUMNS="0").stdout == forked(folder, verb, COLUMNS=None).stdout != ""
    assert "Train a pool" in forked(folder, "run --help", COLUMNS="0").stdout


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("ZeroDivisionError('a bug\\n\\x1b[2J')", r"ended by ZeroDivisionError: a bug \x1b[2J; the traceback is in "),
        ("RecursionError('maximum')", "ended by RecursionError: maximum; the traceback is in "),
        ("MemoryError", "ended by out of memory; the traceback is in "),
        ("OSError(5, 'Input/output error', 'x')", "ended by OSError: [Errno 5] Input/output error: 'x'; the"),
        ("UnicodeEncodeError('ascii', 'é', 0, 1, 'no')", "ended by UnicodeEncodeError: 'ascii' codec"),
        ("BrokenPipeError(32, 'of a worker')", "ended by "),
        ("AssertionError", "ended by AssertionError; the traceback is in "),
    ],
)
def test_whatever_is_left_ends_in_one_line(folder: Path, forked: Forked, tmp_path: Path, error: str, line: str) -> None:
    (folder / "breaks.py").write_text(BREAKS.format(error=error), encoding="utf-8")
    kept = tmp_path / "kept"
    kept.mkdir()
    done = forked(folder, "evaluate pool --plugin breaks", TMPDIR=str(kept))
    assert done.returncode == 1
    assert done.stderr.startswith(f"lrensemble: {line}"), done.stderr
    assert done.stderr.count("\n") == 1
    (file,) = kept.iterdir()
    assert str(file) in done.stderr
    content = file.read_text(encoding="utf-8")
    assert "breaks.py" in content
    assert "in broken" in content
    assert not ACTING.search(content)
    assert file.stat().st_mode & 0o077 == 0, "a traceback is nobody else's business"


def test_a_file_that_ends_too_early_is_no_answer_to_a_question(folder: Path, forked: Forked, tmp_path: Path) -> None:
    """Typer takes every `EOFError` for somebody who does not answer, and ends without a word after an empty line."""
    (folder / "breaks.py").write_text(BREAKS.format(error="EOFError('too short')"), encoding="utf-8")
    done = forked(folder, "evaluate pool --plugin breaks", TMPDIR=str(tmp_path))
    assert done.returncode == 1
    (line,) = filter(None, done.stderr.splitlines())
    assert line.startswith("lrensemble: ended by EOFError: too short; the traceback is in ")


def test_a_traceback_is_kept_outside_of_the_current_folder_or_not_at_all(folder: Path, forked: Forked) -> None:
    (folder / "breaks.py").write_text(BREAKS.format(error="ZeroDivisionError"), encoding="utf-8")
    before = set(folder.rglob("*"))
    done = forked(folder, "evaluate pool --plugin breaks", TMPDIR=".", HOME=str(folder / "nowhere"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert {path for path in set(folder.rglob("*")) - before if "__pycache__" not in path.parts} == set()


def test_warnings_of_libraries_are_lines_of_the_printer(folder: Path, forked: Forked) -> None:
    text = (
        "import logging, warnings\nwarnings.warn('beware \\x1b[2J')\nlogging.getLogger('other').warning('and\\x07')\n"
    )
    (folder / "warns.py").write_text(text, encoding="utf-8")
    done = forked(folder, "ls pool --plugin warns")
    assert done.returncode == 0
    assert done.stderr.splitlines()[:2] == [r"UserWarning: beware \x1b[2J", r"and\x07"]


def test_nothing_in_the_current_folder_is_imported_in_the_place_of_a_library(folder: Path, tmp_path: Path) -> None:
    names = ("numpy", "secrets", "typing", "csv", "email", "rich", "typer", "torch", "__future__", "sitecustomize")
    for name in names:
        (tmp_path / f"{name}.py").write_text("open('mark', 'a').write(__name__)\n", encoding="utf-8")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[lrensemble.plugins]\ntheirs = numpy\n", encoding="utf-8")
    given = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    commands = ("ls nothing", "ls policies", f"ls {folder / 'pool'}", f"select {folder / 'pool'} -m best")
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, *commands], cwd=tmp_path, env=given, capture_output=True, text=True, check=True
    )
    assert "nothing" in done.stderr
    assert "best" in done.stdout, "the last was run as well"
    assert not (tmp_path / "mark").exists(), (tmp_path / "mark").read_text()
