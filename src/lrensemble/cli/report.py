"""`lrensemble report`: one page that shows where the gain comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, TrustCode, open_pool, people, print_json
from lrensemble.cli.evaluate import print_result

if TYPE_CHECKING:
    from lrensemble.evaluate import Result
    from lrensemble.pool import Pool
    from lrensemble.report.section import Section


class Reported(TypedDict):
    """Files that were written."""

    report: str
    """File of the page."""
    figures: list[str]
    """Files of the figures, with `--figures`."""


EXAMPLES = (
    "lrensemble report pool",
    "lrensemble report pool --out page.html --figures figures --format pdf",
    "lrensemble report pool --data FOLDER --samples 4",
)


def output() -> Any:
    """Files that were written."""
    return Reported


def report(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool, with teams chosen by `lrensemble select`.")],
    out: Annotated[Path | None, typer.Option(help="File of the page; POOL/report.html unless given.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Folder of the data set's files, for pictures.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Folder for files of the figures.")] = None,
    format: Annotated[str, typer.Option(help="Format of those files: svg, png or pdf.")] = "svg",  # noqa: A002
    samples: Annotated[
        int | None,
        typer.Option(
            min=1, max=100, help="Prompts after which language models write a text for the page; needs --data."
        ),
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Write one self-contained page of tables and figures."""
    from lrensemble.evaluate import evaluate, load, stored_result
    from lrensemble.report import check_format, write_figures

    check_format(format)
    opened = open_pool(pool, plugin, trust_code)
    path = out or pool / "report.html"
    with people.status("evaluating"):
        teams = load(opened)
        result = stored_result(opened, teams) or evaluate(opened, teams)
    if samples is not None:
        from lrensemble.front.samples import sample_texts

        with people.status("writing samples of text"):
            sample_texts(opened, result, path, samples, data=data)
    sections = write_page(opened, result, path, data)
    files = list[Path]()
    if figures is not None:
        with people.status("drawing the figures"):
            files = write_figures(sections, figures, format)
        people.print(f"{len(files)} figures in {figures}", soft_wrap=True)
    if json:
        print_json(Reported(report=str(path), figures=list(map(str, files))))
    else:
        print_result(result, opened, "table")


def write_page(pool: Pool, result: Result, path: Path, data: Path | None) -> list[Section]:
    """Write the page, print its path, and return its sections."""
    from lrensemble.evaluate import untrusted
    from lrensemble.report import write_report

    with people.status("writing the report"):
        sections = write_report(pool, result, path, data)
    people.print(f"{path} shows where it comes from", soft_wrap=True)
    for line in filter(None, (untrusted(pool, "policy", "The rate"), untrusted(pool, "model", "The latency"))):
        people.print(line, soft_wrap=True)
    return sections
