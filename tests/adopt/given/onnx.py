"""Two graphs that take pixels as they are."""

from pathlib import Path
from typing import Any

import numpy as np
from tests.adopt.given.digits import trained
from torch import nn


def graph(network: nn.Module) -> bytes:
    """Two layers and what is between them as a graph, after a sixteenth of the inputs."""
    from onnx import helper, numpy_helper

    state = {name.replace(".", "_"): each.numpy() for name, each in network.state_dict().items()}
    state["sixteen"] = np.array(16, dtype=np.float32)
    nodes = [
        helper.make_node("Div", ["pixels", "sixteen"], ["inputs"]),
        helper.make_node("Gemm", ["inputs", "0_weight", "0_bias"], ["hidden"], transB=1),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "2_weight", "2_bias"], ["logits"], transB=1),
    ]
    ends = [helper.make_tensor_value_info(name, 1, ["rows", size]) for name, size in (("pixels", 64), ("logits", 10))]
    weights = [numpy_helper.from_array(each, name) for name, each in state.items()]
    made = helper.make_graph(nodes, "digits", ends[:1], ends[1:], weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def made() -> dict[str, Any]:
    Path("models").mkdir()
    for seed in range(2):
        Path(f"models/{seed}.onnx").write_bytes(graph(trained(seed)))
    return {}
