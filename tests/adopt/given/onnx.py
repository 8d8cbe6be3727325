"""Two graphs that take pixels as they are, written by torch."""

import warnings
from pathlib import Path
from typing import Any

import torch
from tests.adopt.given.digits import trained
from torch import nn


class _Sixteenth(nn.Module):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs / 16


def made() -> dict[str, Any]:
    Path("models").mkdir()
    for seed in range(2):
        network = nn.Sequential(_Sixteenth(), trained(seed))
        rows = torch.export.Dim("rows", min=2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = f"models/{seed}.onnx"
            torch.onnx.export(
                network, (torch.zeros(5, 64),), path, dynamo=True, dynamic_shapes=({0: rows},), verbose=False
            )
    return {}
