"""How much a command tells on standard error, by `--quiet` and `--verbose`, before or behind the verb."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from typer.core import TyperCommand

from lrensemble.cli.printer import Printer, people
from lrensemble.errors import ConfigError

LIBRARY = "lrensemble"
"""Name of the logger that all of the library's are below."""


class Lines(logging.Handler):
    """Handler that prints records, a line each; warnings and errors also where little is told."""

    def __init__(self, printer: Printer, level: int = logging.WARNING) -> None:
        super().__init__(level)
        self.printer = printer

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        tell = self.printer.warn if record.levelno >= logging.WARNING else self.printer.print
        tell(" ".join(record.getMessage().split()), soft_wrap=True)


def be_quiet(wanted: bool) -> None:
    """Tell answers, warnings and errors alone.

    Raises:
        ConfigError: the contrary was asked for as well.
    """
    if wanted:
        _refuse_both(people.verbose)
        people.quiet = True


def be_verbose(wanted: bool) -> None:
    """Tell all that the library notes, each a line.

    Raises:
        ConfigError: the contrary was asked for as well.
    """
    if wanted and not people.verbose:
        _refuse_both(people.quiet)
        people.verbose = True
        logger = logging.getLogger(LIBRARY)
        logger.setLevel(logging.DEBUG)
        logger.addHandler(Lines(people, logging.DEBUG))


def be_usual() -> None:
    """Tell what is told unless something else is asked for."""
    people.quiet = people.verbose = False
    logger = logging.getLogger(LIBRARY)
    logger.setLevel(logging.NOTSET)
    for handler in [each for each in logger.handlers if isinstance(each, Lines)]:
        logger.removeHandler(handler)


def _refuse_both(other: bool) -> None:
    if other:
        raise ConfigError("--quiet and --verbose are both given; give one of them")


Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        callback=be_quiet,
        expose_value=False,
        help="Tell answers, warnings and errors alone: no notes, no progress.",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        callback=be_verbose,
        expose_value=False,
        help="Also tell what the library notes for itself, and the traceback of a bug.",
    ),
]


def _shared_options() -> list[Any]:
    """Options that every verb has, as the command line parses them."""

    def no_verb(_quiet: Quiet = False, _verbose: Verbose = False) -> None:
        """A command that has nothing else."""

    alone = typer.Typer(add_completion=False)
    alone.command()(no_verb)
    return [each for each in typer.main.get_command(alone).params if "--help" not in each.opts]


class Verb(TyperCommand):
    """A verb, with the options that all have; no path that is given is empty, and every number is one."""

    def __init__(self, name: str | None, *, params: list[Any] | None = None, **options: Any) -> None:
        own, shared = params or [], _shared_options()
        place = next((i for i, each in enumerate(own) if "--json" in each.opts), len(own))
        super().__init__(name, params=[*own[:place], *shared, *own[place:]], **options)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line; an empty path is a variable of the shell that nobody has set, not this folder."""
        if ctx.resilient_parsing:  # the shell completes
            return super().parse_args(ctx, args)
        given, *_ = self.make_parser(ctx).parse_args(args=list(args))
        for each in self.params:
            values = given.get(each.name or "")
            if "" in (values if isinstance(values, list | tuple) else [values]) and _is_path(each):
                raise ConfigError(f"{_shown(each)} is an empty path; name a file or a folder, or . for this one")
        left = super().parse_args(ctx, args)
        _require_current_folder()
        for each in self.params:
            value = ctx.params.get(each.name or "")
            if isinstance(value, float) and not math.isfinite(value):  # 1e400 is infinite as well
                raise ConfigError(f"{_shown(each)} {given.get(each.name, value)} is refused; give a finite number")
        return left


def _require_current_folder() -> None:
    """Refuse where the current folder has been removed: libraries of others end the process there, torch's among them.

    Raises:
        ConfigError: it has been.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        raise ConfigError("the current folder has been removed; go to one that is there, and ask again") from None


def _shown(parameter: Any) -> str:
    return parameter.opts[0] if parameter.param_type_name == "option" else (parameter.name or "").upper()


def _is_path(parameter: Any) -> bool:
    annotation = parameter.type_descriptor.annotation
    return Path in (annotation, *get_args(annotation))
