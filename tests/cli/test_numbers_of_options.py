"""Options that take numbers: what is none is refused in one line; and where lines of text are broken."""

import io
import re
from typing import Any, get_args

import pytest
from tests.cli.command import Command
from tests.test_printed_commands import VERBS

from lrensemble.cli.printer import Printer


def _dashed(parameter: Any) -> list[str]:
    return [each for each in parameter.opts[:1] if each.startswith("-")]


OPTIONS = [
    (verb, option.opts[0], [word for each in command.params if each.required for word in (*_dashed(each), "x")])
    for verb, command in VERBS.items()
    for option in command.params
    if float in (option.type_descriptor.annotation, *get_args(option.type_descriptor.annotation))
]
"""Verbs, their options that take a number with a fraction, and the words that they must have."""


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400"])
def test_what_is_no_number_is_refused_in_one_line(command: Command, number: str) -> None:
    assert {("run", "--hours"), ("predict", "--abstain"), ("serve", "--grace")} <= {each[:2] for each in OPTIONS}
    for verb, option, needed in OPTIONS:
        outcome = command(verb, *needed, option, number)
        assert (outcome.status, outcome.out) == (2, ""), (verb, option)
        assert re.fullmatch(rf"lrensemble: .*{option}.*\n", outcome.err), outcome.err


@pytest.mark.parametrize("number", ["nan", "1e400", "0.5,inf"])
def test_means_of_channels_are_finite(command: Command, number: str) -> None:
    outcome = command("adopt", "x", "--from", "y", "--mean", number)
    assert (outcome.status, outcome.out) == (2, "")
    assert re.fullmatch(rf"lrensemble: --mean {re.escape(number)} is refused; .*\n", outcome.err)


def test_no_line_is_broken_at_a_sign() -> None:
    text = "gain in NLL +0.03 (95 % interval -0.01 to +0.08, p = 0.59); p < 1e-300, T = 2.5 ± 0.5, 2 × 10,000 rows."
    for width in range(16, len(text) + 2):
        file = io.StringIO()
        Printer(file=file, width=width).print(text)
        lines = [line.rstrip() for line in file.getvalue().splitlines()]
        assert " ".join(lines) == text
        assert all(len(line) <= width for line in lines)
        assert not [line for line in lines if re.search(r"[=<±×]$|^[=<±×%]", line)], width
