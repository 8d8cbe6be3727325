"""How things look on the page: colours that stand out on light and dark paper alike, with a symbol and a dash each.

Every colour has a contrast of 3 : 1 or more against both papers (WCAG 2.2, success criterion 1.4.11), and nothing is
told by colour alone: what has a colour has a symbol, a dash or a name as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

PAPERS = ("#ffffff", "#14171c")
"""Background of the page, light and dark."""

COLOURS = ("#5c6bc0", "#e06000", "#14917f", "#d81b60", "#5a9216", "#a1765f", "#0891a8", "#a87c00", "#8e63ce", "#d84315")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down", "pentagon", "hexagram")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

GOOD, BAD, GUIDE = "#14917f", "#d84315", "#78909c"
"""Colours of gains, of losses, and of lines that guide the eye."""

NEUTRAL = "#b4bcc6"
"""Middle of a colour scale from losses to gains: opaque, so that what is written on it is read on both papers."""

SCALE = ((0.0, "#5c6bc0"), (0.5, "#d81b60"), (1.0, "#e06000"))
"""Colour scale of points and lines, which has the contrast of `COLOURS` at its ends and between."""

SINGLE, TEAM = COLOURS[0], COLOURS[1]
"""Colours of the best single model and of the team."""


@dataclass(frozen=True)
class Look:
    """Colour, symbol and dash of one thing among several."""

    colour: str
    symbol: str
    dash: str


def colour_at(place: float) -> str:
    """Colour of `SCALE` at a place from 0 to 1."""
    for (low, first), (high, last) in pairwise(SCALE):
        if place <= high:
            share = max(0.0, (place - low) / (high - low))
            parts = zip(bytes.fromhex(first[1:]), bytes.fromhex(last[1:]), strict=True)
            return "#" + "".join(f"{round(one + share * (other - one)):02x}" for one, other in parts)
    return SCALE[-1][1]


def look_at(place: int) -> Look:
    """Look of the thing at a place; they repeat together only after thirty."""
    return Look(COLOURS[place % len(COLOURS)], SYMBOLS[place % len(SYMBOLS)], DASHES[place % len(DASHES)])


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """Look of each name, in the order of their first appearance."""
    return {name: look_at(place) for place, name in enumerate(dict.fromkeys(names))}
