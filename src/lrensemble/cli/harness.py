"""What lm-evaluation-harness finds of a team and of each member, in tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrensemble.cli.console import Form, Table, answers, print_json, print_tables, progress_of

if TYPE_CHECKING:
    from lrensemble.export.language.questions.tasks import HarnessScores, Measured, TaskScores


def evaluate_by_harness(
    folder: Path,
    tasks: Sequence[str],
    form: Form,
    *,
    base: Path | None,
    limit: int | None,
    shots: int | None,
    trust_code: bool,
) -> None:
    """Score the team in a folder, a pool or an ensemble, and each of its members on tasks, and print it.

    Raises:
        ConfigError: an unknown task.
        ExportError, PoolError, SpecError, DataError, MissingExtraError: as the team or the harness says.
    """
    from lrensemble.front.language import scores_by_harness

    with progress_of("evaluating"):
        found = scores_by_harness(folder, tasks, base=base, limit=limit, shots=shots, trust_code=trust_code)
    if form == "json":
        print_json(found.model_dump(mode="json"))
        return
    print_tables([_table(task, scores, found) for task, scores in found.tasks.items()], form)
    if form == "table":
        answers.print()
        answers.print(f"The team speaks as one by {found.consensus}.", soft_wrap=False)
        for task, scores in found.tasks.items():
            for line in _gains(task, scores, found):
                answers.print(line, soft_wrap=False)


def _table(task: str, scores: TaskScores, found: HarnessScores) -> Table:
    """Metrics side by side, a row for the team and one for each member."""
    rows = "" if scores.rows is None else f", {scores.rows:,} rows"
    table = Table(f"{task}{rows}", {"": "left", "weight": "right", **dict.fromkeys(scores.team, "right")})
    table.add_row("team", "", *(_in_print(scores.team[metric]) for metric in scores.team))
    for name, weight in zip(found.members, found.weights, strict=True):
        own = scores.members.get(name, {})
        mark = " (best on val)" if name == found.best_single else ""
        cells = (_in_print(own[metric]) if metric in own else "–" for metric in scores.team)
        table.add_row(f"{name}{mark}", f"{weight:.2f}", *cells)
    return table


def _gains(task: str, scores: TaskScores, found: HarnessScores) -> list[str]:
    from lrensemble.evaluate.verdict import p_clause

    return [
        f"{task}: gain of the team over {found.best_single} in {metric} {100 * gain.value:+.2f} points (95 % interval "
        f"{100 * gain.low:+.2f} to {100 * gain.high:+.2f}, {p_clause(gain.p_value)})"
        for metric, gain in scores.gain.items()
    ]


def _in_print(measured: Measured) -> str:
    error = "" if measured.error is None else f" ± {measured.error:.4f}"
    return f"{measured.value:.4f}{error}"
