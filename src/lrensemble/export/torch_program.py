"""An ensemble as one file of torch.export: it runs where torch is, without this library or any model's code."""

from __future__ import annotations

import io
import json
import os
import warnings
from pathlib import Path

import torch

from lrensemble.errors import ExportError
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.formats import FORMATS
from lrensemble.export.metadata import metadata_of
from lrensemble.export.mixed import require_torch
from lrensemble.export.trace import example_inputs, largest_difference, rows_dimension, traceable
from lrensemble.files import write_whole

METADATA = "metadata.json"
"""Name in the archive of what the ensemble says of itself."""
CHECKED_ROWS = (1, 2, 33)
TOLERANCE = 1e-6


@FORMATS.register("torch", suffix=".pt2")
def export_torch(ensemble: Ensemble, path: Path) -> None:
    """One `.pt2` archive, read back by `torch.export.load(path).module()`.

    It takes inputs [rows, *shape] of the data's type and gives probabilities float32 and labels int64; or values
    float32, and their standard deviations where members give them. Its metadata, as those of an ONNX file, come with
    `torch.export.load(path, extra_files={"metadata.json": ""})`, which fills the dictionary.

    Args:
        ensemble: ensemble to export.
        path: path of the file.

    Raises:
        ExportError: a network that torch cannot trace, or that another library runs, a program that does not give the
            same, or a file that is there.
        StorageError: the file cannot be written.
    """
    if os.path.lexists(path):
        raise ExportError(f"{path} is there already; remove it, or name another file")
    require_torch(ensemble)
    model = traceable(ensemble)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about itself
        try:
            program = torch.export.export(
                model, (example_inputs(ensemble, 5),), dynamic_shapes=({0: rows_dimension()},)
            )
        except Exception as error:  # torch raises many kinds, and the network's own code may
            reason = " ".join(str(error).split())[:300]
            raise ExportError(f"this ensemble cannot be traced by torch: {reason}; use the bundle") from error
        program.example_inputs = None  # they would be pickled
        buffer = io.BytesIO()
        metadata = json.dumps(metadata_of(ensemble.description))
        torch.export.save(program, buffer, extra_files={METADATA: metadata})
    _check(program.module(), model, ensemble)
    write_whole(path, buffer.getvalue())


def _check(program: torch.nn.Module, model: torch.nn.Module, ensemble: Ensemble) -> None:
    for rows in CHECKED_ROWS:
        inputs = example_inputs(ensemble, rows)
        with torch.no_grad():
            difference = largest_difference(program(inputs), model(inputs), of_values=ensemble.description.of_values)
        if not difference <= TOLERANCE:
            what = "value" if ensemble.description.of_values else "probability"
            raise ExportError(
                f"the traced program differs by {difference:.2g} in a {what} of {rows} rows, and at most "
                f"{TOLERANCE:g} is accepted; use the bundle"
            )
