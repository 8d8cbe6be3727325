"""Write the reference pages from the registries and the docstrings, when the site is built."""

import inspect
from collections.abc import Iterable
from typing import Any

import mkdocs_gen_files

import lrensemble
from lrensemble.registry import HOMES, Registry, registry_of

SECTIONS = ("Args", "Returns", "Raises")


def arguments(registry: Registry[Any, Any], name: str) -> str:
    """The arguments that a spec may hold, with their defaults."""
    own = registry.arguments(name).values()
    return ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in own)


def body(docstring: str) -> Iterable[str]:
    """A Google-style docstring as Markdown: its sections become lists."""
    inside = False
    for line in docstring.splitlines():
        heading = line.strip().removesuffix(":")
        if heading in SECTIONS and line.strip().endswith(":"):
            inside = True
            yield f"\n**{heading}**\n"
        elif inside and line.startswith("    ") and not line.startswith("     "):
            yield f"- {line.strip()}"
        elif inside and line.strip():
            yield f"  {line.strip()}"
        else:
            yield line


def write(page: str, registry: Registry[Any, Any]) -> None:
    """One page for everything registered."""
    with mkdocs_gen_files.open(f"reference/{page}.md", "w") as file:
        print(f"# {registry.title}\n", file=file)
        for name in registry:
            function = registry.get(name)
            print(f"## {name}\n\n```\n{name}({arguments(registry, name)})\n```\n", file=file)
            print("\n".join(body(inspect.getdoc(function) or "")), file=file)
            if others := ", ".join(f"`{alias}`" for alias in registry.aliases(name)):
                print(f"\nAlso named {others}.", file=file)
            print(f"\nExample: `{registry.example(name)}`\n", file=file)


for kind in HOMES:
    write(kind, registry_of(kind))
with mkdocs_gen_files.open("reference/python.md", "w") as file:
    print("# Python\n\nThe public names of `lrensemble`.\n", file=file)
    for name in lrensemble.__all__:
        home = lrensemble._HOME[name]
        owner = getattr(lrensemble, name)
        path = (
            f"{owner.__module__}.{owner.__qualname__}"
            if hasattr(owner, "__qualname__")
            else f"lrensemble.{home}.{name}"
        )
        print(f"::: {path}\n", file=file)
