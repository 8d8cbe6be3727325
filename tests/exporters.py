"""Torch's exporter to ONNX, which reads the source of five hundred operators before every graph: here once."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import pytest


@contextmanager
def operators_read_once() -> Iterator[None]:
    """A block in which what onnxscript reads of an operator is kept, where tests that need it are in the run.

    It is a third of what a small graph costs, and the same every time.
    """
    if "onnxscript" not in sys.modules:
        yield
        return
    operator = import_module("onnxscript.values").TracedOnnxFunction
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operator, "function_ir", property(functools.cache(operator.function_ir.fget)))
        yield
