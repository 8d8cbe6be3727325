"""A time as people say it."""

from __future__ import annotations

import math


def time_in_words(seconds: float) -> str:
    """A time as people say it: `40 s`, `3 min 20 s`, `2 h 5 min`; a dash where it is not known."""
    if not math.isfinite(seconds):
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
