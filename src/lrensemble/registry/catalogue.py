"""Where every registry lives: what `lrensemble ls`, shell completion, the reference and the contract tests are made of.

A registry is imported when it is asked for, since some bring torch; what it is called and what it holds it says itself.
A new registry is one line of `HOMES`, and nothing else.
"""

from __future__ import annotations

import difflib
import importlib
from typing import Any

from lrensemble.errors import LREnsembleError, UnknownNameError
from lrensemble.registry.base import Registry
from lrensemble.registry.names import nearest

HOMES = {
    "policies": "lrensemble.policies",
    "strategies": "lrensemble.train.sweep.strategies",
    "ranges": "lrensemble.config.space",
    "selectors": "lrensemble.select",
    "consensus": "lrensemble.consensus",
    "models": "lrensemble.models",
    "networks": "lrensemble.networks",
    "data": "lrensemble.data",
    "augmentations": "lrensemble.data.augment",
    "losses": "lrensemble.targets.losses",
    "samplers": "lrensemble.data",
    "texts": "lrensemble.language.source",
    "templates": "lrensemble.language.templates",
    "benchmarks": "lrensemble.language.benchmarks",
    "metrics": "lrensemble.metrics",
    "diversity": "lrensemble.metrics.diversity",
    "executors": "lrensemble.executors",
    "loggers": "lrensemble.train.loggers",
    "adopters": "lrensemble.adopt",
    "formats": "lrensemble.export",
    "variants": "lrensemble.export",
    "plots": "lrensemble.report",
}
"""The package whose import fills a registry, by the plural of what it holds."""

FURTHER = {"models": "lrensemble.language.adapters"}
"""Modules of later parts that register there as well."""


def registry_of(plural: str) -> Registry[Any, Any]:
    """The registry of a kind, with all that registers in it.

    Raises:
        UnknownNameError: there is no such kind.
    """
    if plural not in HOMES:
        raise UnknownNameError(f"no kind of name {plural!r}{nearest(plural, HOMES)}")
    if plural in FURTHER:
        importlib.import_module(FURTHER[plural])
    home = importlib.import_module(HOMES[plural])
    names = (*vars(home), *dir(home))  # what is there already, and then what a lazy package imports for it
    constants = (getattr(home, name) for name in names if name.isupper())
    return next(each for each in constants if isinstance(each, Registry) and each.plural == plural)


def kinds_of(name: str) -> list[str]:
    """The kinds that have a name, an alias, or a name of a family, in the order of the catalogue.

    Every registry is imported for this. `package.module:function` may be of any kind: none is found for it.

    Raises:
        UnknownNameError: no kind has it; the message holds the nearest of all.
    """
    registries = {plural: registry_of(plural) for plural in HOMES}
    found = [plural for plural, registry in registries.items() if _has(registry, name)]
    if not found:
        known = dict.fromkeys([*HOMES, *(each for registry in registries.values() for each in registry.names())])
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UnknownNameError(f"nothing is named {name!r}{hint} (kinds: {', '.join(HOMES)})")
    return found


def _has(registry: Registry[Any, Any], name: str) -> bool:
    try:
        return ":" not in name and bool(registry.find(name))
    except UnknownNameError:
        return False
    except LREnsembleError:  # it has the name, and cannot serve it here
        return True
