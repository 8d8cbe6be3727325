"""A module of torch as a graph of ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from lrensemble.errors import ExportError, StorageError
from lrensemble.export.trace import rows_dimension
from lrensemble.files import scratch_folder, storage_errors
from lrensemble.networks.onnx import quiet_exporter


def traced(
    module: nn.Module,
    example: tuple[Tensor | tuple[Tensor, ...], ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> bytes:
    """Content of a graph of ONNX, with any number of rows.

    Args:
        module: what to trace.
        example: arguments of a call, tensors [sample, …] or tuples of such.
        inputs: names of these tensors.
        outputs: names of those that it gives.

    Raises:
        ExportError: it cannot be traced, or an operator has no counterpart in ONNX.
        StorageError: there is no room for the graph among the temporary files.
    """
    rows = rows_dimension()
    dynamic = tuple(tuple({0: rows} for _ in each) if isinstance(each, tuple) else {0: rows} for each in example)
    with quiet_exporter(), scratch_folder() as folder:
        try:
            program = torch.onnx.export(
                module,
                example,
                dynamo=True,
                verbose=False,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=dynamic,
                custom_translation_table={
                    torch.ops.aten.sort.stable: _sort_stable(),
                    torch.ops.aten.softplus.default: _softplus(),
                },
            )
            if program is None:
                raise RuntimeError("torch gave no program")
            with storage_errors("write", folder):  # a full disk is no fault of the ensemble
                program.save(folder / "ensemble.onnx", external_data=False)
        except StorageError:
            raise
        except Exception as error:  # torch raises many kinds, from its exporter and from the network's own code
            raise ExportError(" ".join(str(error).split())[:300]) from error
        return (folder / "ensemble.onnx").read_bytes()


def _sort_stable() -> Any:
    """Stable sort in ONNX: TopK of all elements, which keeps the order of equal ones."""
    op = import_module("onnxscript").opset18

    def sort_stable(self: Any, stable: bool = True, dim: int = -1, descending: bool = False) -> Any:  # noqa: ARG001
        count = op.Reshape(op.Gather(op.Shape(self), op.Constant(value_int=dim)), op.Constant(value_ints=[-1]))
        return op.TopK(self, count, axis=dim, largest=int(descending), sorted=1)

    return sort_stable


def _softplus() -> Any:
    """Softplus in ONNX for float64, which ONNX Runtime's own does not take: max(x, 0) + ln(1 + exp(-|x|))."""
    op = import_module("onnxscript").opset18

    def softplus(self: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:  # noqa: ARG001  (both as by default)
        one = op.CastLike(op.Constant(value_float=1.0), self)
        return op.Add(op.Relu(self), op.Log(op.Add(op.Exp(op.Neg(op.Abs(self))), one)))

    return softplus
