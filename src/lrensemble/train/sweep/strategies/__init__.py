"""Strategies, which decide what recipes a sweep trains: one file for each, all named in one registry."""

from __future__ import annotations

from lrensemble.train.sweep.strategies import (  # noqa: F401  (register what they define)
    fast_geometric,
    grid,
    optuna_search,
    random_search,
    seeds,
    snapshots,
    tune_then_seed,
)
from lrensemble.train.sweep.strategies.base import STRATEGIES, Round, Strategy, check_strategy

__all__ = ["STRATEGIES", "Round", "Strategy", "check_strategy"]
