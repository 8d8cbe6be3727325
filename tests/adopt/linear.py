"""The smallest networks there are, whose numbers can be worked out by hand: outputs = inputs @ weights + bias."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

WEIGHTS = np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 0.5]])
"""[feature, class]"""
BIAS = np.array([0.0, -1.0, 0.25])
X = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0], [-1.0, 0.5], [0.5, -3.0]])
"""[sample, feature]; their logits, by hand, are below."""
LOGITS = np.array([[1.0, -1.0, -0.75], [0.0, 1.0, 0.75], [2.0, 3.0, -0.75], [-1.0, 0.0, 1.5], [0.5, -7.0, -1.75]])
Y = np.array([0, 1, 1, 2, 0])
"""Classes of the highest logits."""
X_TEST, Y_TEST = X[[4, 0, 1]], Y[[4, 0, 1]]


def rows(**changes: Any) -> dict[str, NDArray[Any]]:
    """Rows of validation and test."""
    return {"x_val": X, "y_val": Y, "x_test": X_TEST, "y_test": Y_TEST, **changes}


def probs(logits: NDArray[Any] = LOGITS) -> NDArray[np.float64]:
    """Softmax, written out."""
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def build(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """A network of torch that is not trained yet."""
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), outputs))


def network(scale: float = 1.0, repeat: int = 1) -> nn.Module:
    """A network of torch: logits times a scale; of inputs with so many equal values a feature."""
    made = build((2 * repeat,), 3)
    weights = np.repeat(scale * WEIGHTS / repeat, repeat, axis=0)
    made.load_state_dict({"1.weight": torch.tensor(weights.T).float(), "1.bias": torch.tensor(scale * BIAS).float()})
    return made.eval()


def graph(
    *,
    scale: float = 1.0,
    ends: tuple[str, ...] = ("Softmax",),
    kind: str = "float32",
    opset: int = 13,
    names: tuple[str, str] = ("X", "probabilities"),
    columns: slice = slice(None),
) -> bytes:
    """A graph of ONNX that does the same.

    Args:
        scale: of the logits.
        ends: operators that follow.
        kind: type of its numbers.
        opset: version of ONNX's operators.
        names: of its input and its output.
        columns: logits that it gives.
    """
    from onnx import helper, numpy_helper

    dtype = np.dtype(kind)
    weights, bias = (scale * each[..., columns] for each in (WEIGHTS, BIAS))
    source, last = names
    steps = ["logits", *(f"step{place}" for place in range(len(ends) - 1)), last] if ends else [last]
    nodes = [helper.make_node("MatMul", [source, "weights"], ["product"])]
    nodes += [helper.make_node("Add", ["product", "bias"], [steps[0]])]
    nodes += [helper.make_node(each, [steps[place]], [steps[place + 1]]) for place, each in enumerate(ends)]
    element = helper.np_dtype_to_tensor_dtype(dtype)
    made = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info(source, element, ["rows", 2])],
        [helper.make_tensor_value_info(last, element, ["rows", bias.shape[0]])],
        [numpy_helper.from_array(each.astype(dtype), name) for each, name in ((weights, "weights"), (bias, "bias"))],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return bytes(model.SerializeToString())


def saved(path: Path, **how: Any) -> Path:
    """Path of a file with such a graph."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph(**how))
    return path
