"""`lrensemble ls NAME`: all that is known of one name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.command import Command


def test_a_name_with_all_that_is_known_of_it(command: Command) -> None:
    told = command("ls", "selectors", "greedy")
    assert (told.status, told.err) == (0, "")
    flat = " ".join(told.out.split())
    assert flat.startswith("greedy(size: int | none = None, replacement: bool = True, bootstrap: int = 20,")
    assert "Add the member that raises the score most" in flat
    assert "share of the members that each run may use" in flat
    assert "from: Caruana et al. 2004, sec. 2" in told.out
    assert "greedy:greedy" in told.out
    assert max(len(line) for line in told.out.splitlines()) <= 80


def test_the_kind_is_found(command: Command) -> None:
    assert command("ls", "greedy").out == command("ls", "selectors", "greedy").out
    assert "higher is better: no" in command("ls", "log_loss").out


def test_as_json(command: Command) -> None:
    record = command("ls", "metrics", "log_loss", "--json").record
    assert isinstance(record, dict)
    assert (record["kind"], record["name"], record["aliases"]) == ("metrics", "nll", ["log_loss"])
    assert record["facts"]["higher_is_better"] is False
    assert record["citations"] == ["Good 1952, logarithmic score"]
    record = command("ls", "consensus", "trimmed_mean", "--json").record
    assert isinstance(record, dict)
    (trim,) = record["arguments"]
    assert {key: trim[key] for key in ("name", "type", "default", "allowed")} == {
        "name": "trim",
        "type": "float",
        "default": "0.2",
        "allowed": ">= 0 and < 0.5",
    }


def test_a_function_of_ones_own(command: Command) -> None:
    told = command("ls", "policies", "tests.registry.own_things:halves")
    assert told.status == 0
    assert "A rate that is halved four times." in told.out
    assert "source: tests.registry.own_things:halves" in told.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("stacking",), "'stacking' names several things; give its kind: lrensemble ls selectors|consensus stacking"),
        (("gready",), "'gready' is no folder of a pool, and nothing is named 'gready'; did you mean 'greedy'?"),
        (("selectors", "gready"), "no selector named 'gready'; did you mean 'greedy'?"),
        (("selector", "greedy"), "no kind of name 'selector'; did you mean 'selectors'?"),
        (("selectors", "nll"), "no selector named 'nll'"),
        (("os:getcwd",), "'os:getcwd' is no folder of a pool, and nothing is named 'os:getcwd'"),
    ],
)
def test_what_cannot_be_told(command: Command, arguments: tuple[str, ...], message: str) -> None:
    told = command("ls", *arguments)
    assert (told.status, told.out) == (2, "")
    assert message in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ls selectors gre", "greedy"),
        ("export p --variant cas", "cascade"),
        ("tune digits --execution fu", "fused"),
    ],
)
def test_the_shell_completes_names_of_a_kind(typed: str, expected: str) -> None:
    environment = {
        "_LRENSEMBLE_COMPLETE": "complete_bash",
        "COMP_WORDS": f"lrensemble {typed}",
        "COMP_CWORD": str(len(typed.split())),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "PATH": "/usr/bin",
        "PYTHONPROFILEIMPORTTIME": "1",
    }
    command_path = Path(sys.executable).parent / "lrensemble"
    result = subprocess.run([command_path], env=environment, capture_output=True, text=True, check=False)
    assert result.stdout.split() == [expected]
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "lrensemble.registry" in imported
    assert not {"torch", "numba", "sklearn", "plotly"} & imported


def test_facts_that_cannot_be_said_have_no_column(command: Command) -> None:
    """An adopter knows by a function whether a model is its own."""
    head = command("ls", "adopters").out.splitlines()[:4]
    assert "what it is" in " ".join(head)
    assert "takes" not in " ".join(head)
