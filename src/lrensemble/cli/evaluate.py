"""`lrensemble evaluate`: the stored teams are measured on `test`, once, and the gain is judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrensemble.cli.console import Json, Plugins, import_given, people, percent, print_json, table

if TYPE_CHECKING:
    from lrensemble.evaluate import Result
    from lrensemble.pool import Pool


SHOWN = 12
"""Members of the team that the terminal shows."""


def evaluate(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool, with teams chosen by `lrensemble select`.")],
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Measure the chosen teams on the test rows."""
    from lrensemble.pool import Pool

    import_given(plugin)
    opened = Pool.open(pool)
    result = evaluate_into(opened, pool / "result.json")
    if json:
        print_json(result.model_dump(mode="json"))
    else:
        print_result(result, opened)


def evaluate_into(pool: Pool, path: Path) -> Result:
    """Evaluate the pool's stored teams and write `result.json`."""
    from lrensemble.evaluate import evaluate, load
    from lrensemble.files import to_json, write_whole

    with people.status("evaluating"):
        result = evaluate(pool, load(pool))
    write_whole(path, to_json(result.model_dump(mode="json")).encode())
    return result


def print_result(result: Result, pool: Pool) -> None:
    """Teams beside the best single model, the members of the one that is judged with their rates, the verdict."""
    rows = table(
        f"{result.task}: accuracy in percent; gain over the best single model on {result.rows['test']:,} test rows",
        {
            "team": "left",
            "size": "right",
            "val": "right",
            "test": "right",
            "gain": "right",
            "95 % interval": "right",
            "p": "right",
            "test NLL": "right",
        },
    )
    best = result.best_single
    if best.val and best.test:
        rows.add_row(
            "best single",
            "1",
            percent(best.val.accuracy),
            percent(best.test.accuracy),
            "",
            "",
            "",
            f"{best.test.nll:.4f}",
        )
    for key, team in result.teams.items():
        gain = team.gain["accuracy"]
        rows.add_row(
            key,
            str(len(team.team)),
            percent(team.val.accuracy),
            percent(team.test.accuracy),
            f"{100 * gain.value:+.2f}",
            f"{100 * gain.low:+.2f} … {100 * gain.high:+.2f}",
            f"{gain.p_value:.2g}",
            f"{team.test.nll:.4f}",
        )
    people.print(rows)
    people.print()
    _print_team(result, pool)
    people.print(result.verdict.text, soft_wrap=False)


def _print_team(result: Result, pool: Pool) -> None:
    """The members that the verdict is about, and how their rates went."""
    from lrensemble.cli.sparkline import rates_of, sparkline

    chosen = result.teams[result.verdict.method]
    by_id = {member.id: member for member in pool.members()}
    columns = {"member": "left", "weight": "right", "val": "right", "rate": "left"}
    rows = table(f"{result.verdict.method}, a team of {len(chosen.team)}, and its rates", columns)
    for member_id, weight in sorted(zip(chosen.members, chosen.weights, strict=True), key=lambda pair: -pair[1])[
        :SHOWN
    ]:
        member = by_id[member_id]
        accuracy = percent(member.scores.get("val", {}).get("accuracy"))
        rows.add_row(member.name, f"{weight:.2f}", accuracy, sparkline(rates_of(member), people.encoding))
    people.print(rows)
    if len(chosen.team) > SHOWN:
        people.print(f"… and {len(chosen.team) - SHOWN} more")
    people.print()
