"""`lrensemble export --compare`: variants of a team beside the team and the best single model, in one table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

from lrensemble.cli.console import Form, answers, open_pool, people, print_json, print_tables, progress_of
from lrensemble.cli.evaluate import table_of
from lrensemble.errors import ConfigError

EVERY = "team"
"""What `--variant` says where nobody has said anything: all variants then, but those that train a network."""


def compared_form(given: str, json: bool) -> Form:
    """Form of the table; the format of ensembles that is the default stands for a table.

    Raises:
        ConfigError: a format of ensembles.
    """
    if json:
        return "json"
    if given == "bundle":
        return "table"
    if given not in get_args(Form):
        raise ConfigError(f"--format {given} is of ensembles; with --compare give one of {', '.join(get_args(Form))}")
    return cast(Form, given)


def refuse_others(given: Mapping[str, object]) -> None:
    """Refuse options of an ensemble that is written.

    Raises:
        ConfigError: with the first of them.
    """
    for name, value in given.items():
        if value is not None:
            raise ConfigError(
                f"--{name} is of one ensemble, and --compare writes none; leave it out "
                "(a cascade takes its own: --variant 'cascade(cost=0.3)')"
            )


def names_of_variants(given: str) -> list[str] | None:
    """Variants with their arguments, from a text with commas between; None where all are meant."""
    return None if given == EVERY else [each.strip() for each in re.split(r",(?![^(]*\))", given) if each.strip()]


def print_compared(
    folder: Path,
    variants: str,
    form: Form,
    *,
    method: str | None,
    data: Path | None,
    figure: Path | None,
    trust_code: bool,
) -> None:
    """Make and measure variants, print the table, and draw the figure where a file is given for it."""
    from lrensemble.evaluate.variants.record import FILE, FOLDER
    from lrensemble.evaluate.variants.tables import sentences, short_table, variants_table
    from lrensemble.export import VARIANTS
    from lrensemble.export.compared import compare
    from lrensemble.report import check_figure, figure_of, write_figure
    from lrensemble.report.sections.variants import figure_of_variants

    if figure is not None:
        check_figure(figure)
    names = names_of_variants(variants)
    specs = None if names is None else [VARIANTS.check(name) for name in names]
    pool = open_pool(folder, None, trust_code)
    with progress_of("comparing variants"):
        found = compare(pool, specs, method=method, data=data, tell=lambda line: people.print(line, soft_wrap=True))
    if form == "json":
        print_json(found.model_dump(mode="json"))
    else:
        print_tables([table_of(short_table(found) if form == "table" else variants_table(found))], form)
    if form == "table":
        answers.print()
        for sentence in sentences(found):
            answers.print(sentence, soft_wrap=False)
    people.print(f"{pool.folder / FOLDER / FILE} holds all of this and more", soft_wrap=True)
    if figure is not None:
        write_figure(figure_of(figure_of_variants(found)), figure)
        people.print(f"{figure} shows it", soft_wrap=True)
