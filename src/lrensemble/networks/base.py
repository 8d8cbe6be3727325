"""Networks that another library runs: the registry of their kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from lrensemble.registry import Call, Registry

Runs = Callable[[NDArray[Any]], NDArray[Any]]
"""From inputs [sample, …] to what a network gives for each row, in numpy on the CPU."""


@dataclass(frozen=True)
class NetworkFacts:
    """A kind of network says how its file is named and which inputs it takes."""

    suffix: str
    """Suffix of its file: `.onnx`."""
    flat: bool = False
    """Whether it takes features: images are laid flat, [sample, feature]."""
    raw: bool = False
    """Whether inputs of float64 reach it as they are; else they are float32."""
    graph: bool = False
    """Whether its file is a graph of ONNX, with arguments `input` and `output`: it can become a part of another."""


NETWORKS: Registry[Runs, NetworkFacts] = Registry("network", NetworkFacts, call=Call(("content",)))
"""Functions of the content of a file that return a function from inputs [sample, …] to outputs, both in numpy."""
