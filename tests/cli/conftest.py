"""Run the command line in this process, and see what it prints where."""

import sys

import pytest
from tests.cli.command import Command, Outcome, check_output

from lrensemble.cli import main


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["lrensemble", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        outcome = Outcome(int(caught.value.code or 0), *capsys.readouterr())
        if "--json" in arguments and outcome.out:
            check_output(str(arguments[0]), outcome.out)
        return outcome

    return run
