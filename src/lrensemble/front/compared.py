"""Several pools and studies on one page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from lrensemble.errors import ReportError
from lrensemble.evaluate import Result, load, stored_result
from lrensemble.evaluate import evaluate as measured
from lrensemble.evaluate.study import Comparison, is_study, read_comparison
from lrensemble.front.paths import PathLike
from lrensemble.front.teams import opened
from lrensemble.pool import Pool
from lrensemble.report.compared import write_comparison
from lrensemble.report.section import Section

NO_PICTURES = "data are for pictures of one pool's rows; leave them out where several are compared"

PAGE = "comparison.html"
"""File of the page, in the folder where one is."""


def compares(given: object) -> bool:
    """Whether several pools are given, or a study."""
    if isinstance(given, Pool):
        return False
    if isinstance(given, Sequence) and not isinstance(given, str):
        return True
    return is_study(Path(given))  # type: ignore[arg-type]


def check_of_one(samples: int | None) -> None:
    """Refuse samples where several pools are compared.

    Raises:
        ReportError: some are asked for.
    """
    if samples is not None:
        raise ReportError("samples of text are of one pool; leave samples out where several are compared")


def write_compared(given: Sequence[Pool | PathLike], path: Path, *, trust_code: bool = False) -> list[Section]:
    """Write the page that compares pools and studies, and return its sections.

    A pool whose teams are not evaluated yet is evaluated, which is a look at its test rows; one without teams is shown
    as it is.

    Args:
        given: pools, their folders, or folders of studies.
        path: path of the page.
        trust_code: whether code that the pools name may be imported.

    Raises:
        ReportError: nothing is given.
        PoolError: a folder holds neither a pool nor a study, or one that is damaged.
        MissingExtraError: plotly is not installed.
        StorageError: the page cannot be written.
    """
    if not given:
        raise ReportError("there is nothing to compare: give folders of pools or of studies")
    pools, studies = dict[str, tuple[Pool, Result | None]](), dict[str, Comparison]()
    for one in given:
        if compares(one):
            folder = Path(one)  # type: ignore[arg-type]  # a pool is no study
            studies[_name(folder, studies)] = read_comparison(folder)
            continue
        pool = opened(one, trust_code)
        teams = load(pool)
        result = (stored_result(pool, teams) or measured(pool, teams)) if teams else None
        pools[_name(pool.folder, pools)] = pool, result
    return write_comparison(pools, studies, path)


def _name(folder: Path, taken: Iterable[str]) -> str:
    """Name of a folder, or of the one around a `pool`, unlike those that are taken."""
    whole = folder.resolve()
    name = whole.parent.name if whole.name == "pool" and whole.parent.name else whole.name
    wanted, place = name, 2
    while wanted in taken:
        wanted, place = f"{name} ({place})", place + 1
    return wanted
