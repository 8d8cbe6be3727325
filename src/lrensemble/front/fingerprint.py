"""Hash of what a function or a class does: its code, its defaults, and what it takes from around it.

Two definitions of the same text have the same hash, in every process of one version of Python; one that was edited has
another. What is imported from a library counts by its name.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

DEEPEST = 12
"""Definitions within one another that are looked into."""


def fingerprint(given: Any) -> str:
    """SHA-256 in hexadecimal of a function, a class, a module with its weights, or arrays."""
    digest = hashlib.sha256()
    for part in _parts(given, frozenset(), 0):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts(given: Any, seen: frozenset[int], depth: int) -> Iterator[bytes]:
    """Content of an object, as bytes; what it has met on its way is not entered again."""
    yield type(given).__name__.encode()
    if id(given) in seen or depth > DEEPEST:
        return
    seen, depth = seen | {id(given)}, depth + 1
    for part in _content(given):
        if isinstance(part, bytes):
            yield part
        else:
            yield from _parts(part, seen, depth)


def _content(given: Any) -> Iterator[Any]:
    """What an object is made of: bytes, or objects with a content of their own."""
    for kinds, content in _CONTENTS:
        if isinstance(given, kinds):
            yield from content(given)
            return
    yield _place(given).encode()


def _of_array(given: np.ndarray | torch.Tensor) -> Iterator[bytes]:
    array = given.detach().cpu().contiguous() if isinstance(given, torch.Tensor) else np.ascontiguousarray(given)
    yield f"{array.dtype} {tuple(array.shape)}".encode()
    if isinstance(array, torch.Tensor):
        array = array.reshape(-1).view(torch.uint8).numpy()
    yield repr(array.tolist()).encode() if array.dtype.kind == "O" else array.tobytes()


def _of_function(given: types.FunctionType) -> Iterator[Any]:
    """Code, defaults, what it encloses and what it takes from its module; of a library's function its place alone."""
    if not _is_own(given):
        yield _place(given).encode()
        return
    yield from (given.__code__, given.__defaults__, given.__kwdefaults__)
    for cell in given.__closure__ or ():
        yield _cell(cell)
    for name in sorted(_names(given.__code__)):
        if name in given.__globals__:
            yield (name, given.__globals__[name])


def _cell(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(each) for each in code.co_consts if isinstance(each, types.CodeType)]
    return set(code.co_names).union(*inner)


def _of_class(given: type) -> Iterator[Any]:
    if not _is_own(given):
        yield _place(given).encode()
        return
    yield given.__bases__
    left_out = {"__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__", "__static_attributes__"}
    for name, value in vars(given).items():
        if name not in left_out:
            inner = value.__func__ if isinstance(value, staticmethod | classmethod) else value
            yield (name, inner.fget if isinstance(inner, property) else inner)


def _is_own(given: Callable[..., Any]) -> bool:
    """Whether an object is of the notebook or script itself, or was made inside a function."""
    return given.__module__ == "__main__" or "<" in given.__qualname__


def _place(given: object) -> str:
    owner = given if hasattr(given, "__qualname__") else type(given)
    return f"{getattr(owner, '__module__', '')}:{getattr(owner, '__qualname__', '')}"


_CONTENTS: tuple[tuple[Any, Callable[[Any], Iterable[Any]]], ...] = (
    (np.ndarray | torch.Tensor, _of_array),
    (torch.nn.Module, lambda given: (repr(given).encode(), type(given), dict(given.state_dict()))),
    (functools.partial, lambda given: (given.func, given.args, given.keywords)),
    (types.MethodType, lambda given: (given.__func__, given.__self__)),
    (types.FunctionType, _of_function),
    (types.CodeType, lambda given: (given.co_code, given.co_consts, given.co_names)),
    (type, _of_class),
    (Mapping, lambda given: given.items()),
    (tuple | list, iter),
    (set | frozenset, lambda given: sorted(given, key=repr)),
    (str | bytes | int | float | complex | None, lambda given: (repr(given).encode(errors="backslashreplace"),)),
)
"""What objects of a kind are made of; the first that fits counts."""
