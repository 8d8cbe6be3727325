"""`lrensemble select`: teams are chosen on `val` and written to POOL/selections/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.console import (
    Format,
    Json,
    Plugins,
    Table,
    TrustCode,
    form_of,
    import_given,
    open_pool,
    people,
    percent,
    print_json,
    print_tables,
    progress_of,
    registered,
    writable,
)

if TYPE_CHECKING:
    from lrensemble.evaluate import Team
    from lrensemble.front.teams import Teams
    from lrensemble.pool import Pool
    from lrensemble.spec import SpecLike


Method = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        "-m",
        help="Selector, e.g. 'greedy(size=10)'; may be repeated.",
        autocompletion=registered("selectors"),
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="Metric that teams aim at; nll, or accuracy where a member knows only labels.",
        autocompletion=registered("metrics"),
    ),
]
Consensus = Annotated[
    str | None,
    typer.Option(
        help="Consensus of the members' predictions; mean or mixture unless given.",
        autocompletion=registered("consensus"),
    ),
]
Resamples = Annotated[
    int,
    typer.Option(
        help="Number of bootstrap resamples to choose again on, for the stability of the team.", min=0, max=100_000
    ),
]
EveryTeam = Annotated[
    Path | None, typer.Option(help="File for the score of every team of the pool, .npz or .parquet.", callback=writable)
]
Seed = Annotated[int, typer.Option(help="Seed of random selectors, bootstraps and folds.", min=0)]


EXAMPLES = (
    "lrensemble select pool",
    "lrensemble select pool -m greedy -m 'top_k(k=5)' --metric brier",
)


def output() -> Any:
    """A list of the teams, in the order of the methods, each without its `replicates`."""
    from lrensemble.evaluate import Team

    return list[Team]


def select(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool.")],
    method: Method = None,
    metric: Metric = None,
    consensus: Consensus = None,
    seed: Seed = 0,
    resamples: Resamples = 0,
    every_team: EveryTeam = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Choose teams on the validation rows."""
    from lrensemble.evaluate import default_methods
    from lrensemble.registry import ask_for

    import_given(plugin)
    ask_for(*(method or ()), *([metric] if metric else ()), *([consensus] if consensus else ()))
    opened = open_pool(pool, None, trust_code)
    methods = method or default_methods(opened)
    if every_team:
        write_every_team(opened, every_team, metric or aim_of(opened), consensus or "mean")
    chosen = choose_all(opened, methods, metric=metric, consensus=consensus, seed=seed, resamples=resamples)
    form = form_of(format, json)
    if form == "json":
        print_json([team.model_dump(mode="json", exclude={"replicates"}) for team in chosen.teams])
    else:
        names = {member.id: member.name for member in opened.members()}
        print_tables([teams_table(chosen.teams), *stability_tables(chosen.teams, names)], form)
    print_notes(chosen)
    raise typer.Exit(1 if chosen.not_run else 0)


def aim_of(pool: Pool) -> str:
    """Metric that teams aim at by default; a line says so where it is not the usual one."""
    from lrensemble.evaluate import DEFAULT_METRIC, default_metric

    metric = default_metric(pool)
    if metric != DEFAULT_METRIC and pool.task.target.has_labels:
        people.print(f"a member gives no probabilities, so teams aim at {metric}", soft_wrap=True)
    return metric


def write_every_team(pool: Pool, path: Path, metric: str, consensus: str) -> None:
    """Write the scores of all teams; bit i of a team's mask stands for the pool's member i."""
    from lrensemble.evaluate import validation_of
    from lrensemble.select import check_table_path, team_table

    check_table_path(path)
    with progress_of("scoring every team"):
        team_table(validation_of(pool), metric=metric, consensus=consensus).save(path)


def check_names(methods: Sequence[SpecLike], metric: SpecLike | None, consensus: SpecLike | None) -> None:
    """Check all names and arguments.

    Raises:
        SpecError: a name or an argument that is not known.
    """
    from lrensemble.front.teams import check_names as check

    check(methods, metric, consensus)


def choose_all(
    pool: Pool,
    methods: Sequence[SpecLike],
    *,
    metric: SpecLike | None,
    consensus: SpecLike | None,
    seed: int,
    resamples: int = 0,
) -> Teams:
    """Choose and store a team by each method, with a line of progress for each.

    Raises:
        SelectionError: every method failed; the first one says why.
    """
    from lrensemble.front.teams import choose_all as choose

    check_names(methods, metric, consensus)
    aim = metric or aim_of(pool)
    return choose(pool, methods, metric=aim, consensus=consensus, seed=seed, resamples=resamples, around=progress_of)


def teams_table(teams: Sequence[Team]) -> Table:
    """Teams, optimistic score beside the cross-fitted one; a loss has its sign turned, and its name says so."""
    from lrensemble.evaluate.verdict import in_print
    from lrensemble.metrics import higher_is_better
    from lrensemble.spec import to_spec

    metric = teams[0].metric
    aim = in_print(metric) if higher_is_better(metric) else f"-{in_print(metric)}"
    rows = Table(
        f"teams by {aim}, higher is better (consensus: {to_spec(teams[0].consensus).name})",
        {"method": "left", "members": "right", "val": "right", "cross-fitted": "right", "tried": "right", "s": "right"},
    )
    for team in teams:
        cross_fitted = "–" if team.cross_fitted is None else f"{team.cross_fitted:.4f}"
        size = str(len(team.team))
        rows.add_row(team.method, size, f"{team.score:.4f}", cross_fitted, f"{team.tried:,}", f"{team.seconds:.2f}")
    return rows


def print_notes(chosen: Teams) -> None:
    """Print the methods that have no team, and cautions on those that have."""
    print_not_run(chosen.not_run)
    for team in chosen.teams:
        if team.caution:
            people.warn(f"caution, {team.method}: {team.caution}")


def print_not_run(not_run: Mapping[str, str]) -> None:
    """Print the methods that have no team, and why."""
    for method, reason in not_run.items():
        people.warn(f"not run, {method}: {reason}")


def stability_tables(teams: Sequence[Team], names: Mapping[str, str]) -> list[Table]:
    """How often each member was chosen again on resampled rows, and the optimism of the score, by team."""
    tables = []
    for team in teams:
        if team.optimism is None:
            continue
        title = f"{team.method}: optimism {team.optimism:.4f} over {team.resamples} resamples"
        tables.append(Table(title, {"member": "left", "in the team": "left", "chosen again, %": "right"}))
        for member, share in sorted(team.frequency.items(), key=lambda item: -item[1]):
            tables[-1].add_row(names[member], "yes" if member in team.team else "", percent(share))
    return tables
