"""`--quiet` and `--verbose`, before or behind the verb: answers, warnings and errors are told whatever is asked for."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import Command
from tests.test_printed_commands import VERBS

from lrensemble.cli.loudness import Lines
from lrensemble.cli.printer import people

TRUTH = np.arange(60) % 3


@pytest.fixture
def pool(command: Command, tmp_path: Path) -> Path:
    """A pool of four members, collected without a word."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(4, 60, 3)) + 2 * np.eye(3)[TRUTH]
    np.savez(tmp_path / "said.npz", logits=logits, labels=TRUTH, test_logits=logits, test_labels=TRUTH)
    done = command("collect", tmp_path / "said.npz", "--out", tmp_path / "pool", "--quiet")
    assert (done.status, done.err) == (0, "")
    return tmp_path / "pool"


def test_every_verb_has_both() -> None:
    for name, verb in VERBS.items():
        options = [option for parameter in verb.params for option in parameter.opts]
        assert [options.count(each) for each in ("--quiet", "-q", "--verbose", "-v")] == [1] * 4, name


@pytest.mark.parametrize("words", [["-q", "ls"], ["--quiet", "ls"], ["ls", "-q"], ["ls", "--quiet"]])
def test_answers_are_told_to_the_quiet(command: Command, pool: Path, words: list[str]) -> None:
    usual, quiet = command("ls", pool), command(*words, pool)
    assert quiet.out == usual.out != ""
    assert quiet.err == ""


def test_notes_are_not(command: Command, pool: Path) -> None:
    quiet = command("slim", pool, "-q")
    assert (quiet.status, quiet.out, quiet.err) == (0, "", "")
    assert "the weights of 0 members are gone" in command("slim", pool).err, "the next command tells as ever"


def test_errors_and_warnings_are(command: Command, pool: Path, tmp_path: Path) -> None:
    done = command("-q", "ls", tmp_path / "nothing.here")
    assert done.status == 2
    assert done.err.startswith("lrensemble: ")
    (pool / "members" / "notes.txt").write_text("of mine")
    words = [
        sys.executable,
        "-m",
        "lrensemble",
        "-q",
        "ls",
        str(pool),
    ]  # pytest takes what is logged in its own process
    alone = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "also holds notes.txt" in alone.stderr


EXPERIMENT = """
data = "digits"
model = "mlp(width=4)"
[[policy]]
name = "constant"
peak = [0.01, 0.02]
[train]
epochs = 1
[sweep]
keep_weights = 1
"""


def test_what_the_library_notes_is_told_where_it_is_asked_for(command: Command, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(EXPERIMENT)
    told = {
        word: command("tune", tmp_path / "small.toml", "--out", tmp_path / f"pool{word}", *filter(None, [word])).err
        for word in ("", "-v", "-q")
    }
    note = "the weights of 1 more members are gone"
    assert {word: note in text for word, text in told.items()} == {"": False, "-v": True, "-q": False}
    assert "2 members in" in told[""]
    assert "2 members in" in told["-v"]
    assert told["-q"] == ""


def test_a_line_of_each_level(capsys: pytest.CaptureFixture[str]) -> None:
    handler = Lines(people, logging.DEBUG)
    records = [logging.makeLogRecord({"levelno": level, "msg": f"level {level}"}) for level in (10, 20, 30)]
    people.quiet = True
    for record in records:
        handler.emit(record)
    people.quiet = False
    assert capsys.readouterr().err == "level 30\n"


def test_both_are_refused(command: Command) -> None:
    for words in (["-q", "-v", "ls"], ["-q", "ls", "-v"], ["ls", "-v", "--quiet"]):
        done = command(*words)
        assert (done.status, done.out) == (2, "")
        assert done.err == "lrensemble: --quiet and --verbose are both given; give one of them\n"
    assert command("ls").err == ""
    assert not logging.getLogger("lrensemble").handlers
