"""`lrensemble export`: a pool's team, or a cheaper variant of it, becomes one deployable ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NotRequired

import typer
from typing_extensions import Doc, TypedDict

from lrensemble.cli.console import (
    Json,
    Plugins,
    TrustCode,
    import_given,
    open_pool,
    people,
    percent,
    print_json,
    progress_of,
    registered,
    writable,
)
from lrensemble.cli.variants import compared_form, print_compared, refuse_others
from lrensemble.errors import ConfigError

if TYPE_CHECKING:
    from lrensemble.evaluate import Team
    from lrensemble.export import Made
    from lrensemble.pool import Pool
    from lrensemble.spec import Spec


_As = TypedDict("_As", {"as": Annotated[str, Doc("The variant, by the first name of this key.")]})


class Exported(_As):
    """The ensemble that was written."""

    path: str
    """File or folder of the ensemble."""
    format: str
    """Export format, as it was given."""
    variant: str
    """Variant of the team, as it was given."""
    ensemble: dict[str, Any]
    """Description of the ensemble: target, inputs, members, weights, consensus."""
    val: NotRequired[dict[str, float]]
    """Figures of a cheaper variant on `val`: accuracy, the team's accuracy, agreement with the team, cost."""
    test: NotRequired[dict[str, float]]
    """Figures of a cascade on `test`."""
    reaches_team: NotRequired[bool]
    """Whether a cascade has the team's accuracy on `test`, within 0.1 points, at half of its cost or less."""
    ingredients: NotRequired[list[str]]
    """Ids of the members whose weights a soup averages."""
    barriers: NotRequired[dict[str, float]]
    """Barriers of a soup: accuracy on `val` lost at the midpoint between the best member and each other one, by id."""
    combination: NotRequired[str]
    """How adapters were made one: `cat`, exact, or `svd`."""
    rank: NotRequired[int]
    """Rank of that adapter."""
    val_nll: NotRequired[dict[str, float]]
    """NLL in nats a token on `val` of one language model in place of a team, of the team, and of the best member."""
    loss: NotRequired[float]
    """Distance of its update from the mean of the members', over the length of that mean; 0 for `cat`."""


EXAMPLES = (
    "lrensemble export pool --format onnx --out ensemble.onnx",
    "lrensemble export pool --format team --out team.json",
    "lrensemble export pool --compare --figure variants.svg",
)


def output() -> Any:
    """Path and description of the ensemble, and the figures of its variant; with `--compare` the table of variants."""
    from lrensemble.evaluate.variants.record import VariantComparison

    return Exported | VariantComparison


