"""`lrensemble report`: one page that shows where the gain comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, TrustCode, open_pool, people, print_json, writable
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
    "lrensemble report pool --out page.html --figures figures --format pdf",
    "lrensemble report pool --data FOLDER --samples 4",
    "lrensemble report runs/a runs/b study --out comparison.html",
)


def output() -> Any:
    """Files that were written."""
    return Reported


def report(
    pool: Annotated[
        list[Path],
        typer.Argument(
            help="Folder of a pool, with teams chosen by `lrensemble select`; several pools or studies are compared."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="File of the page; POOL/report.html unless given, comparison.html of several.", callback=writable
        ),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Folder of the data set's files, for pictures.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Folder for files of the figures.", callback=writable)] = None,
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
    from lrensemble.evaluate.study import is_study
    from lrensemble.front.compared import PAGE, check_of_one
    from lrensemble.report import check_format, write_figures
    from lrensemble.report.study_file import keep_beside

    check_format(format)
    result, several = None, len(pool) > 1 or is_study(pool[0])
    if several:
        check_of_one(samples)
        path = out or Path(PAGE)
        sections = _compared(pool, path, data, plugin, trust_code)
    else:
        opened = open_pool(pool[0], plugin, trust_code)
        path = out or pool[0] / "report.html"
        with people.status("evaluating"):
            teams = load(opened)
            result = stored_result(opened, teams) or evaluate(opened, teams)
        if samples is not None:
            _write_samples(opened, result, path, samples, data)
        sections = write_page(opened, result, path, data)
        if out is None:
            print_study(keep_beside(opened, path))
    files = list[Path]()
    if figures is not None:
        with people.status("drawing the figures"):
            files = write_figures(sections, figures, format)
        people.print(f"{len(files)} figures in {figures}", soft_wrap=True)
    if json:
        print_json(Reported(report=str(path), figures=list(map(str, files))))
    elif result is not None:
        print_result(result, opened, "table")


def _compared(
    folders: list[Path], path: Path, data: Path | None, plugin: list[str] | None, trust_code: bool
) -> list[Section]:
    """Write the page of several pools or studies, print its path, and return its sections.

    Raises:
        ReportError: a folder of data, which says which of the pools it is of.
    """
    from lrensemble.cli.console import import_given
    from lrensemble.errors import ReportError
    from lrensemble.front.compared import NO_PICTURES, write_compared
    from lrensemble.registry import close_gate

    if data is not None:
        raise ReportError(NO_PICTURES)
    import_given(plugin)
    if not trust_code:
        close_gate(", ".join(map(str, folders)))
    with people.status("comparing"):
        sections = write_compared(folders, path, trust_code=trust_code)
    people.print(f"{path} compares them", soft_wrap=True)
    return sections


def _write_samples(pool: Pool, result: Result, page: Path, count: int, data: Path | None) -> None:
    from lrensemble.front.samples import sample_texts

    with people.status("writing samples of text"):
        sample_texts(pool, result, page, count, data=data)


def write_page(pool: Pool, result: Result, path: Path, data: Path | None) -> list[Section]:
    """Write the page, print its path, and return its sections."""
    from lrensemble.report import write_report

    with people.status("writing the report"):
        sections = write_report(pool, result, path, data)
    print_page(pool, path)
    return sections


def print_page(pool: Pool, path: Path) -> None:
    """Print where a page is, and what it could not draw of a pool that is not trusted."""
    from lrensemble.evaluate import untrusted

    people.print(f"{path} shows where the gain comes from, and further tables", soft_wrap=True)
    for line in filter(None, (untrusted(pool, "policy", "The rate"), untrusted(pool, "model", "The latency"))):
        people.print(line, soft_wrap=True)


def print_study(path: Path | None) -> None:
    """Print what a study beside a page is for, where there is one."""
    if path is not None:
        people.print(f"{path} holds the runs as a study of Optuna's: optuna-dashboard {path}", soft_wrap=True)
