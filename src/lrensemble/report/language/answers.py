"""Answers that change between the best single member and the team: the question, and who said what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.predictors import Floats
from lrensemble.evaluate.verdict import short
from lrensemble.numerics import likeliest
from lrensemble.report.language.data import Asked, asked
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Card, Section, Table

SHOWN = 3
"""Questions shown of each kind."""
LONGEST = 900
"""Characters of a question that are shown, its last ones."""
CHOICE = 40
"""Characters of a choice in the name of a line."""
NAMES = 6
"""Members named beside an answer."""


@dataclass(frozen=True)
class Changed:
    """One question whose answer changes."""

    split: str
    row: int
    gained: float
    """Probability of the right answer by the team less that by the best single member."""
    kind: str


@dataclass(frozen=True, eq=False)
class Said:
    """What is said of the questions of one split."""

    single: Floats
    """[question, choice] probabilities, as all but the last."""
    team: Floats
    base: Floats | None
    members: NDArray[np.int64]
    """Answers [member, question]."""


KINDS = ("corrected", "broken", "wrong in both, another answer")


def answers(report: ReportData) -> Section | None:
    """Section with questions that the team answers otherwise than the best single member, with all members' answers."""
    found = asked(report)
    if found is None or isinstance(found, str) or found.team is None:
        return None
    changed = [each for split in found.pool.task.test_sets for each in _changed(found, split)]
    rows = sum(found.pool.task.splits[split].size for split in found.pool.task.test_sets)
    counts = {kind: sum(each.kind == kind for each in changed) for kind in KINDS}
    shown = [
        each
        for kind in KINDS
        for each in sorted((own for own in changed if own.kind == kind), key=lambda own: -abs(own.gained))[:SHOWN]
    ]
    return Section(
        "Answers that change",
        [
            f"Of {rows:,} test questions the team answers {len(changed):,} otherwise than the best single member: "
            f"{counts['corrected']:,} are corrected, {counts['broken']:,} are broken, and "
            f"{counts[KINDS[2]]:,} are wrong in both.",
            *(["Of each kind, those are shown whose right answer's probability changes most."] if shown else []),
            *([] if found.questions or not shown else ["The texts of the questions were not kept with this pool."]),
        ],
        cards=_cards(found, shown),
    )


def _changed(found: Asked, split: str) -> list[Changed]:
    assert found.team is not None
    truth = np.asarray(found.pool.truth(split), dtype=np.int64)
    single, team = found.said(split, found.single), found.said(split, found.team)
    before, after = likeliest(single), likeliest(team)
    rows = np.arange(len(truth))
    gained = team[rows, truth] - single[rows, truth]
    kinds = np.where(after == truth, 0, np.where(before == truth, 1, 2))
    return [
        Changed(split, int(row), float(gained[row]), KINDS[int(kinds[row])]) for row in np.flatnonzero(before != after)
    ]


def _cards(found: Asked, shown: list[Changed]) -> list[Card]:
    """A card for each question; what the members say on a split is read once."""
    cards, said = list[Card](), dict[str, Said]()
    for each in shown:
        if each.split not in said:
            assert found.team is not None
            single, team = (found.said(each.split, who) for who in (found.single, found.team))
            said[each.split] = Said(single, team, found.said_by_base(each.split), found.answers(each.split))
        cards.append(_card(found, each, said[each.split]))
    return cards


def _card(found: Asked, each: Changed, said: Said) -> Card:
    texts = found.questions.get(each.split)
    counts, ids = found.pool.choices(each.split), found.pool.ids(each.split)
    names = found.pool.task.target.names
    right = int(found.pool.truth(each.split)[each.row])
    width = len(names) if counts is None else int(counts[each.row])
    choices = names[:width] if texts is None else texts[each.row].choices
    rows = [
        [
            f"{choice} ✓" if place == right else choice,
            *([] if said.base is None else [f"{100 * said.base[each.row, place]:.1f}"]),
            f"{100 * said.single[each.row, place]:.1f}",
            f"{100 * said.team[each.row, place]:.1f}",
            str(int((said.members[:, each.row] == place).sum())),
        ]
        for place, choice in enumerate(choices)
    ]
    where = f"row {each.row:,}" if ids is None else ids[each.row].removeprefix(f"{short(each.split)}/")
    who = [(place, said.members[:, each.row] == place) for place in range(len(choices))]
    headings = ["choice", *([] if said.base is None else ["base %"]), "single %", "team %", "members"]
    return Card(
        f"{short(each.split)}, {where}: {each.kind}",
        [("question", "" if texts is None else _end(texts[each.row].question))],
        Table(headings, rows, plain=True),
        [(f"who said {_short(choices[place])}", _named(found, those)) for place, those in who if those.any()],
    )


def _short(choice: str) -> str:
    return choice if len(choice) <= CHOICE else f"{choice[:CHOICE]}…"


def _named(found: Asked, those: NDArray[np.bool_]) -> str:
    """Names of members, the first ones of many; those of the team first."""
    team = set() if found.team is None else set(found.team.members)
    named = [member for member, said in zip(found.pool.members(), those, strict=True) if said]
    ordered = sorted(named, key=lambda member: member.id not in team)
    names = ", ".join(f"{member.name} (team)" if member.id in team else member.name for member in ordered[:NAMES])
    return names if len(ordered) <= NAMES else f"{names} and {len(ordered) - NAMES} more"


def _end(question: str) -> str:
    return question if len(question) <= LONGEST else f"… {question[-LONGEST:]}"
