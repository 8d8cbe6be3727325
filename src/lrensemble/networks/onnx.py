"""Networks in an ONNX file, run by ONNX Runtime."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError, MissingExtraError
from lrensemble.networks.base import NETWORKS, Runs

TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int64)": np.int64,
}
"""Types of inputs that are given."""


@dataclass(frozen=True)
class Ends:
    """Where rows go into a graph, and where predictions come out."""

    input: str
    """Name of its input."""
    output: str
    """Name of the output that is taken."""
    dtype: np.dtype[Any]
    """Type of its input."""
    flat: bool
    """Whether it takes [sample, feature]: images are laid flat."""


@NETWORKS.register(suffix=".onnx", raw=True, graph=True)
def onnx(content: bytes, *, input: str | None = None, output: str | None = None) -> Runs:  # noqa: A002
    """A graph of ONNX with one input [sample, …], on one thread of the CPU.

    Args:
        content: of the file.
        input: name of its input; its only one unless given.
        output: name of the output that is taken; unless given the only one, or the one of probabilities.

    Raises:
        DataError: no graph of ONNX, or one whose input or output is not clear.
        MissingExtraError: onnxruntime is not installed.
    """
    session = session_of(content)
    ends = ends_of(session, input, output)

    def run(given: NDArray[Any]) -> NDArray[Any]:
        rows = given.reshape(len(given), -1) if ends.flat else given
        found = session.run([ends.output], {ends.input: np.ascontiguousarray(rows, dtype=ends.dtype)})[0]
        if not isinstance(found, np.ndarray):
            raise TypeError(f"output {ends.output} is {type(found).__name__}; convert with zipmap off")
        return found

    return run


def ends_of(session: Any, input: str | None = None, output: str | None = None) -> Ends:  # noqa: A002
    """Input and output of a graph.

    Args:
        session: of ONNX Runtime, or a graph's content.
        input: name of its input; its only one unless given.
        output: name of the output that is taken; unless given the only one, or the one of probabilities.

    Raises:
        DataError: they are not clear, or rows are given in a type that it does not take.
    """
    session = session_of(session) if isinstance(session, bytes) else session
    inputs = {each.name: each for each in session.get_inputs()}
    outputs = [each.name for each in session.get_outputs()]
    source = _one(input, list(inputs), "input")
    wanted = _one(output if output is not None else of_probabilities(outputs), outputs, "output")
    kind = TYPES.get(inputs[source].type)
    if kind is None:
        raise DataError(f"the ONNX graph takes {inputs[source].type}; it must take {', '.join(TYPES)}")
    return Ends(source, wanted, np.dtype(kind), len(inputs[source].shape) == 2)


def session_of(content: bytes, threads: int = 1) -> Any:
    """A session of ONNX Runtime on the CPU.

    Args:
        content: of the file.
        threads: that compute one operator together.

    Raises:
        DataError: no graph of ONNX.
        MissingExtraError: onnxruntime is not installed.
    """
    try:
        runtime = import_module("onnxruntime")
    except ImportError:
        raise MissingExtraError("a network in ONNX needs onnxruntime: pip install 'lrensemble[onnx]'") from None
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own kinds, which it does not export
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"this is no ONNX graph that ONNX Runtime can run: {reason}") from None


def of_probabilities(names: list[str]) -> str | None:
    """The output that holds probabilities, by the names that converters give."""
    found = [name for name in names if name.lower() in ("probabilities", "output_probability", "probs", "values")]
    return found[0] if len(found) == 1 else None


def _one(asked: str | None, names: list[str], what: str) -> str:
    """The name that is meant.

    Raises:
        DataError: there is no such, or it is not clear which.
    """
    found = asked if asked is not None else names[0] if len(names) == 1 else None
    if found not in names:
        raise DataError(f"the ONNX graph has the {what}s {', '.join(names)}; name one: {what}=NAME")
    return str(found)


@contextmanager
def quiet_exporter() -> Iterator[None]:
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
