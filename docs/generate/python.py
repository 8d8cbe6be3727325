"""The page of the public names of Python, which mkdocstrings fills in."""

from __future__ import annotations

import lrensemble


def python_page() -> str:
    """One directive for each public name."""
    lines = ["# Python\n\nThe public names of `lrensemble`.\n"]
    for name in lrensemble.__all__:
        owner = getattr(lrensemble, name)
        home = f"lrensemble.{lrensemble._HOME[name]}.{name}"
        path = f"{owner.__module__}.{owner.__qualname__}" if hasattr(owner, "__qualname__") else home
        lines.append(f"::: {path}\n")
    return "\n".join(lines)
