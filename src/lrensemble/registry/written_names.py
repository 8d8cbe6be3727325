"""Names that the source registers, read from its text: shell completion has no time to import torch."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from lrensemble.registry.catalogue import FURTHER, HOMES, registry_of
from lrensemble.registry.plugins import installed_plugins

SOURCE = Path(__file__).parents[1]


def written_names(plural: str) -> list[str]:
    """Names and aliases of a kind, as `registry_of(plural).names()` has them, in alphabetical order.

    A registry that is imported already is asked itself. So is one that registers by a decorator of its own, as
    policies do, and not by lines `@METRICS.register`.

    Args:
        plural: kind of the names, a key of `HOMES`.

    Raises:
        UnknownNameError: there is no such kind.
    """
    installed_plugins()  # what they register is known to the registry alone, which they import
    home = HOMES.get(plural)
    read = _read([home, FURTHER[plural]] if plural in FURTHER else [home], plural) if home else set[str]()
    return sorted(registry_of(plural).names() if not read or home in sys.modules else read)


def written_keys(module: str, variable: str) -> list[str]:
    """Keys of the dictionary that a module assigns to a variable with a type, in their order.

    Raises:
        KeyError: the module assigns none to it.
    """
    (path,) = _files(module)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if (
            isinstance(node, ast.AnnAssign)
            and ast.unparse(node.target) == variable
            and isinstance(node.value, ast.Dict)
        ):
            return [ast.literal_eval(key) for key in node.value.keys if key is not None]
    raise KeyError(f"{module} has no dictionary {variable}")


def _read(homes: list[str], plural: str) -> set[str]:
    """Names that are registered in packages or modules, of which one makes the registry."""
    texts = [path.read_text(encoding="utf-8") for home in homes for path in _files(home)]
    trees = [ast.parse(text) for text in texts if "Registry(" in text or ".register" in text]
    variables = [name for tree in trees for name in _registries(tree, plural)]
    return {name for tree in trees for variable in variables for name in _registered(tree, f"{variable}.register")}


def _files(home: str) -> list[Path]:
    place = SOURCE.joinpath(*home.split(".")[1:])
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def _registries(tree: ast.Module, plural: str) -> Iterator[str]:
    """Variables that hold a registry of a kind: `METRICS: Registry[…] = Registry("metric", …)`."""
    for node in tree.body:
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) == "Registry"
        ):
            kind = ast.literal_eval(node.value.args[0])
            given = {each.arg: each.value for each in node.value.keywords}
            if plural == (ast.literal_eval(given["plural"]) if "plural" in given else f"{kind}s"):
                yield node.target.id


def _registered(tree: ast.Module, register: str) -> Iterator[str]:
    """Names that a file gives to `METRICS.register`, as a decorator or as a function."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                yield from _names(decorator, register, node.name)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _names(node.value.func, register, "")


def _names(used: ast.expr, register: str, default: str) -> Iterator[str]:
    """Names in one use of it: `METRICS.register`, `METRICS.register("nll", aliases=("log_loss",))`."""
    called = used if isinstance(used, ast.Call) else None
    if ast.unparse(called.func if called else used) != register:
        return
    yield ast.literal_eval(called.args[0]) if called and called.args else default
    for keyword in called.keywords if called else ():
        if keyword.arg == "aliases":
            yield from ast.literal_eval(keyword.value)
