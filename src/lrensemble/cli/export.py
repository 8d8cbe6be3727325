"""`lrensemble export`: a pool's team, or something cheaper made of it, becomes one thing to use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lrensemble.cli.console import (
    Json,
    Plugins,
    TrustCode,
    open_pool,
    people,
    percent,
    print_json,
    progress_of,
)

if TYPE_CHECKING:
    from lrensemble.export import Balance, Ensemble
    from lrensemble.pool import Pool

Shape = Literal["team", "cascade", "uniform-soup", "greedy-soup", "student"]


def export(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool, with teams chosen by `lrensemble select`.")],
    format: Annotated[str, typer.Option(help="bundle (a folder), onnx or torch (a file).")] = "bundle",  # noqa: A002
    method: Annotated[
        str | None, typer.Option("--method", "-m", help="Whose team; unless given what the verdict says.")
    ] = None,
    shape: Annotated[
        Shape,
        typer.Option("--as", help="The whole team; members in order until one is sure; or one network made of them."),
    ] = "team",
    accuracy: Annotated[float | None, typer.Option(help="Of a cascade on val, as a fraction: at least.")] = None,
    cost: Annotated[float | None, typer.Option(help="Of a cascade, as a share of the team's: at most.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the data set's files, for one network.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to; beside the pool unless given.")] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Make one deployable ensemble of a pool's team."""
    from lrensemble.export import chosen_team, ensemble_of
    from lrensemble.export.formats import check_place, format_of

    form = format_of(format)
    opened = open_pool(pool, plugin, trust_code)
    team = chosen_team(opened, method)
    place = out or pool.resolve().parent / f"{'ensemble' if shape == 'team' else shape}{form.suffix}"
    check_place(place)
    with progress_of(f"exporting {team.method}"):
        ensemble = ensemble_of(opened, team)
        ensemble, told = _cheaper(ensemble, opened, shape, accuracy, cost, data)
        form.write(ensemble, place)
    if json:
        described = ensemble.description.model_dump(mode="json")
        print_json({"path": str(place), "format": format, "as": shape, "ensemble": described, **told})
        return
    if len(team.team) == 1:
        alone = " (no team beats it)" if method is None else ""
        shipped = f"{ensemble.description.parts[0].name}, a single model{alone}"
    else:
        shipped = f"{team.method}, a team of {len(team.team)}"
    people.print(f"{place}: {shipped}, as {format}", soft_wrap=True)
    for line in _lines(told):
        people.print(line, soft_wrap=True)


def _cheaper(
    ensemble: Ensemble, pool: Pool, shape: Shape, accuracy: float | None, cost: float | None, data: Path | None
) -> tuple[Ensemble, dict[str, object]]:
    """What is shipped in the place of the team, and what is known of it."""
    from lrensemble.data import of_recipe
    from lrensemble.errors import ConfigError
    from lrensemble.export import cascade, distill, measure, soup
    from lrensemble.export.source import best_recipe

    if shape != "cascade" and (accuracy, cost) != (None, None):
        raise ConfigError("--accuracy and --cost are wishes for a cascade; add --as cascade")
    if shape == "team":
        return ensemble, {}
    if shape == "cascade":
        found = cascade(ensemble, pool, accuracy=accuracy, cost=cost)
        told: dict[str, object] = {"val": _of(found.expected)}
        if "test" in pool.task.splits:
            measured = measure(found.ensemble, pool)
            told |= {"test": _of(measured), "reaches_team": measured.reaches_team}
        return found.ensemble, told
    recipe = best_recipe(pool, ensemble)
    dataset = of_recipe(recipe, data, trust_code=pool.trust_code)
    if shape == "student":
        student = distill(ensemble, dataset, recipe)
        return student.ensemble, {"val": {"accuracy": student.accuracy, "team_accuracy": student.team_accuracy}}
    made = soup(ensemble, dataset, kind="uniform" if shape == "uniform-soup" else "greedy")
    val = {"accuracy": made.accuracy, "team_accuracy": made.team_accuracy}
    return made.ensemble, {"val": val, "ingredients": list(made.ingredients), "barriers": made.barriers}


def _of(balance: Balance) -> dict[str, float]:
    return {name: float(value) for name, value in vars(balance).items()}


def _lines(told: dict[str, object]) -> list[str]:
    lines = []
    for split in ("val", "test"):
        if isinstance(found := told.get(split), dict):
            price = f" at {percent(found['cost'])} % of its cost" if "cost" in found else ""
            team = percent(found["team_accuracy"])
            agrees = f"; they agree on {percent(found['agreement'])} % of the rows" if "agreement" in found else ""
            lines.append(f"{split}: accuracy {percent(found['accuracy'])}{price}, the whole team {team}{agrees}")
    if "reaches_team" in told:
        reaches = "reaches" if told["reaches_team"] else "does not reach"
        lines.append(f"on test it {reaches} the team's accuracy within 0.1 points at half of its cost or less")
    return lines
