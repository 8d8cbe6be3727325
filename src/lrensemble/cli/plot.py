"""`lrensemble plot`: one figure of a pool, or the rates of an experiment before any training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, TrustCode, open_pool, people, print_json, registered, writable
from lrensemble.errors import ConfigError

POLICIES = "policies"
"""The figure of an experiment; all others are of a pool."""


class Plotted(TypedDict):
    """A figure that was written."""

    file: str


EXAMPLES = (
    "lrensemble plot policies digits --out rates.svg",
    "lrensemble plot curves pool --out curves.pdf",
)


def output() -> Any:
    """File of the figure."""
    return Plotted


def plot(
    figure: Annotated[
        str,
        typer.Argument(
            help="policies, of an experiment; or of a pool: `lrensemble ls plots`.", autocompletion=registered("plots")
        ),
    ],
    what: Annotated[str, typer.Argument(help="An experiment, or the folder of a pool.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="File of the figure, .html, .svg, .png or .pdf; FIGURE.html unless given.", callback=writable
        ),
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Draw one figure: the rates of an experiment's policies before any training, or one of a pool."""
    from lrensemble.config import load_experiment
    from lrensemble.front.figures import policies_figure
    from lrensemble.report import PLOTS, check_figure, write_figure

    path = out or Path(f"{figure}.html")
    check_figure(path)
    if figure == POLICIES:
        drawn = policies_figure(load_experiment(what, None, plugin or ()))
    elif "Pool" not in PLOTS.facts(figure).of:
        raise ConfigError(f"the figure {figure} is not of a pool; choose from {POLICIES}, {', '.join(_of_pools())}")
    else:
        drawn = PLOTS.call(figure, open_pool(Path(what), plugin, trust_code))
    write_figure(drawn, path)
    if json:
        print_json(Plotted(file=str(path)))
    else:
        people.print(f"{path} shows {figure}", soft_wrap=True)


def _of_pools() -> list[str]:
    from lrensemble.report import PLOTS

    return [name for name in PLOTS if "Pool" in PLOTS.facts(name).of]
