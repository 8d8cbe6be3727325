"""`lrensemble evaluate`: the stored teams are measured on `test`, once, and the gain is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.console import (
    Form,
    Format,
    Json,
    Plugins,
    Table,
    TrustCode,
    answers,
    form_of,
    import_given,
    open_pool,
    people,
    print_json,
    print_tables,
)
from lrensemble.cli.select import print_not_run

if TYPE_CHECKING:
    from lrensemble.evaluate import Result
    from lrensemble.evaluate.tables import GainTable
    from lrensemble.pool import Pool


SHOWN = 12
"""Maximum number of members that the terminal shows."""


EXAMPLES = (
    "lrensemble evaluate pool --format latex > table.tex",
    "lrensemble evaluate pool --foreign mnist",
    "lrensemble evaluate pool --harness tasks/arc_easy.yaml --limit 200",
)


def output() -> Any:
    """The record in `result.json`; or what lm-evaluation-harness found."""
    from lrensemble.evaluate import Result
    from lrensemble.export.language.questions.tasks import HarnessScores

    return Result | HarnessScores


def evaluate(
    pool: Annotated[
        Path,
        typer.Argument(
            help="Folder of the pool, with teams chosen by `lrensemble select`; with --harness also of an exported "
            "team of language models."
        ),
    ],
    harness: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK",
            help="Language models: a task of lm-evaluation-harness to score team and members on, by its name or as a "
            ".yaml file or a folder of such, which may run code; may be repeated.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="With --harness: questions of a task at most.")] = None,
    shots: Annotated[int | None, typer.Option(help="With --harness: solved examples before each question.")] = None,
    base: Annotated[
        Path | None, typer.Option(help="With --harness: folder of the base, where it lies elsewhere now.")
    ] = None,
    foreign: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A further test set whose truth does not count: its rows are told from those of test by how unsure "
            "predictions are; may be repeated.",
        ),
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Measure the chosen teams on the rows of every test set; or one of language models on tasks."""
    if harness:
        _by_harness(pool, harness, form_of(format, json), plugin, base=base, limit=limit, shots=shots, trust=trust_code)
        return
    for name, value in (("limit", limit), ("shots", shots), ("base", base)):
        if value is not None:
            from lrensemble.errors import ConfigError

            raise ConfigError(f"--{name} goes with --harness TASK; leave it out")
    opened = open_pool(pool, plugin, trust_code)
    result = evaluate_into(opened, pool / "result.json", foreign=foreign or ())
    print_result(result, opened, form_of(format, json))


def _by_harness(
    folder: Path,
    tasks: list[str],
    form: Form,
    plugin: list[str] | None,
    *,
    base: Path | None,
    limit: int | None,
    shots: int | None,
    trust: bool,
) -> None:
    from lrensemble.cli.harness import evaluate_by_harness
    from lrensemble.registry import close_gate

    import_given(plugin)
    if not trust and base is None:
        close_gate(str(folder))
    evaluate_by_harness(folder, tasks, form, base=base, limit=limit, shots=shots, trust_code=trust)


def evaluate_into(
    pool: Pool, path: Path, not_run: Mapping[str, str] | None = None, *, again: bool = True, foreign: Sequence[str] = ()
) -> Result:
    """Evaluate the pool's stored teams and write `result.json`.

    Without `again`, a stored result of the same members and teams is returned: test rows are not looked at once more.

    Raises:
        PoolError: all stored teams were chosen among other members.
    """
    from lrensemble.front.teams import evaluate_into as into

    return into(pool, path, not_run, again=again, foreign=foreign, around=people.status)


def print_result(result: Result, pool: Pool, form: Form, *, brief: bool = False) -> None:
    """Print the teams beside the best single models, the judged team's members with their rates, and the verdicts.

    Args:
        result: what was measured.
        pool: of which it was.
        form: form of the answer.
        brief: whether a terminal does without the tables that say more of the same: gains over models with a
            temperature, predictions that may abstain, and conformal sets.
    """
    if form == "json":
        print_json(result.model_dump(mode="json"))
        return
    gains = [table_of(table) for table in _tables(result, brief=brief and form == "table")]
    print_tables([*gains, *_team_tables(result, pool, SHOWN if form == "table" else len(result.members))], form)
    print_not_run(result.not_run)
    if form == "table":
        _print_verdicts(result)


def _tables(result: Result, *, brief: bool) -> list[GainTable]:
    from lrensemble.evaluate.tables import across_tests, gain_tables
    from lrensemble.evaluate.uncertainty.tables import uncertainty_tables

    gains = gain_tables(result, tempered=not brief)
    return [*gains, *across_tests(result), *uncertainty_tables(result, foreign_alone=brief)]


OUTCOMES = {"better": "bold green", "worse": "bold red"}
"""Style of the beginning of a verdict by its outcome; bold for all others."""


def _print_verdicts(result: Result) -> None:
    """Print notes, and the verdicts below them, where the eye ends."""
    from lrensemble.evaluate.verdict import outcome_of, verdicts_of

    answers.print()
    for note in result.notes:
        answers.print(note, soft_wrap=False)
    if result.notes:
        answers.print()
    for verdict in verdicts_of(result):
        text = people.render_str(verdict.text)
        text.stylize(OUTCOMES.get(verdict.kind, "bold"), 0, len(outcome_of(verdict)))
        answers.print(text, soft_wrap=False)


def table_of(gains: GainTable) -> Table:
    """Table of scores or gains; the first column names what a row is of."""
    sides = {name: "right" if place else "left" for place, name in enumerate(gains.headings)}
    rows = Table(gains.title, sides, marked=gains.fixed)
    for row in gains.rows:
        rows.add_row(*row)
    return rows


def _team_tables(result: Result, pool: Pool, most: int) -> list[Table]:
    """The judged team, so many of its members at most, with sparklines of their rates; none where none was judged."""
    from lrensemble.cli.sparkline import rates_of, sparkline
    from lrensemble.evaluate import untrusted
    from lrensemble.evaluate.verdict import in_print, score_in_print

    if result.verdict.method is None:
        return []
    chosen = result.teams[result.verdict.method]
    measured = {member.id: member for member in result.members}
    there = {member.id: member for member in pool.members()}  # one that was taken out since has no rate to show
    more = f", of which {most} are shown" if len(chosen.team) > most else ""
    headline = "acc. %" if result.headline == "accuracy" else in_print(result.headline)
    columns = {"member": "left", "weight": "right", f"val {headline}": "right", "rate": "left"}
    rows = list[tuple[str, ...]]()
    heaviest = sorted(zip(chosen.members, chosen.weights, strict=True), key=lambda pair: -pair[1])
    for member_id, weight in heaviest[:most]:
        val, member = measured[member_id].val, there.get(member_id)
        rates = [] if member is None else rates_of(member, trust_code=pool.trust_code)
        score = score_in_print(result.headline, None if val is None else val.by(result.headline))
        rows.append((measured[member_id].name, f"{weight:.2f}", score, sparkline(rates, answers.encoding)))
    if line := untrusted(pool, "policy", "The rate"):
        people.print(line)
    rated = ", and its rates" if any(row[-1] for row in rows) else ""
    return [Table(f"{result.verdict.method}, a team of {len(chosen.team)}{more}{rated}", columns, rows)]
