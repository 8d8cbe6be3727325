"""Modules that register: named by the user, or offered by an installed package.

A package offers one as an entry point, in its `pyproject.toml`:

```toml
[project.entry-points."lrensemble.plugins"]
my-rates = "my_rates"
```

Those are imported when a name is looked up that nobody has registered, and when names are listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from lrensemble.registry.paths import imported, reason_of
from lrensemble.registry.trust import let_code_through

GROUP = "lrensemble.plugins"

_failures: list[str] | None = None
"""One line for each installed plugin that cannot be imported; None as long as nobody has tried."""


def import_plugins(modules: Iterable[str]) -> None:
    """Import modules that register policies, metrics and so on.

    Raises:
        UntrustedError: a file from elsewhere names it, and nobody has asked for it.
        SpecError: one of them cannot be imported.
    """
    for module in modules:
        let_code_through(module, f"plugin {module!r}")
        imported(module, f"plugin {module!r}")


def installed_plugins() -> list[str]:
    """Import what installed packages offer, once; a line for each that cannot be imported, which stops nobody else."""
    global _failures
    if _failures is None:
        failures = _failures = []  # a plugin may look up names itself
        for offered in metadata.entry_points(group=GROUP):
            try:
                offered.load()
            except Exception as error:  # somebody else's code: anything can go wrong in it
                failures.append(f"installed plugin {offered.name!r} cannot be imported: {reason_of(error)}")
    return _failures
