"""What tests keep of the search for operators of ONNX, and that they go without it where a version has no such part."""

from importlib import import_module

import pytest
from tests.exporters import KEPT, operators_read_once

pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'lrensemble[onnx]'")

PARTS = {
    "functions": ("onnxscript.values", "TracedOnnxFunction"),
    "registry": ("torch.onnx._internal.exporter._registration", "ONNXRegistry"),
    "composite operators": ("torch._export.utils", "_materialize_cpp_cia_ops"),
}


def test_all_is_kept_of_the_versions_that_are_tested() -> None:
    with operators_read_once() as kept:
        assert kept == [*KEPT]


@pytest.mark.parametrize("missing", PARTS)
def test_a_part_that_is_not_there_is_left_alone(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name = PARTS[missing]
    monkeypatch.delattr(import_module(module), name)
    with operators_read_once() as kept:
        assert kept == [part for part in KEPT if part != missing]
