"""Torch's exporter to ONNX looks through all operators that there are before every graph: in tests, once a process.

The search is half of what a small graph costs, and finds the same every time.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest


@contextmanager
def operators_read_once() -> Iterator[None]:
    """A block in which what was found out about operators is kept; without onnxscript nothing happens."""
    if "onnxscript" not in sys.modules:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        _keep_functions(patch)
        _keep_registry(patch)
        _keep_composite_operators(patch)
        yield


def _keep_functions(patch: pytest.MonkeyPatch) -> None:
    """What onnxscript reads of the source of an operator."""
    operator = import_module("onnxscript.values").TracedOnnxFunction
    patch.setattr(operator, "function_ir", property(functools.cache(operator.function_ir.fget)))


def _keep_registry(patch: pytest.MonkeyPatch) -> None:
    """The signatures of all operators with a counterpart; every graph has a copy, to add its own to."""
    kind = import_module("torch.onnx._internal.exporter._registration").ONNXRegistry
    read = functools.cache(kind.from_torchlib)

    def copied(**version: int) -> Any:
        whole, copy = read(**version), kind()
        vars(copy).update(vars(whole), functions={name: list(found) for name, found in whole.functions.items()})
        return copy

    patch.setattr(kind, "from_torchlib", staticmethod(copied))


def _keep_composite_operators(patch: pytest.MonkeyPatch) -> None:
    """That the composite operators are known to Python: looked up again only if there are others than before."""
    import torch

    utils = import_module("torch._export.utils")
    look_up: Callable[[], None] = utils._materialize_cpp_cia_ops
    known = list[str]()

    def unless_known() -> None:
        found = torch._C._dispatch_get_registrations_for_dispatch_key("CompositeImplicitAutograd")
        if found != known:
            look_up()
            known[:] = found

    patch.setattr(utils, "_materialize_cpp_cia_ops", unless_known)
