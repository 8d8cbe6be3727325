"""Every verb in all surroundings, as a table: `python -m tests.surroundings [PLACE …]`; some need root."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.surroundings.places import PLACES
from tests.surroundings.verbs import VERBS, attempt, prepare


def main() -> int:
    """How many outcomes are wrong."""
    places = [place for place in PLACES if not sys.argv[1:] or place.name in sys.argv[1:]]
    table, wrong = Table("verb", *(place.name for place in places)), []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        prepare(folder / "prepared")
        able = {place.name: place.can_be_tried() for place in places}
        for verb in VERBS:
            cells = []
            for count, place in enumerate(places):
                if not able[place.name]:
                    cells.append("not tried")
                    continue
                outcome = attempt(verb, place, folder / "prepared", folder / f"{verb} {count}")
                cells.append(outcome.word)
                wrong += [] if outcome.good else [outcome]
            table.add_row(verb, *cells)
    console = Console(width=200, highlight=False)
    console.print(table)
    for outcome in wrong:
        console.print(
            f"{outcome.verb}, {outcome.place}: {outcome.word} (exit {outcome.status}): {outcome.last}", markup=False
        )
    return len(wrong)


if __name__ == "__main__":
    sys.exit(min(1, main()))
