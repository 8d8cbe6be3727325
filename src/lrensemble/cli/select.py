"""`lrensemble select`: teams are chosen on `val` and written to POOL/selections/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrensemble.cli.console import (
    Json,
    Plugins,
    import_given,
    people,
    percent,
    print_json,
    progress_of,
    registered,
    table,
)

if TYPE_CHECKING:
    from lrensemble.evaluate import Team
    from lrensemble.pool import Pool
    from lrensemble.spec import Spec, SpecLike


Method = Annotated[
    list[str] | None,
    typer.Option(
        "--method", "-m", help="e.g. 'greedy(size=10)'; may be repeated.", autocompletion=registered("selectors")
    ),
]
Metric = Annotated[str, typer.Option(help="What a team aims at.", autocompletion=registered("metrics"))]
Consensus = Annotated[str, typer.Option(help="How predictions are combined.", autocompletion=registered("consensus"))]
Resamples = Annotated[
    int, typer.Option(help="Choose again on so many bootstrap resamples: how stable is the team?", min=0)
]
EveryTeam = Annotated[
    Path | None, typer.Option(help="Write the score of every team of the pool to this file, .npz or .parquet.")
]
Seed = Annotated[int, typer.Option(help="Of random selectors, bootstraps and folds.", min=0)]


def select(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool.")],
    method: Method = None,
    metric: Metric = "nll",
    consensus: Consensus = "mean",
    seed: Seed = 0,
    resamples: Resamples = 0,
    every_team: EveryTeam = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Choose teams on the validation rows."""
    from lrensemble.config import SelectSettings
    from lrensemble.pool import Pool

    import_given(plugin)
    opened, methods = Pool.open(pool), method or SelectSettings().methods
    if every_team:
        write_every_team(opened, every_team, metric, consensus)
    teams = choose_all(opened, methods, metric=metric, consensus=consensus, seed=seed, resamples=resamples)
    if json:
        print_json([team.model_dump(mode="json") for team in teams])
    else:
        print_teams(teams)
        print_stability(teams, {member.id: member.name for member in opened.members()})


def write_every_team(pool: Pool, path: Path, metric: str, consensus: str) -> None:
    """The complete table of teams, each a mask whose bit i stands for the pool's member i."""
    from lrensemble.evaluate import validation_of
    from lrensemble.select import check_table_path, team_table

    check_table_path(path)
    with progress_of("scoring every team"):
        team_table(validation_of(pool), metric=metric, consensus=consensus).save(path)


def check_names(methods: Sequence[SpecLike], metric: SpecLike, consensus: SpecLike) -> list[Spec]:
    """The methods as specs, all names and arguments checked.

    Raises:
        SpecError: a name or an argument that is not known.
    """
    from lrensemble.consensus import CONSENSUS
    from lrensemble.metrics import METRICS
    from lrensemble.select import check_method

    METRICS.check(metric)
    CONSENSUS.check(consensus)
    return [check_method(method) for method in methods]


def choose_all(
    pool: Pool, methods: Sequence[SpecLike], *, metric: SpecLike, consensus: SpecLike, seed: int, resamples: int = 0
) -> list[Team]:
    """Choose and store a team by each method; all names are checked before the first search."""
    from lrensemble.evaluate import choose, save

    teams = []
    for spec in check_names(methods, metric, consensus):
        with progress_of(f"selecting: {spec}"):
            team = choose(pool, spec, metric=metric, consensus=consensus, seed=seed, resamples=resamples)
        save(pool, team)
        teams.append(team)
    return teams


def print_teams(teams: list[Team]) -> None:
    """The teams as a table, optimistic score beside the cross-fitted one."""
    from lrensemble.spec import to_spec

    rows = table(
        f"teams by {teams[0].metric}, higher is better (consensus: {to_spec(teams[0].consensus).name})",
        {"method": "left", "members": "right", "val": "right", "cross-fitted": "right", "tried": "right", "s": "right"},
    )
    for team in teams:
        honest = "–" if team.cross_fitted is None else f"{team.cross_fitted:.4f}"
        size = str(len(team.team))
        rows.add_row(team.method, size, f"{team.score:.4f}", honest, f"{team.tried:,}", f"{team.seconds:.2f}")
    people.print(rows)
    widest = max(teams, key=lambda team: team.tried)
    if widest.caution:
        people.print(f"caution, {widest.method}: {widest.caution}")


def print_stability(teams: list[Team], names: dict[str, str]) -> None:
    """How often each member was chosen again on resampled rows, and how much the scores owe to these very rows."""
    for team in teams:
        if team.optimism is None:
            continue
        people.print(f"{team.method}: optimism {team.optimism:.4f} over {team.resamples} resamples")
        rows = table("", {"member": "left", "in the team": "left", "chosen again, %": "right"})
        for member, share in sorted(team.frequency.items(), key=lambda item: -item[1]):
            rows.add_row(names[member], "yes" if member in team.team else "", percent(share))
        people.print(rows)
