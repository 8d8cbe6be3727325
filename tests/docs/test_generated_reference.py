"""The generated pages hold every registered name, key, verb, option, record and file; each with its meaning."""

import json
import os
import sys
import xml.etree.ElementTree as ElementTree
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import Field
from tests.conftest import Python

import lrensemble
from generate.curves import HEIGHT, LEFT, TOP, WIDTH, curve
from generate.docstrings import field_docs, first_sentence
from generate.experiment import keys
from generate.markdown import table
from generate.outputs import output_of, records_in, schema_of
from generate.pages import FOLDER, navigation, pages
from lrensemble.cli import VERBS, app
from lrensemble.cli.ending import BROKEN_PIPE, BUG, INTERRUPTED, MISTAKE, OUT_OF_TIME, STATUSES
from lrensemble.config import Experiment
from lrensemble.config.study import StudySettings
from lrensemble.evaluate import Team
from lrensemble.registry import HOMES, registry_of

SOURCE = Path(lrensemble.__path__[0])


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def page(made: dict[str, str], name: str) -> str:
    return made[f"{FOLDER}/{name}"]


@pytest.mark.parametrize("kind", HOMES)
def test_every_name_is_on_the_page_of_its_kind(made: dict[str, str], kind: str) -> None:
    registry, text = registry_of(kind), page(made, f"{kind}.md")
    sections = dict(section.split("\n", 1) for section in text.split("\n## ")[1:])
    for name in registry:
        own = sections[name]
        assert registry.summary(name) in own
        assert f"Example: `{registry.example(name)}`" in own
        assert all(f"\n| `{argument}` |" in own for argument in registry.arguments(name))
        assert all(f"`{alias}`" in own for alias in registry.aliases(name))
    assert all(f"* `{form}`: " in text for form in registry.families())


def test_every_policy_has_a_picture(made: dict[str, str]) -> None:
    for name in registry_of("policies"):
        assert f"(curves/{name}.svg)" in page(made, "policies.md")
        picture = page(made, f"curves/{name}.svg")
        ElementTree.fromstring(picture)
        points = [tuple(map(float, point.split(","))) for point in picture.split('points="')[1].split('"')[0].split()]
        assert len(points) == 200
        assert all(LEFT <= x <= LEFT + WIDTH and TOP <= y <= TOP + HEIGHT for x, y in points)
        assert min(y for _, y in points) == TOP, "the highest rate touches the top"


def test_a_picture_by_hand() -> None:
    points = curve("linear").split('points="')[1].split('"')[0].split()
    assert points[0] == f"{LEFT:.1f},{TOP:.1f}"
    assert points[100] == f"{LEFT + WIDTH * 100 / 199:.1f},{TOP + HEIGHT / 2:.1f}"


def test_every_key_of_the_experiment_is_on_its_page_with_a_meaning(made: dict[str, str]) -> None:
    text = page(made, "experiment.md")
    assert [key for key, meaning in keys().items() if not meaning] == []
    for key, meaning in keys().items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{key}` |")]
        assert line.endswith(f"| {meaning} |")
    for record in Experiment.model_fields:
        assert record in keys()


@pytest.mark.parametrize(
    "line",
    [
        "| `train.epochs` | `int` | `10` | > 0 and <= 1,000,000 | Passes over the training rows. |",
        "| `train.ema` | `float | none` |  | > 0 and < 1 | Decay of",
        "| `model` | `name(…)` | must be given |  |",
        "| `train.augment` | `list of name(…)` | `[]` |",
        "| `train.channels_last` | `bool` | `true` |",
        "| `select.seed` | `int` | `0` | >= 0 and <= 2^63 - 1 |",
        "| `policy` | `list of name(…)` | must be given | at least 1 long |",
    ],
)
def test_keys_by_hand(made: dict[str, str], line: str) -> None:
    assert f"\n{line}" in page(made, "experiment.md")


def test_every_key_of_the_study_file_is_on_its_page_with_a_meaning(made: dict[str, str]) -> None:
    text = page(made, "study.md")
    found = keys(StudySettings)
    assert {"experiment", "budget.epochs", "pools.NAME.members", "select.methods", "scaling.pool"} <= set(found)
    assert [key for key, meaning in found.items() if not meaning] == []
    for key, meaning in found.items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{key.replace('from_', 'from')}` |")]
        assert line.endswith(f"| {meaning} |")


