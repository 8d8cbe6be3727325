"""Names of classes that tell one class from another."""

from __future__ import annotations

from collections.abc import Sequence

MISSING = ("", "nan", "NaN", "<NA>")
"""What tables make of a name that is missing."""


def fault_of(classes: Sequence[str]) -> str:
    """What is wrong with the names, for a message: one stands twice, is missing or no text; empty where nothing is."""
    first: dict[str, int] = {}
    for place, name in enumerate(classes):
        if name in MISSING:
            return f"class {place} is called {name!r}, as if its name were missing; give it one"
        if name != name.encode(errors="replace").decode():
            return f"class {place} is called {name!r}, which is no text; give it another name"
        if first.setdefault(name, place) != place:
            return f"classes {first[name]} and {place} are both called {name!r}; give each a name of its own"
    return ""
