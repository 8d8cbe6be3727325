"""`lrensemble reproduce`: a member is trained again, and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.console import (
    Form,
    Format,
    Json,
    Plugins,
    Table,
    TrustCode,
    answers,
    form_of,
    open_pool,
    print_json,
    print_tables,
    progress_of,
)
from lrensemble.cli.tune import Data
from lrensemble.text.counted import counted

if TYPE_CHECKING:
    from lrensemble.train import Reproduction

WORDS = {
    "bits": "the bits agree",
    "labels": "the labels agree, not the bits",
    "scores": "the scores agree, not the labels",
    "status": "the ending agrees, not the course",
    "nothing": "nothing agrees",
}
"""What agrees, for people."""

PROMISES = {
    "bits": "all that decides the bits is as it was, so they have to agree",
    "scores": "the scores have to agree",
    "status": "the ending has to agree",
}
"""What has to agree, for people."""


EXAMPLES = ("lrensemble reproduce pool 5f0c",)


def output() -> Any:
    """What agrees, what has to, and by how much predictions and scores differ."""
    from lrensemble.train import Reproduction

    return Reproduction


def reproduce(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool; it is not changed.")],
    member: Annotated[
        str, typer.Argument(help="Id, as `lrensemble ls POOL` shows it, the beginning of one, or a name.")
    ],
    data: Data = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps; the kind that it was trained on unless given.")
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Train a member again, and say whether the bits, the labels or only the scores agree."""
    from lrensemble.train import reproduce as again

    opened = open_pool(pool, plugin, trust_code)
    with progress_of("training again"):
        found = again(opened, member, data=data, device=device)
    form = form_of(format, json)
    if form == "json":
        print_json(found.model_dump(mode="json"))
    else:
        print_reproduction(found, form)
    raise typer.Exit(0 if found.kept else 1)


def print_reproduction(found: Reproduction, form: Form) -> None:
    """Print what agrees, by how much the rest differs, and what was promised; tables alone in forms for programs."""
    tables = [made for made in (_rows(found), _scores(found)) if made.rows]
    if form != "table":
        print_tables(tables, form)
        return
    made = found.made_with
    threads = "" if made is None or made.threads is None else f"{counted(made.threads, 'thread')} of "
    way = "" if made is None else f" {made.way.partition(' (')[0]} on {threads}{made.device}"
    answers.print(f"{found.name} ({found.member}, {found.status}), trained again{way}", soft_wrap=True)
    if found.alone:
        answers.print(f"alone, because {found.alone}", soft_wrap=True)
    print_tables(tables, form)
    for name, (then, now) in found.differences.items():
        answers.print(f"{name}: {then} then, {now} now", soft_wrap=True)
    end = "" if found.kept else ": they do not" if found.promised in ("bits", "scores") else ": it does not"
    answers.print(f"{WORDS[found.agreement]}; {PROMISES[found.promised]}{end}", soft_wrap=True)


def _rows(found: Reproduction) -> Table:
    shown = Table("", {"split": "left", "rows": "right", "labels differ": "right", "largest difference": "right"})
    for split, rows in found.rows.items():
        labels = "–" if rows.labels_differ is None else f"{rows.labels_differ:,}"
        shown.add_row(split, f"{rows.rows:,}", labels, f"{rows.largest_difference:.3g}")
    return shown


def _scores(found: Reproduction) -> Table:
    shown = Table("", {"val": "left", "member": "right", "again": "right", "99 % interval of the gain": "right"})
    for metric, score in found.scores.items():
        interval = f"{score.low:+.4f} … {score.high:+.4f}" if score.member != score.again else "–"
        shown.add_row(metric, f"{score.member:.4f}", f"{score.again:.4f}", interval)
    return shown
