"""Every command that the README and the pages print exists: verbs, options and their values, targets, extras."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from lrensemble.cli import app
from lrensemble.cli.variants import names_of_variants
from lrensemble.errors import UnknownNameError
from lrensemble.registry import HOMES, kinds_of, registry_of

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAM = typer.main.get_command(app)
VERBS = PROGRAM.commands  # type: ignore[attr-defined]


def fenced(text: str) -> list[str]:
    """The command lines of the console blocks, without prompt, comment, and the `&` at the end."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = re.findall(r"^\$ (.*(?:\\\n.*)*)", "\n".join(blocks), re.MULTILINE)
    return [re.sub(r"\s+(#\s.*|&)$", "", line.replace("\\\n", " ")) for line in lines]


def inline(text: str) -> list[str]:
    """The code spans of the running text."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def check_command(line: str, *, whole: bool = True) -> None:
    """Raise where a command of lrensemble could not be given in this form; what is not `whole` may lack arguments."""
    verb, *arguments = shlex.split(line)[1:]
    if verb == "--help":
        return
    assert verb in VERBS, f"{line}: no verb {verb!r}"
    try:
        VERBS[verb].make_context(verb, arguments).close()
        for variants in re.findall(r"--(?:variant|as) (\S+)", line):
            for variant in names_of_variants(variants) or [variants]:
                registry_of("variants").check(variant)
    except typer.TyperException as error:
        if whole or not str(error).startswith("Missing parameter"):
            raise


def check_other(line: str) -> None:
    """Targets of make, extras of pip, modules of python -m."""
    words = shlex.split(line)
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= set(targets), f"{line}: no such target"
    if words[:2] == ["pip", "install"]:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for extras in re.findall(r"\[(.*?)\]", line):
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), f"{line}: no such extra"
    if words[:2] == ["python", "-m"] and words[2].startswith(("benchmarks.", "tests.")):
        place = ROOT / words[2].replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), f"{line}: no such module"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_printed_command_can_be_given(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in fenced(text):
        if line.startswith("lrensemble"):
            check_command(line)
        else:
            check_other(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_and_option_in_the_text_exists(page: Path) -> None:
    known = {option for verb in VERBS.values() for parameter in verb.params for option in parameter.opts}
    for span in inline(page.read_text(encoding="utf-8")):
        if span.startswith("lrensemble "):
            check_command(span, whole=False)
        elif span.startswith(("make ", "pip ", "python -m ")):
            check_other(span)
        elif re.match(r"--?[a-z]", span):
            assert span.split()[0] in known, f"no verb has the option {span!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_ls_is_asked_for_is_a_kind_or_a_name(page: Path) -> None:
    for name in re.findall(r"lrensemble ls ([a-z_]+)\b", page.read_text(encoding="utf-8")):
        assert name in HOMES or name == "pool" or kinds_of(name), f"lrensemble ls {name}: no such kind or name"


def test_the_tour_says_what_every_extra_is_for() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    rows = re.findall(
        r"^\| (.*\.\[.*\]'.*) \| .+ \|$", (ROOT / "docs/index.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(re.findall(r"'\.\[(\w+)\]'", "".join(rows))) == set(extras)


@pytest.mark.parametrize(
    "line",
    [
        *("lrensemble choose pool", "lrensemble select pool --methods greedy", "lrensemble export pool --variant stew"),
        *("lrensemble select", "lrensemble run digits --epochs many", "make tea", "pip install '.[tea]'"),
        *("python -m benchmarks.tea",),
    ],
)
def test_a_command_that_does_not_exist_is_seen(line: str) -> None:
    with pytest.raises((AssertionError, typer.TyperException, UnknownNameError)):
        (check_command if line.startswith("lrensemble") else check_other)(line)
