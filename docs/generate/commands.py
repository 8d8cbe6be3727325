"""The page of the command line: every verb with its arguments and options, exit statuses and environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

import lrensemble
from generate.docstrings import first_sentence
from generate.markdown import code, flat, table
from generate.outputs import output_of, records_in
from generate.sources import said_in
from lrensemble.cli import VERBS, app
from lrensemble.cli.ending import STATUSES
from lrensemble.registry.annotations import type_words

COLUMNS = ["argument or option", "type", "default", "meaning"]


def commands_page() -> str:
    """All that the command line takes and gives back."""
    group: Any = typer.main.get_command(app)
    lines = [f"# Commands\n\n{group.help}\n", table(COLUMNS, map(_row, group.params))]
    for verb in VERBS:
        lines += _verb(verb.replace("_", "-"), group.commands[verb.replace("_", "-")], verb)
    statuses = ([code(str(status)), meaning] for status, meaning in sorted(STATUSES.items()))
    lines += ["## Exit statuses\n", table(["status", "meaning"], statuses)]
    lines += ["## Environment\n", table(["variable", "meaning"], _environment())]
    return "\n".join(lines)


def _verb(name: str, command: Any, module: str) -> Iterator[str]:
    yield f"## {name}\n\n{command.help}\n"
    arguments = " ".join(_usage(each) for each in command.params if _is_argument(each))
    yield f"```\nlrensemble {name} {arguments} [OPTIONS]\n```\n"
    examples = "\n".join(f"$ {line}" for line in import_module(f"lrensemble.cli.{module}").EXAMPLES)
    yield f"```console\n{examples}\n```\n"
    yield table(COLUMNS, [_row(each) for each in command.params if not each.hidden])
    output = output_of(module)
    said = flat(import_module(f"lrensemble.cli.{module}").output.__doc__ or "")
    records = ", ".join(f"[{each.__name__}](json.md#{each.__name__.lower()})" for each in _outermost(output))
    yield f"`--json` prints: {said} Records: {records}; [schema](schemas/{name}.json).\n"


def _outermost(output: Any) -> list[type]:
    """The records that may be printed, without those that stand in them."""
    records = list(dict.fromkeys(records_in(output)))
    inner = {each for record in records for each in list(records_in(record))[1:]}
    return [record for record in records if record not in inner]


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _usage(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _row(parameter: Any) -> list[str]:
    names = [_usage(parameter)] if _is_argument(parameter) else [*parameter.opts, *parameter.secondary_opts]
    kind = type_words(getattr(parameter.type_descriptor, "annotation", str))
    bounds = [f">= {parameter.min:,}" if parameter.min is not None else ""]
    bounds.append(f"<= {parameter.max:,}" if parameter.max is not None else "")
    default = "must be given" if parameter.required else code(_default(parameter.default))
    environment = f" Environment: {code(str(parameter.envvar))}." if parameter.envvar else ""
    typed = " ".join([code(kind), *filter(None, bounds)])
    return [", ".join(map(code, names)), typed, default, f"{parameter.help or ''}{environment}"]


def _default(value: object) -> str:
    return "" if value is None or callable(value) else str(value)


def _environment() -> Iterator[list[str]]:
    """Variables that some docstring of the package names, with the sentence that does."""
    found: dict[str, str] = {}
    for path in sorted(Path(lrensemble.__path__[0]).rglob("*.py")):
        said = said_in(path)
        for docstring in (said.module, *said.functions):
            for sentence in re.split(r"(?<=\.)\s|\n\n|\n(?=\s*\w+:)", docstring):
                for name in re.findall(r"LRENSEMBLE_[A-Z]+", sentence):
                    found.setdefault(name, re.sub(r"^\s*\w+: ", "", first_sentence(sentence)))
    for name, sentence in sorted(found.items()):
        yield [code(name), sentence]
