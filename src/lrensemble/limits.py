"""Numbers of arguments with an end: what no computer finishes is a slip of the finger, and refused at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(gt=0, le=1_000_000)]
"""What is done or held one after another: steps, epochs, members of a team."""
Repeats = Annotated[int, Field(gt=0, le=10_000)]
"""What repeats a whole search, or lies in memory side by side: resamples, chains, teams of a beam."""
Runs = Annotated[int, Field(gt=0, le=100_000)]
"""Runs of a sweep, or draws."""
Peaks = Annotated[int, Field(gt=0, le=100)]
"""Rates that are proposed, each half the next: no computer trains with one below the last."""
Teams = Annotated[int, Field(gt=0, le=2**40)]
"""Teams that are scored, at a billion a second in a quarter of an hour."""
Table = Annotated[int, Field(gt=0, le=2**32)]
"""Teams of which each has a number in memory."""
Width = Annotated[int, Field(gt=0, le=65_536)]
"""Channels or units of one layer, pixels of a side."""
Factor = Annotated[float, Field(ge=0, le=1e6)]
"""A share of a sum, or a penalty."""
