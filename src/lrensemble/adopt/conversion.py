"""A module of torch that nobody can build anew, as a graph of ONNX that gives the same."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lrensemble.config import Inputs
from lrensemble.errors import AdoptError, MissingExtraError
from lrensemble.files import scratch_folder
from lrensemble.networks import onnx as graphs

TOLERANCE = 1e-4
"""Largest accepted |difference| of an output between ONNX Runtime and torch, relative to the largest, or to one."""

CHECKED_ROWS = (1, 2, 33)
"""Sizes of the batches that are compared: a graph must not depend on the size it was traced with."""

ROWS_AT_ONCE = 1024
"""Rows that are predicted at once."""


def copied(module: nn.Module, name: str) -> nn.Module:
    """A copy that predicts on the CPU in float32; the module itself stays as it is.

    Raises:
        AdoptError: it cannot be copied.
    """
    try:
        return copy.deepcopy(module).cpu().float().eval().requires_grad_(False)
    except Exception as error:  # of the network's own code, or a tensor that torch does not copy
        raise AdoptError(f"{name} cannot be copied: {_reason(error)}; give its builder=…") from error


def predictor(module: nn.Module, inputs: Inputs) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Function from raw inputs to what a copied module gives for them, normalised as they say."""
    axes = (1, -1, *[1] * (len(inputs.shape) - 1))
    mean, std = torch.tensor(inputs.mean).view(axes), torch.tensor(inputs.std).view(axes)

    @torch.no_grad()
    def predict(raw: NDArray[Any]) -> NDArray[Any]:
        starts = range(0, len(raw), ROWS_AT_ONCE)
        blocks = [torch.from_numpy(np.ascontiguousarray(raw[start : start + ROWS_AT_ONCE])) for start in starts]
        return torch.cat([module((block.float() - mean) / std) for block in blocks]).numpy()

    return predict


def converted(module: nn.Module, shape: tuple[int, ...], name: str) -> bytes:
    """A graph of ONNX with any number of rows, checked against the module.

    Args:
        module: a copy that predicts, from float32 [sample, *shape] to outputs [sample, output].
        shape: shape of one input.
        name: of the model, for messages.

    Raises:
        AdoptError: it cannot be converted, or the graph gives something else.
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
    """
    for needed in ("onnx", "onnxscript", "onnxruntime"):
        try:
            import_module(needed)
        except ImportError:
            raise MissingExtraError(
                f"a module of torch without builder=… is converted to ONNX, which needs {needed}: "
                "pip install 'lrensemble[onnx]'"
            ) from None
    _require_outputs(module, shape, name)
    try:
        content = _exported(module, shape)
        difference = _difference(module, content, shape)
    except Exception as error:  # torch raises many kinds, from its exporter and from the network's own code
        raise AdoptError(f"{name} cannot be converted to ONNX: {_reason(error)}; give its builder=…") from error
    if difference > TOLERANCE:
        raise AdoptError(f"{name} gives other outputs in ONNX (by {difference:.2g}); give its builder=…")
    return content


def _exported(module: nn.Module, shape: tuple[int, ...]) -> bytes:
    with graphs.quiet_exporter(), scratch_folder() as folder:
        program = torch.onnx.export(
            module,
            (_drawn(5, shape),),
            dynamo=True,
            verbose=False,
            input_names=["inputs"],
            output_names=["outputs"],
            dynamic_shapes=({0: torch.export.Dim("rows", min=1)},),
        )
        if program is None:
            raise RuntimeError("torch gave no program")
        program.save(folder / "network.onnx", external_data=False)
        return (folder / "network.onnx").read_bytes()


@torch.no_grad()
def _difference(module: nn.Module, content: bytes, shape: tuple[int, ...]) -> float:
    """Largest |difference| of an output, relative to the largest of them, or to one."""
    session, worst = graphs.session_of(content), 0.0
    for rows in CHECKED_ROWS:
        inputs = _drawn(rows, shape)
        expected = module(inputs)
        found = torch.from_numpy(session.run(None, {"inputs": inputs.numpy()})[0])
        if found.shape != expected.shape:
            return float("inf")
        worst = max(worst, float((found - expected).abs().max()) / max(1.0, float(expected.abs().max())))
    return worst


@torch.no_grad()
def _require_outputs(module: nn.Module, shape: tuple[int, ...], name: str) -> None:
    """Refuse a module that gives no outputs for rows.

    Raises:
        AdoptError: what it gives instead, or what it raised.
    """
    try:
        found = module(_drawn(2, shape))
    except Exception as error:  # of the network's own code
        raise AdoptError(f"{name} does not take inputs of shape {shape}: {_reason(error)}") from error
    if not isinstance(found, Tensor) or found.ndim == 0 or len(found) != 2:
        what = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        raise AdoptError(f"{name} gives {what} for 2 rows; give a module that returns one tensor [sample, output]")


def _drawn(rows: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(rows, *shape, generator=torch.Generator().manual_seed(rows))


def _reason(error: Exception) -> str:
    """What went wrong, without colours; torch's exporter says of itself alone, and keeps what it met as the cause."""
    text = " ".join(re.sub(r"\x1b\[[\d;]*m", "", str(error.__cause__ or error)).split())
    return text[:300] or type(error).__name__
