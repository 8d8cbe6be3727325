"""An ensemble as one ONNX file, checked against torch in ONNX Runtime before it is written."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lrensemble.errors import ExportError, MissingExtraError, StorageError
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.formats import FORMATS
from lrensemble.export.trace import example_inputs, largest_difference, output_names, rows_dimension, traceable
from lrensemble.files import scratch_folder, storage_errors, write_whole

TOLERANCE = 1e-5
"""Largest accepted |difference| of a probability between ONNX Runtime and torch."""

CHECKED_ROWS = (1, 2, 33)
"""Sizes of the batches that are compared: the program must not depend on the size it was traced with."""


@FORMATS.register("onnx", suffix=".onnx")
def export_onnx(ensemble: Ensemble, path: Path) -> None:
    """One ONNX file: input `inputs` [rows, *shape] of the data's type, outputs `probabilities` and `label`; of values
    `values`, and `std` where members say how sure they are.

    Normalisation and consensus are part of the file; the number of rows is free. What is written has been compared with
    torch on random inputs of several sizes. Members run one after another, as the runtime arranges its own work.

    Args:
        ensemble: ensemble to export.
        path: path of the file.

    Raises:
        ExportError: it cannot be traced, an operator has no counterpart in ONNX, the two differ by more than
            `TOLERANCE`, or the file is there already.
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
        StorageError: the file cannot be written.
    """
    if os.path.lexists(path):
        raise ExportError(f"{path} is there already; remove it, or name another file")
    for name in ("onnx", "onnxscript", "onnxruntime"):
        _require(name)
    model = traceable(ensemble)
    content = _converted(model, ensemble)
    _check(content, model, ensemble)
    write_whole(path, content)


def _converted(model: nn.Module, ensemble: Ensemble) -> bytes:
    inputs = example_inputs(ensemble, 5)
    with _quiet(), scratch_folder() as folder:
        try:
            program = torch.onnx.export(
                model,
                (inputs,),
                dynamo=True,
                verbose=False,
                input_names=["inputs"],
                output_names=output_names(ensemble),
                dynamic_shapes=({0: rows_dimension()},),
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
            reason = " ".join(str(error).split())[:300]
            raise ExportError(
                f"this ensemble (consensus {ensemble.description.consensus.name}) cannot be written as ONNX: {reason}; "
                "use the bundle"
            ) from error
        return (folder / "ensemble.onnx").read_bytes()


def _check(content: bytes, model: nn.Module, ensemble: Ensemble) -> None:
    runtime = import_module("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for rows in CHECKED_ROWS:
        inputs = example_inputs(ensemble, rows)
        with torch.no_grad():
            expected = model(inputs)
        found = [torch.from_numpy(one) for one in session.run(None, {"inputs": inputs.numpy()})]
        of_values = ensemble.description.of_values
        difference = largest_difference(found, expected, of_values=of_values)
        if difference > TOLERANCE or not (of_values or _same_labels(found, expected)):
            raise ExportError(
                f"the ONNX program differs from torch by {difference:.2g} in a "
                f"{'value' if of_values else 'probability'} of {rows} rows, and at most "
                f"{TOLERANCE:g} is accepted; use the bundle"
            )


def _same_labels(found: Sequence[torch.Tensor], expected: Sequence[torch.Tensor]) -> bool:
    """Whether the labels are the same; where two classes are as good as equal, either may come first."""
    best_two = expected[0].sort(dim=1).values[:, -2:]
    unsure = best_two[:, 1] - best_two[:, 0] <= 2 * TOLERANCE
    return bool(((found[1] == expected[1]) | unsure).all())


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


def _require(name: str) -> None:
    try:
        import_module(name)
    except ImportError:
        raise MissingExtraError(f"an ONNX file needs {name}: pip install 'lrensemble[onnx]'") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warnings of torch's exporter about itself, such as operators of libraries that are not installed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
