"""Texts that the base, the best single member and the team write after held-out prompts: a file beside the page.

```
PAGE.samples.json       sealed: who wrote, how, and what; made by `lrensemble report --samples N`
```

The page shows what the file holds, as long as it is of the team that the page is of.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lrensemble.config import Record
from lrensemble.errors import LREnsembleError
from lrensemble.files import seal, write_whole
from lrensemble.pool.sealed import unseal
from lrensemble.report.language.data import is_of_tokens
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Card, Section
from lrensemble.text import visible

BASE, SINGLE, TEAM = "base alone", "best single", "team"
"""Who writes."""
LONGEST = 1500
"""Characters of a prompt that are shown, its last ones."""


class Sample(Record):
    """What was written after one prompt."""

    prompt: str
    answer: str
    """What the data set has there."""
    texts: dict[str, str]
    """By who wrote."""


class Samples(Record):
    """Texts after some held-out prompts, and who wrote them."""

    base: str
    """SHA-256 of the base's weights."""
    single: str
    """Id of the best single member."""
    team: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Ids of the members of the team; none where no team was judged."""
    weights: Annotated[tuple[float, ...], Field(strict=False)] = ()
    consensus: str = ""
    """How the team wrote as one, by name."""
    max_tokens: int
    base_loss: float
    """Nats a token of the base alone on `val`."""
    tokens_per_second: dict[str, float]
    """By who wrote, all prompts at once."""
    samples: Annotated[tuple[Sample, ...], Field(strict=False)]


def samples_path(page: Path) -> Path:
    """File of the samples that belong to a page."""
    return page.with_suffix(".samples.json")


def write_samples(samples: Samples, page: Path) -> Path:
    """Write samples beside the page that is to show them, and return their file.

    Raises:
        StorageError: it cannot be written.
    """
    path = samples_path(page)
    write_whole(path, seal(samples.model_dump(mode="json")))
    return path


def stored_samples(report: ReportData) -> Samples | str | None:
    """Samples beside the page; a sentence where they cannot be used, and None where there are none."""
    if (
        report.page is None
        or report.judged is None
        or not is_of_tokens(report)
        or not samples_path(report.page).is_file()
    ):
        return None
    path = samples_path(report.page)
    try:
        found = unseal(Samples, path)
    except LREnsembleError as error:
        return f"The samples of generated text cannot be shown: {error}"
    base, team = report.pool.task.base, report.chosen
    assert base is not None
    members, weights = ((), ()) if team is None else (team.team, team.weights)
    wanted = (base.weights_sha256, report.best.id, members, weights)
    if (found.base, found.single, found.team, found.weights) != wanted:
        return (
            f"The samples in {path.name} were written by another team than the one that is judged here; lrensemble "
            "report POOL --samples N writes them anew."
        )
    return found


def samples(report: ReportData) -> Section | None:
    """Section with generated texts, one under the other."""
    found = stored_samples(report)
    if found is None:
        return None
    if isinstance(found, str):
        return Section("Samples of generated text", [found])
    how = f" The team writes as {found.consensus}." if found.consensus else " No team was judged."
    return Section(
        "Samples of generated text",
        [
            "Prompts of test rows, which nothing was learned from or chosen on; each text is the likeliest token after "
            f"token, {found.max_tokens} at most.{how} A few texts are no measurement: the tables above are.",
        ],
        cards=[_card(place, each) for place, each in enumerate(found.samples, start=1)],
    )


def shown(text: str) -> str:
    """A text as it is shown: what cannot be seen is written out, and many empty lines are counted."""
    kept = visible(text.strip("\n"), keep="\n\t")
    return (
        re.sub(r"\n{3,}", lambda found: f" ⏎ × {len(found[0])} ", kept) or f"({len(text)} line ends and nothing else)"
    )


def _card(place: int, sample: Sample) -> Card:
    prompt = sample.prompt if len(sample.prompt) <= LONGEST else f"… {sample.prompt[-LONGEST:]}"
    written = [
        (who, shown(sample.texts[who]) if sample.texts[who] else "(nothing)")
        for who in (BASE, SINGLE, TEAM)
        if who in sample.texts
    ]
    return Card(
        f"Prompt {place}", [("prompt", shown(prompt)), ("answer of the data set", shown(sample.answer)), *written]
    )