def test_every_verb_and_option_is_on_the_page_of_commands(made: dict[str, str]) -> None:
    text = page(made, "commands.md")
    sections = dict(section.split("\n", 1) for section in text.split("\n## ")[1:])
    commands: Any = typer.main.get_command(app)
    assert sorted(commands.commands) == sorted(verb.replace("_", "-") for verb in VERBS)
    for verb, command in commands.commands.items():
        for parameter in command.params:
            given = parameter.opts if parameter.param_type_name == "option" else []
            if parameter.hidden:  # one process of ours says it to another
                assert not any(each in sections[verb] for each in given)
                continue
            (line,) = [
                line
                for line in sections[verb].splitlines()
                if line.startswith(f"| {', '.join(f'`{each}`' for each in given)} |" if given else "| `")
                and (given or (parameter.metavar or parameter.name.upper()) in line.split("|")[1])
            ]
            assert line.split(" | ")[-1].strip("| "), f"{verb} {parameter.name} has no help"
        assert f"[schema](schemas/{verb}.json)" in sections[verb]
        assert "Records: [" in sections[verb]
    assert "| `--seed` | `int` >= 0 | `0` |" in sections["select"]


def test_every_exit_status_and_variable_of_the_environment(made: dict[str, str]) -> None:
    assert {0, BUG, MISTAKE, OUT_OF_TIME, BROKEN_PIPE, *INTERRUPTED} == set(STATUSES)
    text = page(made, "commands.md")
    assert all(f"| `{status}` | {meaning}" in text for status, meaning in STATUSES.items())
    assert all(f"| `{name}` | " in text for name in ("LRENSEMBLE_CACHE", "LRENSEMBLE_LEASE"))


@pytest.mark.parametrize("verb", VERBS)
def test_every_record_that_is_printed_is_on_the_page_and_in_the_schema(made: dict[str, str], verb: str) -> None:
    text = page(made, "json.md")
    sections = dict(section.split("\n", 1) for section in text.split("\n## ")[1:])
    assert (import_module(f"lrensemble.cli.{verb}").output.__doc__ or "").endswith(".")
    for record in records_in(output_of(verb)):
        schema = schema_of(record)
        assert all(f"\n| `{key}` |" in sections[record.__name__] for key in schema["properties"])
    assert json.loads(page(made, f"schemas/{verb.replace('_', '-')}.json"))


def test_a_schema_says_what_its_keys_mean() -> None:
    described = schema_of(list[Team])["$defs"]["Team"]["properties"]
    said = "Cross-fitted score: every row is scored by a team chosen without it."
    assert described["cross_fitted"]["description"] == said
    assert described["weights"]["type"] == "array"


def test_every_file_stands_in_the_house(made: dict[str, str]) -> None:
    text = page(made, "house.md")
    for path in SOURCE.rglob("*.py"):
        if path.name != "__init__.py":
            (line, *_) = [line for line in text.splitlines() if line.lstrip().startswith(f"* `{path.name}`: ")]
            assert len(line.split(": ", 1)[1]) > 10
        elif path.parent != SOURCE:
            assert f"* `{path.parent.name}/`: " in text


def test_every_public_name_is_on_the_page_of_python(made: dict[str, str]) -> None:
    directives = [line for line in page(made, "python.md").splitlines() if line.startswith("::: ")]
    assert [line.rpartition(".")[2] for line in directives] == lrensemble.__all__


def test_every_page_is_in_the_navigation(made: dict[str, str]) -> None:
    listed = [path for entry in navigation() for path in entry.values()]
    assert sorted(listed) == sorted(path for path in made if path.endswith(".md"))


class Both:
    """A record. Of two fields."""

    width: Annotated[int, Field(gt=0)]
    """Width,
    in pixels."""
    side: Literal["left", "right"]


def test_what_a_docstring_says_of_a_field() -> None:
    assert field_docs(Both) == {"width": "Width, in pixels."}
    assert first_sentence("One thing, 1.5 of\nit. Then `more`.\n\nMore.") == "One thing, 1.5 of it."
    assert first_sentence(None) == ""
    assert table(["a", "b"], [["x | y", "`p | q`"]]) == "| a | b |\n| --- | --- |\n| x \\| y | `p | q` |\n"


ONE_MORE = """
import io, json, sys
from contextlib import redirect_stdout

import tests.registry.one_more as one_more
from generate.names import names_page
from lrensemble.cli import main
from lrensemble.cli.console import registered

told = {}
for kind, name in one_more.NAMES.items():
    sys.argv = ["lrensemble", "ls", kind, name, "--json"]
    out = io.StringIO()
    try:
        with redirect_stdout(out):
            main()
    except SystemExit as stop:
        status = stop.code
    told[kind] = {
        "status": status,
        "shown": json.loads(out.getvalue())["name"],
        "completed": registered(kind)(name[:-1]),
        "on page": f"## {name}\\n" in names_page(kind, {}),
    }
print(json.dumps(told))
"""


def test_one_more_of_everything_is_listed_completed_and_documented_by_itself(python: Python) -> None:
    done = python("-W", "ignore", "-c", ONE_MORE, PYTHONPATH=os.pathsep.join(sys.path))
    assert done.returncode == 0, done.stderr
    for kind, told in json.loads(done.stdout).items():
        name = f"new-{kind}"
        assert told == {"status": 0, "shown": name, "completed": [name], "on page": True}