def export(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool, with teams chosen by `lrensemble select`.")],
    format: Annotated[  # noqa: A002
        str,
        typer.Option(
            help="Export format: a folder, `bundle`, or a file: `lrensemble ls formats`.",
            autocompletion=registered("formats"),
        ),
    ] = "bundle",
    method: Annotated[
        str | None, typer.Option("--method", "-m", help="Method that chose the team; the judged team unless given.")
    ] = None,
    variant: Annotated[
        str,
        typer.Option(
            "--variant",
            "--as",
            help="Variant of the team: the whole `team`, or a cheaper one: `lrensemble ls variants`.",
            autocompletion=registered("variants"),
        ),
    ] = "team",
    accuracy: Annotated[float | None, typer.Option(help="Minimum validation accuracy of a cascade (fraction).")] = None,
    cost: Annotated[
        float | None, typer.Option(help="Maximum cost of a cascade, as a fraction of the team's operations.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the data set's files, for one network or model.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="Language models: folder of the base, where it lies elsewhere now.")
    ] = None,
    consensus: Annotated[
        str | None,
        typer.Option(
            help="Language models: how they speak as one, where not as they were scored: token_probabilities, "
            "sequence_likelihoods, token_logits, answer_probabilities."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File or folder of the ensemble; beside the pool unless given.")
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Write no ensemble, but measure variants on test beside the team and the best single model, with "
            "what they cost; --format is table, csv, markdown, latex or json, --variant names some, with commas.",
        ),
    ] = False,
    figure: Annotated[
        Path | None,
        typer.Option(help="With --compare: file of the figure, .html, .svg, .png or .pdf.", callback=writable),
    ] = None,
    json: Json = False,
) -> None:
    """Make one deployable ensemble of a pool's team, or compare what can be made of it."""
    from lrensemble.export import FORMATS, chosen_team, place_of, write_ensemble

    import_given(plugin)
    if compare:
        form = compared_form(format, json)
        refuse_others({"accuracy": accuracy, "cost": cost, "base": base, "consensus": consensus, "out": out})
        print_compared(pool, variant, form, method=method, data=data, figure=figure, trust_code=trust_code)
        return
    if figure is not None:
        raise ConfigError("--figure goes with --compare; add it")
    # Before the pool is opened, which closes the gate for what it names.
    made_as, written_as = _with_options(variant, accuracy=accuracy, cost=cost), FORMATS.check(format)
    opened = open_pool(pool, None, trust_code)
    team = chosen_team(opened, method)
    is_small = written_as.name == "team" and made_as.name == "team" and opened.task.base is None
    if is_small and base is None and consensus is None:
        _write_team(opened, team, format, out, json=json)
        return
    place = out or place_of(opened, written_as, made_as)
    with progress_of(f"exporting {team.method}"):
        made = write_ensemble(opened, team, written_as, made_as, place, data=data, base=base, consensus=consensus)
    if json:
        described = made.ensemble.description.model_dump(mode="json")
        print_json(
            {
                "path": str(place),
                "format": format,
                "variant": variant,
                "as": variant,
                "ensemble": described,
                **made.figures,
            }
        )
        return
    if len(made.members) == 1:
        alone = " (no team beats it)" if method is None and made_as.name == "team" else ""
        shipped = f"{made.members[0]}, a single model{alone}"
    else:
        shipped = f"{team.method}, a team of {len(made.members)}"
    people.print(f"{_from_here(place)}: {shipped}, as {format}", soft_wrap=True)
    for line in (*_lines(made.figures), *_lines_of_language(made, written_as.name)):
        people.print(line, soft_wrap=True)


def _write_team(pool: Pool, team: Team, format: str, out: Path | None, *, json: bool) -> None:  # noqa: A002
    """Write a team by the names of its members, which need no networks."""
    from lrensemble.export.formats import check_place
    from lrensemble.export.team_file import team_file, write_team

    place = out or pool.folder.resolve().parent / "team.json"
    check_place(place)
    made = team_file(pool, team)
    write_team(made, place)
    if json:
        described = made.model_dump(mode="json")
        print_json({"path": str(place), "format": format, "variant": "team", "as": "team", "ensemble": described})
        return
    shown = f"{_from_here(place)}: {team.method}, a team of {len(made.members)}"
    people.print(f"{shown}; apply it with lrensemble combine", soft_wrap=True)


def _from_here(path: Path) -> Path:
    """The path as it would be given in the current folder, where it lies below that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _with_options(variant: str, **options: float | None) -> Spec:
    """Spec of a variant, with options of the command line as its arguments.

    Raises:
        UnknownNameError: there is no such variant.
        SpecError: an argument that it does not take.
        ConfigError: an option that it does not take.
    """
    from lrensemble.export import VARIANTS
    from lrensemble.spec import Spec

    spec, given = VARIANTS.check(variant), {name: value for name, value in options.items() if value is not None}
    if not given.keys() <= VARIANTS.arguments(spec.name).keys():
        raise ConfigError("--accuracy and --cost are options of a cascade; add --variant cascade")
    return Spec(spec.name, {**spec.arguments, **given})


def _lines(figures: dict[str, object]) -> list[str]:
    lines = []
    for split in ("val", "test"):
        if isinstance(found := figures.get(split), dict):
            price = f" at {percent(found['cost'])} % of its cost" if "cost" in found else ""
            team = percent(found["team_accuracy"])
            agrees = f"; they agree on {percent(found['agreement'])} % of the rows" if "agreement" in found else ""
            lines.append(f"{split}: accuracy {percent(found['accuracy'])}{price}, the whole team {team}{agrees}")
    if "reaches_team" in figures:
        reaches = "reaches" if figures["reaches_team"] else "does not reach"
        lines.append(f"on test it {reaches} the team's accuracy within 0.1 points at half of its cost or less")
    return lines


def _lines_of_language(made: Made, format: str) -> list[str]:  # noqa: A002
    """How language models speak as one, or what is lost where they were made one."""
    consensus = getattr(made.ensemble.description, "consensus", None)
    if not isinstance(consensus, str):
        return []
    anew = "it is not the team: give --data FOLDER to score it on val"
    if isinstance(nll := made.figures.get("val_nll"), dict):
        anew = (
            f"val NLL {nll['nll']:.4f} a token, the whole team {nll['team_nll']:.4f}, the best member "
            f"{nll['best_single_nll']:.4f}"
        )
    if "combination" not in made.figures:
        return [
            f"one model of the mean of their weights; {anew}" if format == "merged" else f"they speak by {consensus}"
        ]
    loss = float(str(made.figures["loss"]))
    kept = f"{percent(loss)} % of the mean of their updates is lost" if loss else "the mean of their updates, exactly"
    return [f"one adapter of rank {made.figures['rank']} by {made.figures['combination']}: {kept}; {anew}"]
