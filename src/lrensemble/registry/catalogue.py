"""Where every registry lives: what `lrensemble ls`, shell completion, the reference and the contract tests are made of.

A registry is imported when it is asked for, since some bring torch; what it is called and what it holds it says itself.
"""

from __future__ import annotations

import importlib
from typing import Any

from lrensemble.errors import UnknownNameError
from lrensemble.registry.base import Registry
from lrensemble.registry.names import nearest

HOMES = {
    "policies": "lrensemble.policies",
    "strategies": "lrensemble.train.sweep.strategies",
    "ranges": "lrensemble.config.space",
    "selectors": "lrensemble.select",
    "consensus": "lrensemble.consensus",
    "models": "lrensemble.models",
    "data": "lrensemble.data",
    "augmentations": "lrensemble.data.augment",
    "metrics": "lrensemble.metrics",
    "diversity": "lrensemble.metrics.diversity",
    "formats": "lrensemble.export",
    "variants": "lrensemble.export",
}
"""The package whose import fills a registry, by the plural of what it holds."""


def registry_of(plural: str) -> Registry[Any, Any]:
    """The registry of a kind, with all that registers in it.

    Raises:
        UnknownNameError: there is no such kind.
    """
    if plural not in HOMES:
        raise UnknownNameError(f"no kind of name {plural!r}{nearest(plural, HOMES)}")
    home = vars(importlib.import_module(HOMES[plural])).values()
    return next(each for each in home if isinstance(each, Registry) and each.plural == plural)
