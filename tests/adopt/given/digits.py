"""Rows of digits, and small networks that learned some of them."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import nn

TRAIN, VAL, TEST = slice(0, 1000), slice(1000, 1400), slice(1400, 1797)


def rows() -> dict[str, Any]:
    """Rows of the snippets: pixels from 0 to 16 in float64, as scikit-learn gives them."""
    x, y = load_digits(return_X_y=True)
    return {"x_val": x[VAL], "y_val": y[VAL], "x_test": x[TEST], "y_test": y[TEST]}


def training_rows() -> tuple[Any, Any]:
    """Rows that models are trained on."""
    x, y = load_digits(return_X_y=True)
    return x[TRAIN], y[TRAIN]


def build(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """A network that is not trained yet."""
    return nn.Sequential(nn.Linear(shape[0], 16), nn.ReLU(), nn.Linear(16, outputs))


def trained(seed: int, rate: float = 0.3, epochs: int = 5) -> nn.Module:
    """A network that was trained on pixels from 0 to 1."""
    x, y = training_rows()
    inputs, truth = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    torch.manual_seed(seed)
    network = build((64,), 10)
    optimizer = torch.optim.SGD(network.parameters(), rate)
    for _ in range(epochs):
        for start in range(0, len(inputs), 100):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(inputs[start : start + 100]), truth[start : start + 100])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return network.eval()
