"""Packages whose names are imported when they are first used: who needs one file of a package does not wait for all.

Nothing is imported here that Python itself has not imported already: the package `lrensemble` is such a package, and
of `python -m lrensemble` in a folder of somebody's, `__main__` is the first that can take that folder out of the places
of libraries.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class _LazyPackage(type(sys)):  # type: ignore[misc]  # the type of modules
    """A package, whose functions stay when a file of the same name is imported: importing sets it as an attribute."""

    _homes: "Mapping[str, str]"

    def __getattr__(self, name: str) -> "Any":
        from importlib import import_module

        if name not in self._homes:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{self.__name__}.{self._homes[name]}"), name)
        super().__setattr__(name, value)
        return value

    def __setattr__(self, name: str, value: "Any") -> None:
        if not (name in self._homes and isinstance(value, type(sys))):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._homes})


def lazily(package: str, homes: "Mapping[str, str]") -> None:
    """Give a package names that are imported when they are first used.

    Args:
        package: `__name__` of the package, from whose `__init__` this is called.
        homes: file in the package that defines a name, dotted, by the name.
    """
    module = sys.modules[package]
    vars(module)["_homes"] = homes
    module.__class__ = _LazyPackage
