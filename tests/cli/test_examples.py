"""`--help` of every verb ends in examples, each of which can be given as it stands."""

import re
import shlex

import pytest
from tests.cli.command import Command
from tests.test_printed_commands import VERBS, check_command


def examples_in(shown: str) -> list[str]:
    """The command lines of a help text, without prompt and redirection."""
    _, end = re.split(r"^ *Examples *\n", shown, flags=re.MULTILINE)
    lines = [line.strip() for line in end.splitlines() if line.strip()]
    assert all(line.startswith("$ lrensemble ") for line in lines), f"an example does not fit its line: {lines}"
    return [re.sub(r"\s+> \S+$", "", line.removeprefix("$ ")) for line in lines]


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_can_be_given(command: Command, verb: str) -> None:
    shown = command(verb, "--help")
    lines = examples_in(shown.out)
    assert 1 <= len(lines) <= 3
    for line in lines:
        assert shlex.split(line)[1] == verb
        check_command(line)


def test_what_is_shown_is_what_was_written(command: Command) -> None:
    assert examples_in(command("select", "--help").out)[1] == (
        "lrensemble select pool -m greedy -m 'top_k(k=5)' --metric brier"
    )
