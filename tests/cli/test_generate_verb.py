"""`lrensemble generate`: what is written goes to standard output, and all that is wrong is told in one line."""

import json
import sys
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from tests.export.language.adapters import write_adapter
from tests.language.models import tiny_base
from typer.testing import CliRunner, Result

from lrensemble.cli import app
from lrensemble.cli.generate import piped_prompt
from lrensemble.errors import ConfigError, ExportError
from lrensemble.export.language import Decoding, LanguageEnsemble

PROMPT = "the cat sat"


def invoke(options: list[str], **given: Any) -> Result:
    """The verb in a context of its own: it leaves the gate for code from elsewhere closed."""
    return copy_context().run(lambda: CliRunner().invoke(app, options, **given))


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generate")
    base = tiny_base(folder / "base")
    members = {name: write_adapter(folder / name, base, seed) for seed, name in enumerate(("a", "b"))}
    LanguageEnsemble.from_adapters(base, members).save(folder / "team")
    return folder / "team"


def test_the_text_goes_to_standard_output(team: Path) -> None:
    loaded = LanguageEnsemble.load(team)
    written = loaded.generate(PROMPT, Decoding(max_tokens=9, temperature=0.8, seed=4))
    options = ["generate", str(team), PROMPT, "--max-tokens", "9", "--temperature", "0.8", "--seed", "4"]
    found = invoke(options, catch_exceptions=False)
    assert found.stdout == written.text + "\n"
    record = json.loads(invoke([*options, "--json"], catch_exceptions=False).stdout)
    assert record["text"] == written.text
    assert record["tokens"] == list(written.tokens)
    assert record["members"] == ["a", "b"]
    alone = invoke(["generate", str(team), "-", "--member", "b", "--max-tokens", "9"], input=PROMPT)
    assert alone.stdout == loaded.alone("b").generate(PROMPT, Decoding(max_tokens=9)).text + "\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([" "], "the prompt is empty"),
        ([PROMPT, "--member", "c"], "no member 'c'; there are a, b"),
        ([PROMPT, "--top-p", "2"], r"top_p = 2\.0 must be above 0"),
    ],
)
def test_what_is_wrong_is_said(team: Path, options: list[str], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        invoke(["generate", str(team), *options], catch_exceptions=False)


def test_standard_input_that_is_no_prompt(team: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"the prompt on standard input is no text: .* write it as utf-8"):
        invoke(["generate", str(team), "-"], input=b"caf\xe9", catch_exceptions=False)
    monkeypatch.setattr(sys, "stdin", None)  # as an interpreter does that finds it closed
    with pytest.raises(ConfigError, match="standard input is closed; pipe the prompt to it"):
        piped_prompt()
