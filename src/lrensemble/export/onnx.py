"""An ensemble as one ONNX file, checked against torch in ONNX Runtime before it is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from lrensemble.errors import DataError, ExportError, MissingExtraError
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.formats import FORMATS
from lrensemble.export.metadata import metadata_of, with_metadata
from lrensemble.export.mixed import has_foreign, mixed_graph, require_graphs
from lrensemble.export.onnx_file import record_of
from lrensemble.export.operations import operations_of
from lrensemble.export.trace import example_inputs, largest_difference, output_names, traceable
from lrensemble.export.traced import traced
from lrensemble.files import write_whole
from lrensemble.networks.onnx import session_of

TOLERANCE = 1e-5
"""Largest accepted |difference| of a probability between ONNX Runtime and torch."""

CHECKED_ROWS = (1, 2, 33)
"""Sizes of the batches that are compared: the program must not depend on the size it was traced with."""


@FORMATS.register("onnx", suffix=".onnx")
def export_onnx(ensemble: Ensemble, path: Path, *, dtype: Literal["uint8", "float32"] | None = None) -> None:
    """One ONNX file: input `inputs` [rows, *shape] of the data's type, outputs `probabilities` and `label`; of values
    `values`, and `std` where members say how sure they are.

    Normalisation and consensus are part of the file; the number of rows is free. Members that are graphs of ONNX become
    parts of it. What is written has been compared with torch on random inputs of several sizes. Members run one after
    another, as the runtime arranges its own work. Names of classes, inputs, members with their recipes, scores and the
    pool's digest are in its metadata. Images come in the trained size: no graph scales them exactly as training did, so
    the metadata say what is to be done before.

    Args:
        ensemble: ensemble to export.
        path: path of the file.
        dtype: type of the inputs, of images of bytes: as `float32` they come on the same scale, from 0 to 255.

    Raises:
        ExportError: it cannot be traced, an operator or a member has no counterpart in ONNX, the two differ by more
            than `TOLERANCE`, or the file is there already.
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
        StorageError: the file cannot be written.
    """
    if os.path.lexists(path):
        raise ExportError(f"{path} is there already; remove it, or name another file")
    for name in ("onnx", "onnxscript", "onnxruntime"):
        _require(name)
    require_graphs(ensemble)
    kind = _kind(ensemble, dtype)
    model = traceable(ensemble)
    content = _content(model, ensemble, kind)
    _check(content, model, ensemble, kind)
    write_whole(path, with_metadata(content, metadata_of(ensemble.description, dtype) | _record(ensemble, dtype)))


def _record(ensemble: Ensemble, dtype: str | None) -> dict[str, str]:
    """Metadata by which `OnnxFile` reads the file back."""
    members = list(ensemble.members)
    prepared = ensemble.prepare(example_inputs(ensemble, 2))
    operations = sum(operations_of(member, prepared) for member in members)
    of_words = any(hasattr(member, "vocabulary") for member in members)
    return record_of(ensemble.description, dtype, of_words=of_words, operations=operations)


def _kind(ensemble: Ensemble, dtype: str | None) -> torch.dtype | None:
    """Type of the inputs in torch; None for that of the data.

    Raises:
        ExportError: another type than that of the data, which are no bytes.
    """
    own = ensemble.description.inputs.dtype
    if dtype is None or dtype == own:
        return None
    if own != "uint8":
        raise ExportError(f"dtype = {dtype!r} is for images of bytes, and this ensemble takes {own}; leave it out")
    return torch.float32


def _content(model: nn.Module, ensemble: Ensemble, kind: torch.dtype | None) -> bytes:
    """Content of the file.

    Raises:
        ExportError: with the consensus, and what is wrong.
    """
    try:
        if has_foreign(ensemble):
            return mixed_graph(ensemble, kind)
        return traced(model, (example_inputs(ensemble, 5).to(kind),), ["inputs"], output_names(ensemble))
    except ExportError as error:
        raise ExportError(
            f"this ensemble (consensus {ensemble.description.consensus.name}) cannot be written as ONNX: {error}; "
            "use the bundle"
        ) from error


def _check(content: bytes, model: nn.Module, ensemble: Ensemble, kind: torch.dtype | None) -> None:
    try:
        session = session_of(content)
    except DataError as error:
        raise ExportError(f"{error}; use the bundle") from None
    wide = session.get_inputs()[0].type == "tensor(double)"
    for rows in CHECKED_ROWS:
        inputs = example_inputs(ensemble, rows)
        inputs = inputs.double() if wide else inputs.to(kind)
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


def _require(name: str) -> None:
    try:
        import_module(name)
    except ImportError:
        raise MissingExtraError(f"an ONNX file needs {name}: pip install 'lrensemble[onnx]'") from None
