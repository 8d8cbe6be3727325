"""Numbers of things, as they are said."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """`1 member`, `2 members`, `1,000 members`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
