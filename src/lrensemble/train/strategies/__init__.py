"""Which recipes a sweep trains: one file for each strategy, all named in one registry."""

from __future__ import annotations

from lrensemble.train.strategies import grid, random_search, seeds  # noqa: F401  (register what they define)
from lrensemble.train.strategies.base import STRATEGIES, Batch, Strategy

__all__ = ["STRATEGIES", "Batch", "Strategy"]
