"""Torch's exporter to ONNX looks through all operators that there are before every graph: in tests, once a process.

The search is half of what a small graph costs, and finds the same every time. Neither torch nor onnxscript has a public
way to keep it; where a part of theirs is not there, or works otherwise, it is left alone, and tests take longer.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import pytest


@contextmanager
def operators_read_once() -> Iterator[list[str]]:
    """A block in which what was found out about operators is kept; without onnxscript nothing happens.

    Yields:
        Names of what is kept.
    """
    with pytest.MonkeyPatch.context() as patch:
        yield [name for name, keep in KEPT.items() if "onnxscript" in sys.modules and _keeps(keep, patch)]


def _keeps(keep: Callable[[pytest.MonkeyPatch], None], patch: pytest.MonkeyPatch) -> bool:
    """Whether a part is there, and what it finds is kept from now on."""
    with suppress(ImportError, AttributeError):
        keep(patch)
        return True
    return False


def _keep_functions(patch: pytest.MonkeyPatch) -> None:
    """What onnxscript reads of the source of an operator."""
    operator = import_module("onnxscript.values").TracedOnnxFunction
    patch.setattr(operator, "function_ir", property(functools.cache(operator.function_ir.fget)))


def _keep_registry(patch: pytest.MonkeyPatch) -> None:
    """The signatures of all operators with a counterpart; every graph has a copy, to add its own to."""
    kind = import_module("torch.onnx._internal.exporter._registration").ONNXRegistry
    read, _ = functools.cache(kind.from_torchlib), kind().functions

    def copied(*version: int, **named: int) -> Any:
        whole, copy = read(*version, **named), kind()
        vars(copy).update(vars(whole), functions={name: list(found) for name, found in whole.functions.items()})
        return copy

    patch.setattr(kind, "from_torchlib", staticmethod(copied))


def _keep_composite_operators(patch: pytest.MonkeyPatch) -> None:
    """That the composite operators are known to Python: looked up again only if there are others than before."""
    import torch

    utils = import_module("torch._export.utils")
    look_up: Callable[[], None] = utils._materialize_cpp_cia_ops
    registered: Callable[[str], list[str]] = torch._C._dispatch_get_registrations_for_dispatch_key
    known = list[str]()

    def unless_known() -> None:
        found = registered("CompositeImplicitAutograd")
        if found != known:
            look_up()
            known[:] = found

    patch.setattr(utils, "_materialize_cpp_cia_ops", unless_known)


KEPT = {"functions": _keep_functions, "registry": _keep_registry, "composite operators": _keep_composite_operators}
